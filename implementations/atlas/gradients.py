"""Gradients at corners: where a function has no derivative, each framework chooses one."""

from math import nan
from typing import Any

import numpy as np

from implementations.atlas._tensors import derivative, functions
from implementations.atlas.row import Answer, row

POINTS = np.array([-7.5, -3.0, -1.0, 0.0, 0.25, 1.0, 3.0, 6.0, 9.0])  # corners are among them


def at(point: float, values: np.ndarray) -> float:
    """The entry that belongs to one of POINTS."""
    return float(values[point == POINTS][0])


@row(
    "A1",
    "gradient of the library's ReLU at 0",
    pinned={"pytorch": 0.0, "tensorflow": 0.0, "jax": 0.0},
    reference=lambda: (POINTS > 0).astype(float),
)
def relu_gradient(framework: str) -> Answer:
    """The spelling of a ReLU on which all agree; exact zeros are common (padding, dead units)."""
    if framework == "pytorch":
        from torch import relu
    elif framework == "tensorflow":
        from keras.activations import relu
    else:
        from flax.linen import relu
    slopes = derivative(framework, relu, POINTS)
    return Answer(at(0, slopes), "call the library's relu", slopes)


@row(
    "A2",
    "gradient of max(x, 0) at 0",
    pinned={"pytorch": 0.5, "tensorflow": 1.0, "jax": 0.5},
    reference=lambda: (POINTS > 0).astype(float),
)
def maximum_gradient(framework: str) -> Answer:
    """A ReLU or a hinge written with maximum lets half a gradient through at 0, or all of it."""
    if framework == "pytorch":
        import torch

        slopes = derivative(framework, lambda x: torch.maximum(x, torch.zeros_like(x)), POINTS)
        recipe, relu = "torch.relu(x), never torch.maximum(x, 0)", torch.relu
    elif framework == "tensorflow":
        import tensorflow as tf

        slopes = derivative(framework, lambda x: tf.maximum(x, tf.zeros_like(x)), POINTS)
        recipe, relu = "tf.nn.relu(x), never tf.maximum(x, 0)", tf.nn.relu
    else:
        import jax
        import jax.numpy as jnp

        slopes = derivative(framework, lambda x: jnp.maximum(x, 0), POINTS)
        recipe, relu = "jax.nn.relu(x), never jnp.maximum(x, 0)", jax.nn.relu
    return Answer(at(0, slopes), recipe, derivative(framework, relu, POINTS))


@row(
    "A9",
    "gradient of clip(x, 0, 6) at 0",
    pinned={"pytorch": 1.0, "tensorflow": 1.0, "jax": 0.5},
    reference=lambda: ((POINTS > 0) & (POINTS < 6)).astype(float),
)
def clip_gradient(framework: str) -> Answer:
    """A ReLU6 written with clip differs at its corners; relu6 has gradient 0 there everywhere."""
    if framework == "pytorch":
        import torch

        slopes = derivative(framework, lambda x: torch.clamp(x, 0, 6), POINTS)
        relu6 = torch.nn.functional.relu6
    elif framework == "tensorflow":
        import tensorflow as tf

        slopes = derivative(framework, lambda x: tf.clip_by_value(x, 0, 6), POINTS)
        relu6 = tf.nn.relu6
    else:
        import jax
        import jax.numpy as jnp

        slopes = derivative(framework, lambda x: jnp.clip(x, 0, 6), POINTS)
        relu6 = jax.nn.relu6
    return Answer(at(0, slopes), "call the library's relu6", derivative(framework, relu6, POINTS))


@row(
    "A10",
    "gradient of the hard tanh at 1",
    pinned={"pytorch": 0.0, "tensorflow": 1.0, "jax": 1.0},
    reference=lambda: (np.abs(POINTS) < 1).astype(float),
)
def hard_tanh_gradient(framework: str) -> Answer:
    """Saturated units, which sit on the corner exactly, go on learning or do not."""
    if framework == "pytorch":
        import torch

        slopes = derivative(framework, torch.nn.functional.hardtanh, POINTS)
        relu6 = torch.nn.functional.relu6
    elif framework == "tensorflow":
        import keras
        import tensorflow as tf

        slopes = derivative(framework, keras.activations.hard_tanh, POINTS)
        relu6 = tf.nn.relu6
    else:
        import flax.linen as nn

        slopes = derivative(framework, nn.hard_tanh, POINTS)
        relu6 = nn.relu6
    aligned = derivative(framework, lambda x: relu6(3 * x + 3) / 3 - 1, POINTS)
    return Answer(at(1, slopes), "relu6(3 * x + 3) / 3 - 1: gradient 0 at both corners", aligned)


@row(
    "A3",
    "gradient of |x| at 0",
    pinned={"pytorch": 0.0, "tensorflow": 0.0, "jax": 1.0},
    reference=lambda: np.sign(POINTS),
)
def absolute_gradient(framework: str) -> Answer:
    """An L1 penalty pushes weights that are exactly 0, pruned ones for instance, in JAX alone."""
    m = functions(framework)
    aligned = derivative(framework, lambda x: x * m.sign(x), POINTS)
    recipe = "x * sign(x): its gradient is sign(x), 0 at 0"
    return Answer(at(0, derivative(framework, m.abs, POINTS)), recipe, aligned)


@row(
    "A4",
    "gradient of the Euclidean norm at 0",
    pinned={"pytorch": 0.0, "tensorflow": nan, "jax": nan},
    reference=lambda: np.concatenate([POINTS / np.sqrt(POINTS @ POINTS + 1e-12), 0 * POINTS]),
)
def norm_gradient(framework: str) -> Answer:
    """One pair of equal embeddings in a batch turns every weight into NaN, or does not."""
    m = functions(framework)
    norm = m.norm if framework != "jax" else m.linalg.norm
    slope = float(derivative(framework, norm, 0 * POINTS)[0])

    def safe(x: Any) -> Any:
        return m.sqrt(m.sum(x * x) + 1e-12)

    aligned = [derivative(framework, safe, POINTS), derivative(framework, safe, 0 * POINTS)]
    return Answer(slope, "sqrt(sum(x * x) + eps), the same eps in all", np.concatenate(aligned))


@row(
    "A11",
    "gradient of the standard deviation of equal values",
    pinned={"pytorch": 0.0, "tensorflow": nan, "jax": nan},
    reference=lambda: (POINTS - POINTS.mean()) / len(POINTS) / np.sqrt(POINTS.var() + 1e-12),
)
def deviation_gradient(framework: str) -> Answer:
    """A normalization written with std gives NaN where a channel is constant over the batch."""
    m = functions(framework)
    slope = float(derivative(framework, m.std, np.full(4, 2.0))[0])

    def safe(x: Any) -> Any:
        return m.sqrt(m.mean((x - m.mean(x)) ** 2) + 1e-12)

    recipe = "sqrt(mean((x - mean(x))**2) + eps), the same eps in all"
    return Answer(slope, recipe, derivative(framework, safe, POINTS))
