"""Batch normalization in JAX, written out.

Ioffe and Szegedy (2015), "Batch normalization: accelerating deep network training by reducing
internal covariate shift", Algorithms 1 and 2.
"""

import math

import jax.numpy as jnp
from jax import Array, lax

from bench.errors import UserError
from implementations.exchange import exchangeable


@exchangeable
def batch_norm(
    x: Array,
    scale: Array,
    shift: Array,
    running_mean: Array,
    running_variance: Array,
    training: bool,
    decay: float,
    epsilon: float,
    unbiased: bool,
) -> tuple[Array, Array, Array]:
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
        count = math.prod(x.shape[:-1])
        if count < 2:
            raise UserError(f"batch norm in training needs two values a channel, got {count}")
        axes = tuple(range(x.ndim - 1))
        mean = jnp.mean(x, axes)
        variance = jnp.mean(jnp.square(x - mean), axes)
        estimate = variance * (count / (count - 1)) if unbiased else variance
        running_mean = decay * running_mean + (1 - decay) * lax.stop_gradient(mean)
        running_variance = decay * running_variance + (1 - decay) * lax.stop_gradient(estimate)
    y = scale * (x - mean) / jnp.sqrt(variance + epsilon) + shift
    return y, running_mean, running_variance
