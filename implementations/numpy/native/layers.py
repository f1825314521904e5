"""ReLU and pooling, as in layers.py and techniques/activations.py."""

import numpy as np

from implementations.numpy import layers
from implementations.numpy.native import segmentation
from implementations.numpy.native.blocks import blocks
from implementations.numpy.tape import Node


class Rectified(Node):
    """max(0, x) of another node, computed when it is first asked for: pooling does not ask."""

    __slots__ = ("source",)

    def __init__(self, source: Node) -> None:
        self.source, self.tape, self.wanted = source, source.tape, source.wanted
        self.gradient = None

    def __getattr__(self, name: str) -> np.ndarray:
        """Called for what is not there yet."""
        if name != "value":
            raise AttributeError(name)
        x = self.source.value
        self.value = np.maximum(x, 0, out=self.tape.workspace.empty(x.shape, x.dtype))
        return self.value


def relu(x: Node) -> Node:
    y = Rectified(x)

    def backward(delta: np.ndarray) -> None:
        for block in blocks(delta):
            delta[block] *= y.value[block] > 0
        x.add_gradient(delta)

    x.tape.follow(y, backward)
    return y


def max_pool(x: Node, window: int, stride: int, choice: np.ndarray | None = None) -> Node:
    """Before a ReLU in place of behind it, which leaves the same: max relu(y) = relu(max y). Of 2x2
    side by side, where there is a way back, the index of the maximum is found once."""
    if choice is None and isinstance(x, Rectified):
        return relu(max_pool(x.source, window, stride))
    if (window, stride) != (2, 2) or choice is not None or not x.wanted:
        return layers.max_pool(x, window, stride, choice)
    return segmentation.max_pool_indices(x)[0]
