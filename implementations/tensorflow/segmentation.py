"""What an encoder-decoder needs beside layers.py, in TensorFlow.

Layouts and words are those of layers.py. Equations and words: bench/specs/segnet.py.
"""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from implementations.exchange import exchangeable
from implementations.tensorflow import layers

Place = tuple[tf.Tensor | None, int, int]  # what a pooling remembers: indices, rows, columns


def pool(x: tf.Tensor, upsampling: str, choice: tf.Tensor | None = None) -> tuple[tf.Tensor, Place]:
    """2x2 max pooling, and what an upsampling may need to undo it."""
    _, rows, columns, _ = _shape(x)
    if upsampling == "indices":
        y, index = max_pool_indices(x, choice)
        return y, (index, rows, columns)
    return layers.max_pool(x, 2, 2, choice), (None, rows, columns)


def upsample(
    x: tf.Tensor, upsampling: str, place: Place, weight: tf.Tensor | None = None
) -> tf.Tensor:
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
def max_pool_indices(x: tf.Tensor, choice: tf.Tensor | None = None) -> tuple[tf.Tensor, tf.Tensor]:
    """x_ij = max over 2x2, and where in its window it was found: 0 to 3, in row-major order.

    x (B, H, W, C) -> two of (B, H', W', C), H' = floor(H / 2): windows do not overlap, and an
    odd row or column at the end is left out. The first maximum counts. `choice` (B, H', W', C)
    names the entry to take instead; -1 leaves it to the maximum.

    tf.nn.max_pool_with_argmax counts through the whole image and all channels.
    """
    entries = tf.stack(_entries(x), axis=-1)
    index = tf.argmax(entries, axis=-1, output_type=tf.int32)
    if choice is None:
        value = tf.nn.max_pool2d(x, 2, 2, padding="VALID", data_format="NHWC")
        return value, index
    index = tf.where(choice < 0, index, choice)
    return tf.gather(entries, index, batch_dims=4), index


def unpool(x: tf.Tensor, index: tf.Tensor, rows: int, columns: int) -> tf.Tensor:
    """Every value at its place in its window, zeros elsewhere: the way back of max_pool_indices.

    x, index (B, H', W', C) -> (B, rows, columns, C), the size of the image that was pooled.
    """
    positions = range(4)
    return _spread([tf.where(index == p, x, 0) for p in positions], rows, columns)


def fixed_unpool(x: tf.Tensor, rows: int, columns: int) -> tf.Tensor:
    """Every value at the upper left of its window, zeros elsewhere.

    x (B, H', W', C) -> (B, rows, columns, C).
    """
    others = [tf.zeros_like(x)] * 3
    return _spread([x, *others], rows, columns)


def nearest_upsample(x: tf.Tensor) -> tf.Tensor:
    """x_(2i+a)(2j+b) = y_ij. x (B, H, W, C) -> (B, 2H, 2W, C)."""
    return tf.repeat(tf.repeat(x, 2, axis=1), 2, axis=2)


def bilinear_upsample(x: tf.Tensor) -> tf.Tensor:
    """Twice the size with half-pixel centers. x (B, H, W, C) -> (B, 2H, 2W, C).

    First along the rows, then along the columns, in each with y outside held at the border:

        x_(2i) = (y_(i-1) + 3 y_i) / 4        x_(2i+1) = (3 y_i + y_(i+1)) / 4

    Written out: tf.image.resize answers in float32 whatever it is given.
    """
    for axis in (1, 2):
        shape = _shape(x)
        size = shape[axis]
        before = tf.gather(x, [max(i - 1, 0) for i in range(size)], axis=axis)
        behind = tf.gather(x, [min(i + 1, size - 1) for i in range(size)], axis=axis)
        pairs = tf.stack([(before + 3 * x) / 4, (3 * x + behind) / 4], axis=axis + 1)
        shape[0], shape[axis] = -1, 2 * size
        x = tf.reshape(pairs, shape)
    return x


def transposed_convolution(x: tf.Tensor, weight: tf.Tensor) -> tf.Tensor:
    """x_(2i+a)(2j+b) = sum_c w_abc y_ijc, a stride of 2.

    x (B, H, W, C), weight (2, 2, C, K) -> (B, 2H, 2W, K). The library's kernel is (2, 2, K, C).
    """
    _, rows, columns, _ = _shape(x)
    shape = tf.stack([tf.shape(x)[0], 2 * rows, 2 * columns, weight.shape[3]])
    turned = tf.transpose(weight, [0, 1, 3, 2])
    return tf.nn.conv2d_transpose(x, turned, shape, strides=2, padding="VALID", data_format="NHWC")


def concatenate(x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
    """The channels of y behind those of x."""
    return tf.concat([x, y], axis=3)


def take_channels(x: tf.Tensor, start: int, count: int) -> tf.Tensor:
    """So many channels of x, from `start` on."""
    return x[:, :, :, start : start + count]


def pixel_cross_entropy(
    logits: tf.Tensor, labels: tf.Tensor, weights: Sequence[float]
) -> tf.Tensor:
    """-(1/N) sum_n w_(y_n) log softmax(logits_n)[y_n] over the N pixels of the batch.

    logits (B, H, W, K), labels (B, H, W), a weight for each of the K classes -> scalar.
    """
    losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits)
    own = tf.gather(tf.constant(weights, logits.dtype), labels)
    return tf.reduce_mean(own * losses)


class TransposedKernel(keras.layers.Layer):
    """Owns the kernel of a transposed convolution. shape: canonical (2, 2, in, out)."""

    def __init__(self, shape: tuple[int, ...], name: str, dtype: str) -> None:
        super().__init__(name=name, dtype=dtype)
        self.weight = self.add_weight(shape=shape, initializer="zeros", name="weight")
        self.built = True


def _shape(x: tf.Tensor) -> Any:
    """The static shape: every side is a number but, in a graph, the batch."""
    return x.shape.as_list()


def _entries(x: tf.Tensor) -> list[Any]:
    """(B, H, W, C) -> four slices (B, H', W', C), in row-major order."""
    rows, columns = (side // 2 * 2 for side in _shape(x)[1:3])
    return [x[:, a:rows:2, b:columns:2] for a in range(2) for b in range(2)]


def _spread(parts: Sequence[tf.Tensor], rows: int, columns: int) -> tf.Tensor:
    """The way back of _entries; an odd row or column at the end is zeros."""
    _, down, across, channels = _shape(parts[0])
    apart = tf.reshape(tf.stack(parts, axis=3), [-1, down, across, 2, 2, channels])
    whole = tf.reshape(
        tf.transpose(apart, [0, 1, 3, 2, 4, 5]), [-1, 2 * down, 2 * across, channels]
    )
    rest = rows - 2 * down, columns - 2 * across
    return tf.pad(whole, [[0, 0], [0, rest[0]], [0, rest[1]], [0, 0]]) if any(rest) else whole
