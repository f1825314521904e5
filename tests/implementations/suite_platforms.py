"""The native forms of a convolution are those of a processor: a GPU's program has the library's."""

import functools
from collections.abc import Callable
from types import ModuleType

import jax
import jax.numpy as jnp

from implementations.jax import layers, native


def convolutions(primitive: Callable[..., jax.Array], platform: str) -> int:
    """In the program of both gradients for a platform."""
    convolved = functools.partial(primitive, bias=None, stride=1, padding=1)

    def gradients(x: jax.Array, weight: jax.Array) -> object:
        return jax.vjp(convolved, x, weight)[1](x @ jnp.ones((3, 16), x.dtype))

    x, weight = jnp.ones((64, 32, 32, 3), jnp.float32), jnp.ones((3, 3, 3, 16), jnp.float32)
    lowered = jax.jit(gradients).trace(x, weight).lower(lowering_platforms=(platform,))
    return lowered.as_text().count("stablehlo.convolution")


def test_a_gpu_is_given_the_librarys_convolution(adapter: ModuleType) -> None:
    """On a processor the batch is taken in blocks, each with a convolution of its own."""
    assert convolutions(native.convolution, "cuda") == convolutions(layers.convolution, "cuda")
    assert convolutions(native.convolution, "cpu") > convolutions(native.convolution, "cuda")
