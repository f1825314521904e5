"""Primitives in TensorFlow. No default of the library stays implicit.

Images are (batch, height, width, channels), kernels (height, width, in, out), dense weights
(in, out): the canonical layout. Functions take tensors and return tensors; Convolution and Dense
own a weight and, where they have one, a bias, BatchNorm a scale, a shift and running statistics.
"""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import keras
import tensorflow as tf

from implementations.exchange import exchangeable
from implementations.tensorflow.techniques import batch_norm

if TYPE_CHECKING:
    from implementations.tensorflow.probe import Probe


@exchangeable
def convolution(
    x: tf.Tensor, weight: tf.Tensor, bias: tf.Tensor | None, stride: int, padding: int
) -> tf.Tensor:
    """x_ij = b + sum_a sum_b w_ab y_(i+a)(j+b): the deck's convolution, a cross-correlation.

    x (B, H, W, C), weight (h, w, C, K), bias (K,) or None -> (B, H', W', K) with
    H' = floor((H + 2 padding - h) / stride) + 1. The zeros are counted, never called "SAME": at
    stride 2 that would put them at the bottom and the right only.
    """
    sides: Any = [[0, 0], [padding, padding], [padding, padding], [0, 0]]
    products = tf.nn.conv2d(x, weight, strides=stride, padding=sides, data_format="NHWC")
    return products if bias is None else tf.nn.bias_add(products, bias)


def max_pool(x: tf.Tensor, window: int, stride: int, choice: tf.Tensor | None = None) -> tf.Tensor:
    """x_ij = max over the window; the gradient goes to the first maximum in row-major order.

    x (B, H, W, C) -> (B, H', W', C), H' = floor((H - window) / stride) + 1, no padding. Where
    windows overlap, gradients add. `choice` (B, H', W', C) names the entry to take instead, counted
    in row-major order; -1 leaves it to the maximum.
    """
    if choice is None:
        return tf.nn.max_pool2d(x, window, stride, padding="VALID", data_format="NHWC")
    entries = _windows(x, window, stride)
    first = tf.argmax(entries, axis=-1, output_type=tf.int32)
    index = tf.where(choice < 0, first, choice)
    return tf.gather(entries, index, batch_dims=4)


def max_pool_decision(x: tf.Tensor, window: int, stride: int) -> tuple[tf.Tensor, tf.Tensor]:
    """Position of the first maximum in each window, and its distance to the runner-up."""
    entries = _windows(x, window, stride)
    top = tf.math.top_k(entries, k=2).values
    return tf.argmax(entries, axis=-1, output_type=tf.int32), top[..., 0] - top[..., 1]


def average_pool(x: tf.Tensor, window: int, stride: int) -> tf.Tensor:
    """x_ij = mean over the window; each of its entries gets delta / window^2.

    x (B, H, W, C) -> (B, H', W', C), H' = floor((H - window) / stride) + 1, no padding.
    """
    return tf.nn.avg_pool2d(x, window, stride, padding="VALID", data_format="NHWC")


def flatten(x: tf.Tensor) -> tf.Tensor:
    """(B, H, W, C) -> (B, H * W * C): in height, width, channel order."""
    return tf.reshape(x, [-1, math.prod(_shape(x)[1:])])


def dense(x: tf.Tensor, weight: tf.Tensor, bias: tf.Tensor | None) -> tf.Tensor:
    """x W + b. x (B, n), weight (n, m), bias (m,) or None -> (B, m)."""
    products = tf.matmul(x, weight)
    return products if bias is None else tf.nn.bias_add(products, bias)


def softmax_cross_entropy(logits: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
    """-(1/B) sum_b log softmax(logits_b)[labels_b]. logits (B, K), labels (B,) -> scalar.

    From logits: from probabilities Keras would clip at 1e-7.
    """
    losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits)
    return tf.reduce_mean(losses)


class Convolution(keras.layers.Layer):
    """A convolution that owns its kernel. shape: canonical (height, width, in, out)."""

    def __init__(
        self,
        shape: tuple[int, ...],
        stride: int,
        padding: int,
        name: str,
        dtype: str,
        bias: bool = True,
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        self.weight = self.add_weight(shape=shape, initializer="zeros", name="weight")
        self.bias = _bias(self, shape[-1:]) if bias else None
        self.stride, self.padding = stride, padding
        self.built = True

    def call(self, x: tf.Tensor) -> tf.Tensor:
        return convolution(x, self.weight.value, _value(self.bias), self.stride, self.padding)


class Dense(keras.layers.Layer):
    """A dense layer that owns its weight. shape: canonical (in, out)."""

    def __init__(self, shape: tuple[int, ...], name: str, dtype: str, bias: bool = True) -> None:
        super().__init__(name=name, dtype=dtype)
        self.weight = self.add_weight(shape=shape, initializer="zeros", name="weight")
        self.bias = _bias(self, shape[-1:]) if bias else None
        self.built = True

    def call(self, x: tf.Tensor) -> tf.Tensor:
        return dense(x, self.weight.value, _value(self.bias))


class BatchNorm(keras.layers.Layer):
    """A batch norm layer that owns its scale, its shift and the running statistics, which it does
    not move. norm: its decay, epsilon and unbiased."""

    def __init__(self, width: int, norm: Mapping[str, Any], name: str, dtype: str) -> None:
        super().__init__(name=name, dtype=dtype)
        self.scale, self.shift = (
            self.add_weight(shape=(width,), initializer="zeros", name=part)
            for part in ("scale", "shift")
        )
        self.running_mean, self.running_variance = (
            self.add_weight(shape=(width,), initializer="zeros", name=part, trainable=False)
            for part in ("running_mean", "running_variance")
        )
        self.norm = norm
        self.built = True

    def call(self, x: tf.Tensor, name: str, probe: "Probe") -> tf.Tensor:
        """Normalize; the new running statistics are noted under the layer's canonical name."""
        training = probe.mode.batch_statistics
        y, mean, variance = batch_norm.batch_norm(
            x,
            self.scale.value,
            self.shift.value,
            self.running_mean.value,
            self.running_variance.value,
            training,
            **self.norm,
        )
        if training:
            probe.note(f"{name}/running_mean", mean)
            probe.note(f"{name}/running_variance", variance)
        return probe.record(name, y)


def _bias(layer: keras.layers.Layer, shape: tuple[int, ...]) -> Any:
    return layer.add_weight(shape=shape, initializer="zeros", name="bias")


def _value(bias: Any) -> tf.Tensor | None:
    return None if bias is None else bias.value


def _shape(x: tf.Tensor) -> Any:
    """The static shape: every side is a number but, in a graph, the batch."""
    return x.shape.as_list()


def _windows(x: tf.Tensor, window: int, stride: int) -> tf.Tensor:
    """(B, H, W, C) -> (B, H', W', C, window * window), entries in row-major order."""
    _, height, width, _ = _shape(x)
    rows, columns = (height - window) // stride + 1, (width - window) // stride + 1
    entries = [
        x[:, a : a + stride * (rows - 1) + 1 : stride, b : b + stride * (columns - 1) + 1 : stride]
        for a in range(window)
        for b in range(window)
    ]
    return tf.stack(entries, axis=-1)
