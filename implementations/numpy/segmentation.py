"""What an encoder-decoder needs beside layers.py, in NumPy, each with its derivative.

Layouts and words are those of layers.py. Equations and words: bench/specs/segnet.py.
"""

from collections.abc import Sequence

import numpy as np

from implementations.exchange import exchangeable
from implementations.numpy import layers
from implementations.numpy.tape import Node

Place = tuple[np.ndarray | None, int, int]  # what a pooling remembers: indices, rows, columns


def pool(x: Node, upsampling: str, choice: np.ndarray | None = None) -> tuple[Node, Place]:
    """2x2 max pooling, and what an upsampling may need to undo it."""
    _, rows, columns, _ = x.value.shape
    if upsampling == "indices":
        y, index = max_pool_indices(x, choice)
        return y, (index, rows, columns)
    return layers.max_pool(x, 2, 2, choice), (None, rows, columns)


def upsample(x: Node, upsampling: str, place: Place, weight: Node | None = None) -> Node:
    """The way back, by its name in bench/specs/segnet.py; weight: of the transposed convolution."""
    index, rows, columns = place
    if index is not None:
        return unpool(x, index, rows, columns)
    if weight is not None:
        return transposed_convolution(x, weight)
    if upsampling == "fixed":
        return fixed_unpool(x, rows, columns)
    return nearest_upsample(x) if upsampling == "nearest" else bilinear_upsample(x)


@exchangeable
def max_pool_indices(x: Node, choice: np.ndarray | None = None) -> tuple[Node, np.ndarray]:
    """x_ij = max over 2x2, and where in its window it was found: 0 to 3, in row-major order.

    x (B, H, W, C) -> two of (B, H', W', C), H' = floor(H / 2): windows do not overlap, and an
    odd row or column at the end is left out. The first maximum counts. `choice` (B, H', W', C)
    names the entry to take instead; -1 leaves it to the maximum.

    dE/dy is delta at the entry that was taken, 0 at all others.
    """
    work, entries = x.tape.workspace, _entries(x.value)
    value = work.empty(entries[0].shape, x.value.dtype)
    index = work.zeros(entries[0].shape, np.dtype(np.int8))
    larger = work.empty(entries[0].shape, np.dtype(bool))
    np.copyto(value, entries[0])
    for position, entry in enumerate(entries[1:], start=1):
        np.greater(entry, value, out=larger)
        np.copyto(value, entry, where=larger)
        np.copyto(index, position, where=larger)
    work.give_back(larger)
    if choice is not None:
        np.copyto(index, choice, where=choice >= 0, casting="unsafe")
        for position, entry in enumerate(entries):
            np.copyto(value, entry, where=index == position)

    def backward(delta: np.ndarray) -> None:
        gradient = work.zeros(x.value.shape, delta.dtype)
        for position, target in enumerate(_entries(gradient)):
            np.multiply(delta, index == position, out=target)
        x.add_gradient(gradient)

    return x.tape.output(value, (x,), backward), index


@exchangeable
def unpool(x: Node, index: np.ndarray, rows: int, columns: int) -> Node:
    """Every value at its place in its window, zeros elsewhere: the way back of max_pool_indices.

    x, index (B, H', W', C) -> (B, rows, columns, C), the size of the image that was pooled.

    dE/dy_ij is delta at the place where it was put.
    """
    work = x.tape.workspace
    value = work.zeros((len(x.value), rows, columns, x.value.shape[3]), x.value.dtype)
    for position, target in enumerate(_entries(value)):
        np.multiply(x.value, index == position, out=target)

    def backward(delta: np.ndarray) -> None:
        gradient = work.empty(x.value.shape, delta.dtype)
        for position, entry in enumerate(_entries(delta)):
            np.copyto(gradient, entry, where=index == position)
        x.add_gradient(gradient)

    return x.tape.output(value, (x,), backward)


def fixed_unpool(x: Node, rows: int, columns: int) -> Node:
    """Every value at the upper left of its window, zeros elsewhere.

    x (B, H', W', C) -> (B, rows, columns, C). dE/dy_ij is delta at the place where it was put.
    """
    value = np.zeros((len(x.value), rows, columns, x.value.shape[3]), x.value.dtype)
    _entries(value)[0][...] = x.value

    def backward(delta: np.ndarray) -> None:
        x.add_gradient(_entries(delta)[0].copy())

    return x.tape.output(value, (x,), backward)


def nearest_upsample(x: Node) -> Node:
    """x_(2i+a)(2j+b) = y_ij. x (B, H, W, C) -> (B, 2H, 2W, C).

    dE/dy_ij = sum_a sum_b delta_(2i+a)(2j+b)
    """

    def backward(delta: np.ndarray) -> None:
        first, *others = _entries(delta)
        x.add_gradient(sum(others, first))

    return x.tape.output(x.value.repeat(2, axis=1).repeat(2, axis=2), (x,), backward)


def bilinear_upsample(x: Node) -> Node:
    """Twice the size with half-pixel centers. x (B, H, W, C) -> (B, 2H, 2W, C).

    First along the rows, then along the columns, in each with y outside held at the border:

        x_(2i) = (y_(i-1) + 3 y_i) / 4        x_(2i+1) = (3 y_i + y_(i+1)) / 4

    dE/dy_i = (3 delta_(2i) + 3 delta_(2i+1) + delta_(2i+2) + delta_(2i-1)) / 4, where a delta
    outside, behind a value that was held, is that of the border.
    """

    def backward(delta: np.ndarray) -> None:
        x.add_gradient(_gathered(_gathered(delta, axis=2), axis=1))

    return x.tape.output(_between(_between(x.value, axis=1), axis=2), (x,), backward)


