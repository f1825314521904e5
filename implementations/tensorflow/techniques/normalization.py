"""Normalization of data in TensorFlow: every channel to mean 0 and deviation 1."""

import tensorflow as tf


def statistics(x: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """mean = sum x / m and deviation = sqrt(sum (x - mean)^2 / m), over the m values of a channel.

    x (B, n) or (B, H, W, C) -> twice (n,) or (C,). Of the population: divided by m, not by m - 1.
    The deviation of a constant channel is exactly 0, whatever its mean was rounded to.
    """
    axes = list(range(len(x.shape) - 1))
    constant = tf.reduce_max(x, axes) == tf.reduce_min(x, axes)
    deviation = tf.math.reduce_std(x, axes)
    return tf.reduce_mean(x, axes), tf.where(constant, tf.zeros_like(deviation), deviation)


def standardize(x: tf.Tensor, mean: tf.Tensor, deviation: tf.Tensor) -> tf.Tensor:
    """(x - mean) / deviation. x (B, n) or (B, H, W, C), mean and deviation (n,) or (C,).

    A constant channel, whose deviation is 0, is divided by 1.
    """
    return (x - mean) / tf.where(deviation == 0, tf.ones_like(deviation), deviation)
