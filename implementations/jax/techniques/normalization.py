"""Normalization of the data in JAX: every channel to mean 0 and deviation 1."""

import jax.numpy as jnp
from jax import Array


def statistics(x: Array) -> tuple[Array, Array]:
    """mean = sum x / N and deviation = sqrt(sum (x - mean)^2 / N) of each channel.

    x (B, n) or (B, H, W, n) -> (n,) and (n,). Of the population: divided by N, not by N - 1. The
    deviation of a constant channel is exactly 0, whatever its mean was rounded to.
    """
    axes = tuple(range(x.ndim - 1))
    constant = jnp.max(x, axes) == jnp.min(x, axes)
    return jnp.mean(x, axes), jnp.where(constant, 0, jnp.std(x, axes, ddof=0))


def standardize(x: Array, mean: Array, deviation: Array) -> Array:
    """(x - mean) / deviation. x (B, n) or (B, H, W, n), mean and deviation (n,).

    A constant channel, whose deviation is 0, is divided by 1.
    """
    return (x - mean) / jnp.where(deviation == 0, 1, deviation)
