"""What stands around the branches of a residual net, in JAX.

Layouts and words are those of layers.py.
"""

import jax.numpy as jnp
from jax import Array


def add(x: Array, y: Array) -> Array:
    """x + y, both of one shape."""
    return x + y


def identity_shortcut(x: Array, filters: int, stride: int) -> Array:
    """Every stride-th pixel of x, from the first on, with channels of zeros behind those of x.

    x (B, H, W, C) -> (B, H', W', filters), H' = floor((H - 1) / stride) + 1.
    """
    taken = x[:, ::stride, ::stride]
    new = filters - x.shape[3]
    return jnp.pad(taken, ((0, 0), (0, 0), (0, 0), (0, new))) if new else taken


def pad(x: Array, rim: int, value: float) -> Array:
    """A rim of so many pixels of one value around every image.

    x (B, H, W, C) -> (B, H + 2 rim, W + 2 rim, C).
    """
    sides = ((0, 0), (rim, rim), (rim, rim), (0, 0))
    return jnp.pad(x, sides, mode="constant", constant_values=value)


def global_average_pool(x: Array) -> Array:
    """x_c = mean over all pixels. x (B, H, W, C) -> (B, C)."""
    return jnp.mean(x, (1, 2))
