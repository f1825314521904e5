"""What stands around the branches of a residual net, in TensorFlow.

Layouts and words are those of layers.py.
"""

from typing import Any

import tensorflow as tf


def add(x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
    """x + y, both of one shape."""
    return tf.add(x, y)


def identity_shortcut(x: tf.Tensor, filters: int, stride: int) -> tf.Tensor:
    """Every stride-th pixel of x, from the first on, with channels of zeros behind those of x.

    x (B, H, W, C) -> (B, H', W', filters), H' = floor((H - 1) / stride) + 1.
    """
    taken: Any = x[:, ::stride, ::stride]
    new = filters - taken.shape[3]
    return tf.pad(taken, [[0, 0], [0, 0], [0, 0], [0, new]]) if new else taken


def pad(x: tf.Tensor, rim: int, value: float) -> tf.Tensor:
    """A rim of so many pixels of one value around every image.

    x (B, H, W, C) -> (B, H + 2 rim, W + 2 rim, C).
    """
    sides = [[0, 0], [rim, rim], [rim, rim], [0, 0]]
    return tf.pad(x, sides, mode="CONSTANT", constant_values=value)


def global_average_pool(x: tf.Tensor) -> tf.Tensor:
    """x_c = mean over all pixels. x (B, H, W, C) -> (B, C)."""
    return tf.reduce_mean(x, [1, 2])
