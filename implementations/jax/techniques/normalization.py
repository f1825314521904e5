"""Normalization of data in JAX: every channel to mean 0 and deviation 1."""

import jax.numpy as jnp
from jax import Array


def statistics(x: Array) -> tuple[Array, Array]:
    """mean = sum x / m and deviation = sqrt(sum (x - mean)^2 / m), over the m values of a channel.

    x (B, n) or (B, H, W, C) -> twice (n,) or (C,). Of the population: divided by m, not by m - 1.
    The deviation of a constant channel is exactly 0, whatever its mean was rounded to.
    """
    axes = tuple(range(x.ndim - 1))
    constant = jnp.max(x, axes) == jnp.min(x, axes)
    return jnp.mean(x, axes), jnp.where(constant, 0, jnp.std(x, axes, ddof=0))


def standardize(x: Array, mean: Array, deviation: Array) -> Array:
    """(x - mean) / deviation. x (B, n) or (B, H, W, C), mean and deviation (n,) or (C,).

    A constant channel, whose deviation is 0, is divided by 1.
    """
    return (x - mean) / jnp.where(deviation == 0, 1, deviation)
