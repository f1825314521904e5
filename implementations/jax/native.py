"""The primitives that are faster in JAX in another form, and compute the same.

PRIMITIVES are what the adapter exchanges for the written-out ones in update() and forward() of a
native system. Everything else XLA makes fast as it is written: the gradient of pooling by
selections and the update rules were measured in other forms, and none was faster.

Of a convolution of 3x3 were measured as well, and are slower in whole or equal, since what they
save in products they spend in passes over memory: Winograd's minimal filtering F(2x2, 3x3) and
F(4x4, 3x3) (Lavin and Gray 2016, "Fast algorithms for convolutional neural networks"), a product of
matrices for each entry of the kernel, and one product with all patches.
"""

import functools
import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, lax

from implementations.exchange import NONE, Primitives, exchanged
from implementations.jax import layers
from implementations.jax.techniques import batch_norm as written_out

TERMS = 25  # of a 5x5 kernel
BLOCK = 2**18  # bytes of the gradient by the output that fit into a cache beside the patches
IMAGES = 16  # of a block, at least: they are the channels of the library's product
BLOCKS = 8  # of a batch, at most: each is compiled by itself
FILTERS = range(9, 17)  # so few that the library leaves them to its slow convolution
Statistics = tuple[Array, Array, Array]  # normalized values, mean, variance


def convolution(x: Array, weight: Array, bias: Array | None, stride: int, padding: int) -> Array:
    """layers.convolution, without its slow ways: on one channel, on tiny images, to few filters,
    and by the weight on many images at once."""
    sums: Any = _products(x, weight, stride, padding)
    return sums if bias is None else sums + bias


@functools.partial(jax.custom_vjp, nondiff_argnums=(2, 3))
def _products(x: Array, weight: Array, stride: int, padding: int) -> Array:
    """Other devices than the processor have other slow ways: the library's own are left to them."""
    here = functools.partial(_on_processor, stride=stride, padding=padding)
    return lax.platform_dependent(x, weight, cpu=here, default=_library(stride, padding))


def _library(stride: int, padding: int) -> Callable[[Array, Array], Array]:
    return functools.partial(layers.convolution, bias=None, stride=stride, padding=padding)


def _on_processor(x: Array, weight: Array, stride: int, padding: int) -> Array:
    rows, columns, channels, _ = weight.shape
    if channels == 1 and rows * columns <= TERMS:
        return _sum_of_images(x, weight, stride, padding)
    if _tiny(x, weight, padding):
        return layers.convolution(_rimmed(x, padding, padding), weight, None, stride, 0)
    if stride == 1 and (group := _group(x, weight, padding)):
        return _in_groups(x, weight, padding, padding, group)
    return layers.convolution(x, weight, None, stride, padding)


def _kept(x: Array, weight: Array, stride: int, padding: int) -> tuple[Array, tuple[Array, Array]]:
    return _products(x, weight, stride, padding), (x, weight)


@exchanged(NONE)  # called when convolution() has returned
def _backward(
    stride: int, padding: int, kept: tuple[Array, Array], delta: Array
) -> tuple[Array, Array]:
    """Gradients by x and by the weight."""

    def here(x: Array, weight: Array, delta: Array) -> tuple[Array, Array]:
        by_x = _by_image(x, weight, delta, stride, padding)
        return by_x, _by_weight(x, weight, delta, stride, padding)

    def elsewhere(x: Array, weight: Array, delta: Array) -> tuple[Array, Array]:
        return jax.vjp(_library(stride, padding), x, weight)[1](delta)

    return lax.platform_dependent(*kept, delta, cpu=here, default=elsewhere)


def _by_image(x: Array, weight: Array, delta: Array, stride: int, padding: int) -> Array:
    """At stride 1 a convolution of delta with the turned kernel, which may be tiny or have few
    filters too; else the library's."""
    if stride == 1:
        rows, columns = (side - 1 - padding for side in weight.shape[:2])
        turned = weight[::-1, ::-1].swapaxes(2, 3)
        if _tiny(x, weight, padding):
            return layers.convolution(_rimmed(delta, rows, columns), turned, None, 1, 0)
        if group := _group(delta, turned, columns):
            return _in_groups(delta, turned, rows, columns, group)
    return jax.vjp(lambda x: _library(stride, padding)(x, weight), x)[1](delta)[0]


def _by_weight(x: Array, weight: Array, delta: Array, stride: int, padding: int) -> Array:
    """The sum over blocks of images of the library's gradient.

    The library takes x for an image of B channels and delta for its kernel, of the size of an
    image: of all images together it is larger than a cache, and is read for every row of patches.
    """
    fitting = BLOCK // (math.prod(delta.shape[1:]) * delta.dtype.itemsize)
    size = max(IMAGES, fitting, -(-len(x) // BLOCKS))

    def of(block: slice) -> Array:
        library = _library(stride, padding)
        return jax.vjp(lambda weight: library(x[block], weight), weight)[1](delta[block])[0]

    first, *others = (of(slice(i, i + size)) for i in range(0, max(len(x), 1), size))
    return sum(others, first)


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


def _group(x: Array, weight: Array, padding: int) -> int:
    """How many neighbors of a row to compute as one pixel: 0 for the library's own way."""
    columns, channels, filters = weight.shape[1:]
    group = 2 if channels >= 8 else 4
    whole = (x.shape[2] + 2 * padding - columns + 1) % group == 0
    return group if filters in FILTERS and whole else 0


def _in_groups(x: Array, weight: Array, rows: int, columns: int, group: int) -> Array:
    """A convolution of stride 1, a group of pixels g j ... g j + g - 1 of a row at once:

        x_i(gj+n)k = sum_a sum_b v_abnk y_(i+a)(gj+b)    v_abnk = w_a(b-n)k, 0 outside the kernel

    x (B, H, W, C), weight (h, w, C, K), zeros around: rows above and below, columns at the sides.
    A convolution with kernel (h, w + g - 1, C, g K) and stride g along the row. It counts
    (w + g - 1) / w times the products, but has g times the filters, and reads each patch for all.
    """
    around = [(n, group - 1 - n) for n in range(group)]
    shifted = [jnp.pad(weight, ((0, 0), sides, (0, 0), (0, 0))) for sides in around]
    sums = lax.conv_general_dilated(
        x,
        jnp.concatenate(shifted, 3),
        window_strides=(1, group),
        padding=((rows, rows), (columns, columns)),
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
        precision=layers.EXACT,
    )
    return sums.reshape(*sums.shape[:2], -1, weight.shape[3])


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
