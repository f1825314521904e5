"""Augmentation of images in JAX.

All draws are handed in. Images are (B, H, W, C); positions are (row, column) in pixels, read
between pixels by bilinear interpolation and as 0 outside of the image. Simard, Steinkraus and Platt
(2003), "Best practices for convolutional neural networks applied to visual document analysis".
"""

import jax.numpy as jnp
from jax import Array


def affine(x: Array, angle: Array, scale: Array, shift: Array) -> Array:
    """Each image turned by `angle` (B,), enlarged by `scale` (B,) about its center, and shifted by
    `shift` (B, 2), down and right. x (B, H, W, C).

    The pixel at q is read at p = c + R(-angle) (q - c - shift) / scale, c = ((H-1)/2, (W-1)/2),
    R(a) = [[cos a, -sin a], [sin a, cos a]].
    """
    rows, columns = _grid(x)
    center = (x.shape[1] - 1) / 2, (x.shape[2] - 1) / 2
    down = rows - center[0] - shift[:, 0, None, None]
    right = columns - center[1] - shift[:, 1, None, None]
    cosine, sine = (jnp.cos(angle) / scale)[:, None, None], (jnp.sin(angle) / scale)[:, None, None]
    return _sample(
        x, center[0] + cosine * down + sine * right, center[1] - sine * down + cosine * right
    )


def elastic(x: Array, displacement: Array) -> Array:
    """The pixel at q is read at q + displacement_q. x (B, H, W, C), displacement (B, H, W, 2)."""
    rows, columns = _grid(x)
    return _sample(x, rows + displacement[..., 0], columns + displacement[..., 1])


def noise(x: Array, noise: Array) -> Array:
    """x + noise, both of one shape."""
    return x + noise


def _grid(x: Array) -> tuple[Array, Array]:
    """Row (H, 1) and column (1, W) of every pixel."""
    return (
        jnp.arange(x.shape[1], dtype=x.dtype)[:, None],
        jnp.arange(x.shape[2], dtype=x.dtype)[None, :],
    )


def _sample(x: Array, rows: Array, columns: Array) -> Array:
    """x at positions (B, H, W) between its pixels: bilinear, zeros outside of the image.

    With r = floor(row), c = floor(column), u = row - r, v = column - c:
    (1-u)(1-v) x_rc + (1-u) v x_r(c+1) + u (1-v) x_(r+1)c + u v x_(r+1)(c+1).
    """
    height, width = x.shape[1:3]
    top, left = jnp.floor(rows), jnp.floor(columns)
    images = jnp.arange(x.shape[0])[:, None, None]

    def corner(row: Array, column: Array) -> Array:
        """The pixels nearest to p on one side, times how near they are."""
        inside = (row >= 0) & (row <= height - 1) & (column >= 0) & (column <= width - 1)
        near = (1 - jnp.abs(rows - row)) * (1 - jnp.abs(columns - column))
        at = jnp.clip(row, 0, height - 1).astype(int), jnp.clip(column, 0, width - 1).astype(int)
        return jnp.where(inside, near, 0)[..., None] * x[images, *at]

    return (
        corner(top, left)
        + corner(top, left + 1)
        + corner(top + 1, left)
        + corner(top + 1, left + 1)
    )
