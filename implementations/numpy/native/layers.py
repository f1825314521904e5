"""Pooling, as in layers.py."""

import numpy as np

from implementations.numpy import layers
from implementations.numpy.native import segmentation
from implementations.numpy.native.activations import Rectified, relu
from implementations.numpy.tape import Node


def max_pool(x: Node, window: int, stride: int, choice: np.ndarray | None = None) -> Node:
    """Before a ReLU in place of behind it, which leaves the same: max relu(y) = relu(max y). Of 2x2
    side by side, where there is a way back, the index of the maximum is found once.

    Indices that are handed on come from behind it: of zeros that ReLU made the first is meant.
    """
    if choice is None and isinstance(x, Rectified):
        return relu(max_pool(x.source, window, stride))
    if (window, stride) != (2, 2) or choice is not None or not x.wanted:
        return layers.max_pool(x, window, stride, choice)
    return segmentation.max_pool_indices(x)[0]
