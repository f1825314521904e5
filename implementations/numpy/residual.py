"""What stands around the branches of a residual net, in NumPy, each with its derivative.

Layouts and words are those of layers.py.
"""

import numpy as np

from implementations.numpy.tape import Node


def add(x: Node, y: Node) -> Node:
    """x + y, both of one shape. dE/dx = delta, dE/dy = delta.

    Each gets an array of its own: whoever takes a gradient may overwrite it.
    """
    value = x.tape.workspace.empty(x.value.shape, x.value.dtype)
    np.add(x.value, y.value, out=value)

    def backward(delta: np.ndarray) -> None:
        if x.wanted:
            x.add_gradient(delta)
        if y.wanted:
            y.add_gradient(delta.copy() if x.wanted else delta)

    return x.tape.output(value, (x, y), backward)


def identity_shortcut(x: Node, filters: int, stride: int) -> Node:
    """Every stride-th pixel of x, from the first on, with channels of zeros behind those of x.

    x (B, H, W, C) -> (B, H', W', filters), H' = floor((H - 1) / stride) + 1.

    dE/dx at the pixels that were taken is delta without the new channels, elsewhere 0.
    """
    taken = x.value[:, ::stride, ::stride]
    channels, value = taken.shape[3], taken
    if filters > channels:
        value = x.tape.workspace.zeros((*taken.shape[:3], filters), x.value.dtype)
        value[..., :channels] = taken

    def backward(delta: np.ndarray) -> None:
        if delta.shape == x.value.shape:
            x.add_gradient(delta)
            return
        gradient = np.zeros_like(x.value)
        gradient[:, ::stride, ::stride] = delta[..., :channels]
        x.add_gradient(gradient)

    return x.tape.output(value, (x,), backward)


def pad(x: Node, rim: int, value: float) -> Node:
    """A rim of so many pixels of one value around every image.

    x (B, H, W, C) -> (B, H + 2 rim, W + 2 rim, C). dE/dx is delta without the rim.
    """
    sides = ((0, 0), (rim, rim), (rim, rim), (0, 0))

    def backward(delta: np.ndarray) -> None:
        x.add_gradient(delta[:, rim:-rim, rim:-rim].copy())

    return x.tape.output(np.pad(x.value, sides, constant_values=value), (x,), backward)


def global_average_pool(x: Node) -> Node:
    """x_c = mean over all pixels. x (B, H, W, C) -> (B, C). dE/dy_ijc = delta_c / (H W)."""
    pixels = x.value.shape[1] * x.value.shape[2]

    def backward(delta: np.ndarray) -> None:
        share = delta / pixels
        x.add_gradient(np.broadcast_to(share[:, None, None], x.value.shape).copy())

    return x.tape.output(x.value.mean(axis=(1, 2)), (x,), backward)