def transposed_convolution(x: Node, weight: Node) -> Node:
    """x_(2i+a)(2j+b) = sum_c w_abc y_ijc, a stride of 2.

    x (B, H, W, C), weight (2, 2, C, K) -> (B, 2H, 2W, K).

    dE/dw_ab = sum_ij y_ij^T delta_(2i+a)(2j+b)    dE/dy_ij = sum_a sum_b delta_(2i+a)(2j+b) w_ab^T
    """
    batch, rows, columns, channels = x.value.shape
    filters = weight.value.shape[3]
    matrix = weight.value.transpose(2, 0, 1, 3).reshape(channels, -1)  # (C, 2 * 2 * K)
    flat = x.value.reshape(-1, channels)
    apart = (flat @ matrix).reshape(batch, rows, columns, 2, 2, filters)
    value = apart.transpose(0, 1, 3, 2, 4, 5).reshape(batch, 2 * rows, 2 * columns, filters)

    def backward(delta: np.ndarray) -> None:
        windows = delta.reshape(batch, rows, 2, columns, 2, filters).transpose(0, 1, 3, 2, 4, 5)
        products = windows.reshape(len(flat), -1)
        if weight.wanted:
            gradient = (flat.T @ products).reshape(channels, 2, 2, filters)
            weight.add_gradient(gradient.transpose(1, 2, 0, 3))
        if x.wanted:
            x.add_gradient((products @ matrix.T).reshape(x.value.shape))

    return x.tape.output(value, (x, weight), backward)


def concatenate(x: Node, y: Node) -> Node:
    """The channels of y behind those of x. dE/dx and dE/dy are their parts of delta."""
    channels = x.value.shape[3]

    def backward(delta: np.ndarray) -> None:
        if x.wanted:
            x.add_gradient(delta[..., :channels].copy())
        if y.wanted:
            y.add_gradient(delta[..., channels:].copy())

    return x.tape.output(np.concatenate([x.value, y.value], axis=3), (x, y), backward)


def take_channels(x: Node, start: int, count: int) -> Node:
    """So many channels of x, from `start` on. dE/dx is delta there, 0 at the others."""

    def backward(delta: np.ndarray) -> None:
        gradient = np.zeros_like(x.value)
        gradient[..., start : start + count] = delta
        x.add_gradient(gradient)

    taken = x.value[..., start : start + count]
    return x.tape.output(np.ascontiguousarray(taken), (x,), backward)


@exchangeable
def pixel_cross_entropy(logits: Node, labels: np.ndarray, weights: Sequence[float]) -> Node:
    """E = -(1/N) sum_n w_(y_n) log softmax(logits_n)[y_n] over the N pixels of the batch.

    logits (B, H, W, K), labels (B, H, W), a weight for each of the K classes -> scalar.

    dE/dlogits_nk = w_(y_n) (softmax(logits_n)_k - [k = y_n]) / N
    """
    scores, flat = logits.value.reshape(-1, len(weights)), labels.reshape(-1)
    pixels = np.arange(len(flat))
    own = np.asarray(weights, scores.dtype)[flat]
    shifted = scores - scores.max(axis=1, keepdims=True)
    exponentials = np.exp(shifted)
    sums = exponentials.sum(axis=1, keepdims=True)
    losses = own * (np.log(sums[:, 0]) - shifted[pixels, flat])

    def backward(delta: np.ndarray) -> None:
        gradient = exponentials / sums
        gradient[pixels, flat] -= 1
        gradient *= (own * (delta / own.dtype.type(len(flat))))[:, None]
        logits.add_gradient(gradient.reshape(logits.value.shape))

    return logits.tape.output(losses.mean(), (logits,), backward)


def _entries(x: np.ndarray) -> list[np.ndarray]:
    """(B, H, W, C) -> four views (B, H', W', C), in row-major order."""
    rows, columns = (side // 2 * 2 for side in x.shape[1:3])
    return [x[:, a:rows:2, b:columns:2] for a in range(2) for b in range(2)]


def _between(x: np.ndarray, axis: int) -> np.ndarray:
    """Twice as many entries along an axis, each three parts of its own and one of the next."""
    x = x.swapaxes(axis, 0)
    value = np.empty((2 * len(x), *x.shape[1:]), x.dtype)
    value[::2] = value[1::2] = 3 * x
    value[2::2] += x[:-1]
    value[1:-1:2] += x[1:]
    value[0] += x[0]
    value[-1] += x[-1]
    value /= 4
    return value.swapaxes(axis, 0)


def _gathered(delta: np.ndarray, axis: int) -> np.ndarray:
    """The derivative of _between: what every entry gets back."""
    delta = delta.swapaxes(axis, 0)
    even, odd = delta[::2], delta[1::2]
    gradient = 3 * (even + odd)
    gradient[:-1] += even[1:]
    gradient[1:] += odd[:-1]
    gradient[0] += even[0]
    gradient[-1] += odd[-1]
    gradient /= 4
    return gradient.swapaxes(axis, 0)
