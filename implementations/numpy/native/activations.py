"""ReLU, as in techniques/activations.py."""

import numpy as np

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
