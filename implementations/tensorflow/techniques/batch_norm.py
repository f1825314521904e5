"""Batch normalization in TensorFlow, written out.

Ioffe and Szegedy (2015), "Batch normalization: accelerating deep network training by reducing
internal covariate shift", Algorithms 1 and 2.
"""

import tensorflow as tf

from bench.errors import UserError
from implementations.exchange import exchangeable


@exchangeable
def batch_norm(
    x: tf.Tensor,
    scale: tf.Tensor,
    shift: tf.Tensor,
    running_mean: tf.Tensor,
    running_variance: tf.Tensor,
    training: bool,
    decay: float,
    epsilon: float,
    unbiased: bool,
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """y = scale (x - mean) / sqrt(variance + epsilon) + shift, and the new running statistics.

    x (B, n) or (B, H, W, C), the others (n,) or (C,). In training, over the m values of a channel,

        mean = sum x / m        variance = sum (x - mean)^2 / m
        running <- decay running + (1 - decay) batch

    where the running variance takes sum (x - mean)^2 / (m - 1) if `unbiased`. Gradients flow
    through the statistics of the batch, none into the running ones. At inference the running
    statistics normalize, and come back unchanged.

    Raises UserError for training on one value a channel: it has no variance.
    """
    mean, variance = running_mean, running_variance
    if training:
        known = x.shape[:-1].num_elements()  # None in a graph for batches of any size
        if known is not None and known < 2:
            raise UserError(f"batch norm in training needs two values a channel, got {known}")
        axes = list(range(len(x.shape) - 1))
        mean = tf.reduce_mean(x, axes)
        variance = tf.reduce_mean(tf.square(x - mean), axes)
        count = tf.cast(tf.reduce_prod(tf.shape(x)[:-1]), x.dtype)
        estimate = variance * count / (count - 1) if unbiased else variance
        running_mean = decay * running_mean + (1 - decay) * tf.stop_gradient(mean)
        running_variance = decay * running_variance + (1 - decay) * tf.stop_gradient(estimate)
    y = scale * (x - mean) / tf.sqrt(variance + epsilon) + shift
    return y, running_mean, running_variance
