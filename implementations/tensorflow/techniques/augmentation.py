"""Augmentation of images in TensorFlow.

All draws are handed in. Images are (B, H, W, C); positions are (row, column) in pixels, read
between pixels by bilinear interpolation and as 0 outside of the image. Simard, Steinkraus and Platt
(2003), "Best practices for convolutional neural networks applied to visual document analysis".
"""

from typing import Any

import tensorflow as tf


def affine(x: tf.Tensor, angle: tf.Tensor, scale: tf.Tensor, shift: tf.Tensor) -> tf.Tensor:
    """Each image turned by `angle` (B,), enlarged by `scale` (B,) about its center, and shifted by
    `shift` (B, 2), down and right. x (B, H, W, C).

    The pixel at q is read at p = c + R(-angle) (q - c - shift) / scale, c = ((H-1)/2, (W-1)/2),
    R(a) = [[cos a, -sin a], [sin a, cos a]].
    """
    rows, columns = _grid(x)
    _, height, width, _ = _shape(x)
    center = (height - 1) / 2, (width - 1) / 2
    angle, scale = angle[:, tf.newaxis, tf.newaxis], scale[:, tf.newaxis, tf.newaxis]
    down = rows - center[0] - shift[:, 0, tf.newaxis, tf.newaxis]
    right = columns - center[1] - shift[:, 1, tf.newaxis, tf.newaxis]
    cosine, sine = tf.cos(angle) / scale, tf.sin(angle) / scale
    return _sample(
        x, center[0] + cosine * down + sine * right, center[1] - sine * down + cosine * right
    )


def elastic(x: tf.Tensor, displacement: tf.Tensor) -> tf.Tensor:
    """The pixel at q is read at q + displacement_q. x (B, H, W, C), displacement (B, H, W, 2)."""
    rows, columns = _grid(x)
    down, right = tf.unstack(displacement, num=2, axis=-1)
    return _sample(x, rows + down, columns + right)


def noise(x: tf.Tensor, noise: tf.Tensor) -> tf.Tensor:
    """x + noise, both of one shape."""
    return x + noise


def _shape(x: tf.Tensor) -> Any:
    """The static shape: every side is a number but, in a graph, the batch."""
    return x.shape.as_list()


def _grid(x: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Row (H, 1) and column (1, W) of every pixel."""
    _, height, width, _ = _shape(x)
    rows, columns = tf.range(height, dtype=x.dtype), tf.range(width, dtype=x.dtype)
    return rows[:, tf.newaxis], columns[tf.newaxis, :]


def _sample(x: tf.Tensor, rows: tf.Tensor, columns: tf.Tensor) -> tf.Tensor:
    """x at positions (B, H, W) between its pixels: bilinear, zeros outside of the image.

    With r = floor(row), c = floor(column), u = row - r, v = column - c:
    (1-u)(1-v) x_rc + (1-u) v x_r(c+1) + u (1-v) x_(r+1)c + u v x_(r+1)(c+1).
    """
    _, height, width, channels = _shape(x)
    top, left = tf.floor(rows), tf.floor(columns)
    pixels = tf.reshape(x, [-1, height * width, channels])

    def corner(row: tf.Tensor, column: tf.Tensor) -> tf.Tensor:
        """The pixels nearest to p on one side, times how near they are."""
        inside = (row >= 0) & (row <= height - 1) & (column >= 0) & (column <= width - 1)
        near = (1 - tf.abs(rows - row)) * (1 - tf.abs(columns - column))
        at = width * tf.clip_by_value(row, 0, height - 1) + tf.clip_by_value(column, 0, width - 1)
        weight = tf.where(inside, near, tf.zeros_like(near))
        return tf.expand_dims(weight, -1) * tf.gather(pixels, tf.cast(at, tf.int32), batch_dims=1)

    return (
        corner(top, left)
        + corner(top, left + 1)
        + corner(top + 1, left)
        + corner(top + 1, left + 1)
    )
