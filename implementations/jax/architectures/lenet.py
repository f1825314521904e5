"""LeNet in JAX. Equations and shapes: bench/specs/lenet.py."""

from collections.abc import Mapping

import jax.numpy as jnp
from jax import Array

from bench.conventions import LENET_PADDING
from bench.spec import Spec
from implementations.jax import layers
from implementations.jax.probe import Probe
from implementations.jax.techniques import activations

Parameters = dict[str, dict[str, Array]]


def build(spec: Spec, dtype: str) -> Parameters:
    """The pytree {"conv1": {"weight", "bias"}, ...} of zeros."""
    shapes = spec.shapes()
    return {
        name: {part: jnp.zeros(shapes[f"{name}/{part}"], dtype) for part in ("weight", "bias")}
        for name in ("conv1", "conv2", "fc1", "fc2")
    }


def forward(model: Parameters, x: Array, probe: Probe) -> Array:
    x = layers.convolution(x, **model["conv1"], stride=1, padding=LENET_PADDING)
    x = probe.record("relu1", activations.relu(probe.record("conv1", x)))
    x = probe.record("pool1", layers.max_pool(x, 2, 2, probe.choose("pool1", x, 2, 2)))
    x = layers.convolution(x, **model["conv2"], stride=1, padding=LENET_PADDING)
    x = probe.record("relu2", activations.relu(probe.record("conv2", x)))
    x = probe.record("pool2", layers.max_pool(x, 2, 2, probe.choose("pool2", x, 2, 2)))
    x = probe.record("fc1", layers.dense(layers.flatten(x), **model["fc1"]))
    x = probe.record("relu3", activations.relu(x))
    return probe.record("logits", layers.dense(x, **model["fc2"]))


def logits(model: Parameters, batch: Mapping[str, Array], probe: Probe) -> dict[str, Array]:
    return {"logits": forward(model, batch["x"], probe)}


def cross_entropy(model: Parameters, batch: Mapping[str, Array], probe: Probe) -> dict[str, Array]:
    scores = forward(model, batch["x"], probe)
    return {"cross_entropy": layers.softmax_cross_entropy(scores, batch["y"])}
