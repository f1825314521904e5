"""Activations in JAX, and the backward pass of each by itself.

f_gradient(x, value, delta) = delta f'(x), entry by entry, where value = f(x) and delta is the
gradient by it: it is given what the forward pass leaves. All arrays are of one shape.
"""

import jax
import jax.numpy as jnp
from jax import Array


def relu(x: Array) -> Array:
    """max(x, 0), with derivative 0 at 0 (that of jnp.maximum would be 1/2)."""
    return jax.nn.relu(x)


def relu_gradient(x: Array, value: Array, delta: Array) -> Array:
    """delta where x > 0, else 0."""
    return jnp.where(x > 0, delta, 0)


def sigmoid(x: Array) -> Array:
    """s = 1 / (1 + exp(-x))."""
    return jax.nn.sigmoid(x)


def sigmoid_gradient(x: Array, value: Array, delta: Array) -> Array:
    """delta s (1 - s), s the value."""
    return delta * value * (1 - value)


def tanh(x: Array) -> Array:
    """t = (exp(x) - exp(-x)) / (exp(x) + exp(-x))."""
    return jnp.tanh(x)


def tanh_gradient(x: Array, value: Array, delta: Array) -> Array:
    """delta (1 - t^2), t the value."""
    return delta * (1 - value * value)


def identity(x: Array) -> Array:
    """x: a net without an activation."""
    return x


def identity_gradient(x: Array, value: Array, delta: Array) -> Array:
    """delta."""
    return delta
