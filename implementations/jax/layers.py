"""Primitives in JAX. No default of the library stays implicit.

Images are (batch, height, width, channels), kernels (height, width, in, out), dense weights
(in, out): the canonical layout. All are pure functions of arrays; parameters live in a pytree.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
from jax import Array, lax

from implementations.exchange import exchangeable
from implementations.jax.techniques import batch_norm

if TYPE_CHECKING:
    from implementations.jax.probe import Probe

EXACT = lax.Precision.HIGHEST  # on a GPU the default would keep 10 bits of the mantissa (TF32)


@exchangeable
def convolution(x: Array, weight: Array, bias: Array | None, stride: int, padding: int) -> Array:
    """x_ij = b + sum_a sum_b w_ab y_(i+a)(j+b): the deck's convolution, a cross-correlation.

    x (B, H, W, C), weight (h, w, C, K), bias (K,) or None -> (B, H', W', K) with
    H' = floor((H + 2 padding - h) / stride) + 1; `padding` zeros on every side.
    """
    products = lax.conv_general_dilated(
        x,
        weight,
        window_strides=(stride, stride),
        padding=((padding, padding), (padding, padding)),
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
        precision=EXACT,
    )
    return products if bias is None else products + bias


def max_pool(x: Array, window: int, stride: int, choice: Array | None = None) -> Array:
    """x_ij = max over the window; the gradient goes to the first maximum in row-major order.

    x (B, H, W, C) -> (B, H', W', C), H' = floor((H - window) / stride) + 1, no padding. Where
    windows overlap, gradients add. `choice` (B, H', W', C) names the entry to take instead, counted
    in row-major order; -1 leaves it to the maximum.

    Written as a chain of selections between strided slices: jnp.max over a window would split the
    gradient of ties, and the gradient of lax.reduce_window is slow on a CPU.
    """
    entries = _windows(x, window, stride)
    best = entries[0]
    for entry in entries[1:]:
        best = jnp.where(entry > best, entry, best)
    if choice is None:
        return best
    chosen = jnp.take_along_axis(jnp.stack(entries, -1), jnp.maximum(choice, 0)[..., None], -1)
    return jnp.where(choice < 0, best, chosen[..., 0])


def max_pool_decision(x: Array, window: int, stride: int) -> tuple[Array, Array]:
    """Position of the first maximum in each window, and its distance to the runner-up."""
    entries = jnp.stack(_windows(x, window, stride), axis=-1)
    top = lax.top_k(entries, 2)[0]
    return jnp.argmax(entries, axis=-1), top[..., 0] - top[..., 1]


def average_pool(x: Array, window: int, stride: int) -> Array:
    """x_ij = mean over the window; each of its entries gets delta / window^2.

    x (B, H, W, C) -> (B, H', W', C), H' = floor((H - window) / stride) + 1, no padding.
    """
    sides = (1, window, window, 1), (1, stride, stride, 1)
    return lax.reduce_window(x, x.dtype.type(0), lax.add, *sides, "VALID") / window**2


def flatten(x: Array) -> Array:
    """(B, H, W, C) -> (B, H * W * C): in height, width, channel order."""
    return x.reshape(x.shape[0], -1)


def dense(x: Array, weight: Array, bias: Array | None) -> Array:
    """x W + b. x (B, n), weight (n, m), bias (m,) or None -> (B, m)."""
    products = jnp.matmul(x, weight, precision=EXACT)
    return products if bias is None else products + bias


def softmax_cross_entropy(logits: Array, labels: Array) -> Array:
    """-(1/B) sum_b log softmax(logits_b)[labels_b]. logits (B, K), labels (B,) -> scalar."""
    scores = jax.nn.log_softmax(logits, axis=-1)
    return -jnp.mean(jnp.take_along_axis(scores, labels[:, None], axis=-1))


@jax.tree_util.register_dataclass
@dataclass
class BatchNorm:
    """A pytree of a batch norm layer's parameters and running statistics, its constants static."""

    scale: Array
    shift: Array
    running_mean: Array
    running_variance: Array
    decay: float = field(metadata={"static": True})
    epsilon: float = field(metadata={"static": True})
    unbiased: bool = field(metadata={"static": True})

    @classmethod
    def zeros(cls, shape: tuple[int, ...], dtype: str, norm: Mapping[str, Any]) -> "BatchNorm":
        zeros = jnp.zeros(shape, dtype)
        return cls(zeros, zeros, zeros, zeros, **norm)

    def __call__(self, x: Array, name: str, probe: "Probe") -> Array:
        """Normalize; the new running statistics are noted under the layer's canonical name."""
        training = probe.mode.batch_statistics
        y, mean, variance = batch_norm.batch_norm(x, **vars(self), training=training)
        if training:
            probe.note(f"{name}/running_mean", mean)
            probe.note(f"{name}/running_variance", variance)
        return probe.record(name, y)


def _windows(x: Array, window: int, stride: int) -> list[Array]:
    """(B, H, W, C) -> window * window slices (B, H', W', C), in row-major order."""
    rows = (x.shape[1] - window) // stride + 1
    columns = (x.shape[2] - window) // stride + 1
    return [
        x[:, a : a + stride * (rows - 1) + 1 : stride, b : b + stride * (columns - 1) + 1 : stride]
        for a in range(window)
        for b in range(window)
    ]
