"""The primitives that are faster in JAX in another form, and compute the same.

PRIMITIVES are what the adapter exchanges for the written-out ones in update() and forward() of a
native system. Everything else XLA makes fast as it is written: the gradient of pooling by
selections, the weight gradient of a convolution and the update rules were measured in other forms,
and none was faster.
"""

import functools
import math
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, lax

from implementations.exchange import NONE, Primitives, exchanged
from implementations.jax import layers
from implementations.jax.techniques import batch_norm as written_out

TERMS = 25  # of a 5x5 kernel
Statistics = tuple[Array, Array, Array]  # normalized values, mean, variance


def convolution(x: Array, weight: Array, bias: Array | None, stride: int, padding: int) -> Array:
    """layers.convolution, without its slow ways on one channel and on tiny images."""
    sums: Any = _products(x, weight, stride, padding)
    return sums if bias is None else sums + bias


@functools.partial(jax.custom_vjp, nondiff_argnums=(2, 3))
def _products(x: Array, weight: Array, stride: int, padding: int) -> Array:
    rows, columns, channels, _ = weight.shape
    if channels == 1 and rows * columns <= TERMS:
        return _sum_of_images(x, weight, stride, padding)
    if _tiny(x, weight, padding):
        return layers.convolution(_rimmed(x, padding, padding), weight, None, stride, 0)
    return layers.convolution(x, weight, None, stride, padding)


def _kept(x: Array, weight: Array, stride: int, padding: int) -> tuple[Array, tuple[Array, Array]]:
    return _products(x, weight, stride, padding), (x, weight)


@exchanged(NONE)  # called when convolution() has returned
def _backward(
    stride: int, padding: int, kept: tuple[Array, Array], delta: Array
) -> tuple[Array, Array]:
    """Gradients by x and by the weight: the library's, but for that by a tiny image."""
    x, weight = kept
    by_both = jax.vjp(lambda x, w: layers.convolution(x, w, None, stride, padding), x, weight)[1]
    by_x, by_weight = by_both(delta)
    if stride == 1 and _tiny(x, weight, padding):
        rows, columns = (side - 1 - padding for side in weight.shape[:2])
        turned = weight[::-1, ::-1].swapaxes(2, 3)
        by_x = layers.convolution(_rimmed(delta, rows, columns), turned, None, 1, 0)
    return by_x, by_weight


_products.defvjp(_kept, _backward)


def _sum_of_images(x: Array, weight: Array, stride: int, padding: int) -> Array:
    """A shifted image for each entry of the kernel, times it: one loop over all pixels.

    For images of one channel: of a matrix product, which is what the library makes of a
    convolution, each of its entries would be a single term. The barrier keeps the sum from being
    computed anew wherever it is read.
    """
    kernel = weight.shape[:2]
    x = jnp.pad(x, ((0, 0), (padding, padding), (padding, padding), (0, 0)))
    down, across = ((s - k) // stride + 1 for s, k in zip(x.shape[1:3], kernel, strict=True))
    terms = [
        x[:, a : a + stride * (down - 1) + 1 : stride, b : b + stride * (across - 1) + 1 : stride]
        * weight[a, b, 0]
        for a in range(kernel[0])
        for b in range(kernel[1])
    ]
    return lax.optimization_barrier(sum(terms))


def _tiny(x: Array, weight: Array, padding: int) -> bool:
    """Whether zeros have to be added for the kernel to fit into the image at all.

    The library counts such zeros ten times as slowly as it reads them.
    """
    return padding > 0 and any(s < k for s, k in zip(x.shape[1:3], weight.shape[:2], strict=True))


def _rimmed(x: Array, rows: int, columns: int) -> Array:
    """x with zeros around; the barrier keeps XLA from counting them again."""
    return lax.optimization_barrier(jnp.pad(x, ((0, 0), (rows, rows), (columns, columns), (0, 0))))


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
    """techniques/batch_norm.py, with its gradient written out: fewer passes over x."""
    count = math.prod(x.shape[:-1])
    if not training or count < 2:
        given = x, scale, shift, running_mean, running_variance, training, decay, epsilon, unbiased
        return written_out.batch_norm(*given)
    answer: Any = _normalized(x, scale, shift, epsilon)
    y, mean, variance = answer
    estimate = variance * (count / (count - 1)) if unbiased else variance
    running_mean = decay * running_mean + (1 - decay) * mean
    return y, running_mean, decay * running_variance + (1 - decay) * estimate


@functools.partial(jax.custom_vjp, nondiff_argnums=(3,))
def _normalized(x: Array, scale: Array, shift: Array, epsilon: float) -> Statistics:
    """y = scale n + shift with n = (x - mean) / sqrt(variance + epsilon); mean and variance."""
    return _normalized_kept(x, scale, shift, epsilon)[0]


def _normalized_kept(
    x: Array, scale: Array, shift: Array, epsilon: float
) -> tuple[Statistics, tuple[Array, ...]]:
    axes = tuple(range(x.ndim - 1))
    mean = jnp.mean(x, axes)
    variance = jnp.mean(jnp.square(x - mean), axes)
    inverse = 1 / jnp.sqrt(variance + epsilon)
    y = (x - mean) * (scale * inverse) + shift
    return (y, mean, variance), (x, scale, mean, inverse)


def _normalized_backward(
    epsilon: float, kept: tuple[Array, ...], deltas: Statistics
) -> tuple[Array, Array, Array]:
    """By x, scale and shift: sum delta n and sum delta by the latter two, and by x

        scale (delta - mean(delta) - n mean(delta n)) / sqrt(variance + epsilon)

    Into the running statistics no gradient flows: what comes for mean and variance is left out.
    """
    x, scale, mean, inverse = kept
    delta, axes, count = deltas[0], tuple(range(x.ndim - 1)), math.prod(x.shape[:-1])
    n = (x - mean) * inverse
    by_scale, by_shift = jnp.sum(delta * n, axes), jnp.sum(delta, axes)
    by_x = (scale * inverse) * (delta - by_shift / count - n * (by_scale / count))
    return by_x, by_scale, by_shift


_normalized.defvjp(_normalized_kept, _normalized_backward)


PRIMITIVES: Primitives = {layers.convolution: convolution, written_out.batch_norm: batch_norm}
