"""Activations in TensorFlow, and the backward pass of each by itself.

f_gradient(x, value, delta) = delta f'(x), entry by entry, where value = f(x) and delta is the
gradient by it: it is given what the forward pass leaves. All tensors are of one shape.
"""

import tensorflow as tf


def relu(x: tf.Tensor) -> tf.Tensor:
    """max(x, 0), with derivative 0 at 0 (that of tf.maximum would be 1)."""
    return tf.nn.relu(x)


def relu_gradient(x: tf.Tensor, value: tf.Tensor, delta: tf.Tensor) -> tf.Tensor:
    """delta where x > 0, else 0."""
    return tf.raw_ops.ReluGrad(gradients=delta, features=x)


def sigmoid(x: tf.Tensor) -> tf.Tensor:
    """s = 1 / (1 + exp(-x))."""
    return tf.sigmoid(x)


def sigmoid_gradient(x: tf.Tensor, value: tf.Tensor, delta: tf.Tensor) -> tf.Tensor:
    """delta s (1 - s), s the value."""
    return tf.raw_ops.SigmoidGrad(y=value, dy=delta)


def tanh(x: tf.Tensor) -> tf.Tensor:
    """t = (exp(x) - exp(-x)) / (exp(x) + exp(-x))."""
    return tf.tanh(x)


def tanh_gradient(x: tf.Tensor, value: tf.Tensor, delta: tf.Tensor) -> tf.Tensor:
    """delta (1 - t^2), t the value."""
    return tf.raw_ops.TanhGrad(y=value, dy=delta)


def identity(x: tf.Tensor) -> tf.Tensor:
    """x: a net without an activation."""
    return x


def identity_gradient(x: tf.Tensor, value: tf.Tensor, delta: tf.Tensor) -> tf.Tensor:
    """delta."""
    return delta
