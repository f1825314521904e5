"""What an encoder-decoder needs beside layers.py, in JAX.

Layouts and words are those of layers.py. Equations and words: bench/specs/segnet.py.
"""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
from jax import Array, lax

from implementations.jax import layers
from implementations.jax.layers import EXACT

Place = tuple[Array | None, int, int]  # what a pooling remembers: indices, rows, columns


def pool(x: Array, upsampling: str, choice: Array | None = None) -> tuple[Array, Place]:
    """2x2 max pooling, and what an upsampling may need to undo it."""
    _, rows, columns, _ = x.shape
    if upsampling == "indices":
        y, index = max_pool_indices(x, choice)
        return y, (index, rows, columns)
    return layers.max_pool(x, 2, 2, choice), (None, rows, columns)


def upsample(x: Array, upsampling: str, place: Place, weight: Array | None = None) -> Array:
    """The way back, by its name in bench/specs/segnet.py; weight: of the transposed convolution."""
    index, rows, columns = place
    if index is not None:
        return unpool(x, index, rows, columns)
    if weight is not None:
        return transposed_convolution(x, weight)
    if upsampling == "fixed":
        return fixed_unpool(x, rows, columns)
    return nearest_upsample(x) if upsampling == "nearest" else bilinear_upsample(x)


def max_pool_indices(x: Array, choice: Array | None = None) -> tuple[Array, Array]:
    """x_ij = max over 2x2, and where in its window it was found: 0 to 3, in row-major order.

    x (B, H, W, C) -> two of (B, H', W', C), H' = floor(H / 2): windows do not overlap, and an
    odd row or column at the end is left out. The first maximum counts. `choice` (B, H', W', C)
    names the entry to take instead; -1 leaves it to the maximum.
    """
    best, *others = entries = _entries(x)
    index = jnp.zeros(best.shape, jnp.int32)
    for position, entry in enumerate(others, start=1):
        larger = entry > best
        best, index = jnp.where(larger, entry, best), jnp.where(larger, position, index)
    if choice is None:
        return best, index
    index = jnp.where(choice < 0, index, choice)
    return jnp.take_along_axis(jnp.stack(entries, -1), index[..., None], -1)[..., 0], index


def unpool(x: Array, index: Array, rows: int, columns: int) -> Array:
    """Every value at its place in its window, zeros elsewhere: the way back of max_pool_indices.

    x, index (B, H', W', C) -> (B, rows, columns, C), the size of the image that was pooled.
    """
    positions = range(4)
    return _spread([jnp.where(index == p, x, 0) for p in positions], rows, columns)


def fixed_unpool(x: Array, rows: int, columns: int) -> Array:
    """Every value at the upper left of its window, zeros elsewhere.

    x (B, H', W', C) -> (B, rows, columns, C).
    """
    others = [jnp.zeros_like(x)] * 3
    return _spread([x, *others], rows, columns)


def nearest_upsample(x: Array) -> Array:
    """x_(2i+a)(2j+b) = y_ij. x (B, H, W, C) -> (B, 2H, 2W, C)."""
    return x.repeat(2, axis=1).repeat(2, axis=2)


def bilinear_upsample(x: Array) -> Array:
    """Twice the size with half-pixel centers. x (B, H, W, C) -> (B, 2H, 2W, C).

    First along the rows, then along the columns, in each with y outside held at the border:

        x_(2i) = (y_(i-1) + 3 y_i) / 4        x_(2i+1) = (3 y_i + y_(i+1)) / 4
    """
    batch, rows, columns, channels = x.shape
    shape = (batch, 2 * rows, 2 * columns, channels)
    return jax.image.resize(x, shape, "bilinear", antialias=False, precision=EXACT)


def transposed_convolution(x: Array, weight: Array) -> Array:
    """x_(2i+a)(2j+b) = sum_c w_abc y_ijc, a stride of 2.

    x (B, H, W, C), weight (2, 2, C, K) -> (B, 2H, 2W, K). The library correlates with zeros put
    between the entries of y: the kernel is turned by 180 degrees.
    """
    turned, layout = weight[::-1, ::-1], ("NHWC", "HWIO", "NHWC")
    return lax.conv_transpose(x, turned, (2, 2), "VALID", dimension_numbers=layout, precision=EXACT)


def concatenate(x: Array, y: Array) -> Array:
    """The channels of y behind those of x."""
    return jnp.concatenate([x, y], axis=3)


def take_channels(x: Array, start: int, count: int) -> Array:
    """So many channels of x, from `start` on."""
    return x[..., start : start + count]


def pixel_cross_entropy(logits: Array, labels: Array, weights: Sequence[float]) -> Array:
    """-(1/N) sum_n w_(y_n) log softmax(logits_n)[y_n] over the N pixels of the batch.

    logits (B, H, W, K), labels (B, H, W), a weight for each of the K classes -> scalar.
    """
    scores = jax.nn.log_softmax(logits, axis=-1)
    losses = -jnp.take_along_axis(scores, labels[..., None], axis=-1)[..., 0]
    return jnp.mean(jnp.asarray(weights, logits.dtype)[labels] * losses)


def _entries(x: Array) -> list[Array]:
    """(B, H, W, C) -> four slices (B, H', W', C), in row-major order."""
    rows, columns = (side // 2 * 2 for side in x.shape[1:3])
    return [x[:, a:rows:2, b:columns:2] for a in range(2) for b in range(2)]


def _spread(parts: Sequence[Array], rows: int, columns: int) -> Array:
    """The way back of _entries; an odd row or column at the end is zeros."""
    batch, down, across, channels = parts[0].shape
    apart = jnp.stack(parts, axis=3).reshape(batch, down, across, 2, 2, channels)
    whole = apart.swapaxes(2, 3).reshape(batch, 2 * down, 2 * across, channels)
    rest = (0, rows - 2 * down), (0, columns - 2 * across)
    return jnp.pad(whole, ((0, 0), *rest, (0, 0)))
