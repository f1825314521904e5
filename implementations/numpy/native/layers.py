"""ReLU and pooling, as in layers.py and techniques/activations.py."""

import numpy as np

from implementations.numpy import layers
from implementations.numpy.native import segmentation
from implementations.numpy.native.blocks import blocks
from implementations.numpy.tape import Node


def relu(x: Node) -> Node:
    work = x.tape.workspace
    value = work.empty(x.value.shape, x.value.dtype)
    np.maximum(x.value, 0, out=value)

    def backward(delta: np.ndarray) -> None:
        for block in blocks(delta):
            delta[block] *= value[block] > 0
        x.add_gradient(delta)

    return x.tape.output(value, (x,), backward)


def max_pool(x: Node, window: int, stride: int, choice: np.ndarray | None = None) -> Node:
    """Of 2x2 side by side, where there is a way back: the index of the maximum is found once."""
    if (window, stride) != (2, 2) or choice is not None or not x.wanted:
        return layers.max_pool(x, window, stride, choice)
    return segmentation.max_pool_indices(x)[0]
