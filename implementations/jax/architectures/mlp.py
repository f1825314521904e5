"""The multilayer perceptron in JAX. Equations and shapes: bench/specs/mlp.py."""

from collections.abc import Mapping

import jax.numpy as jnp
from jax import Array

from bench.spec import Spec
from implementations.jax import layers
from implementations.jax.probe import Probe

Parameters = dict[str, dict[str, Array]]


def build(spec: Spec, dtype: str) -> Parameters:
    """The pytree {"fc1": {"weight", "bias"}, ...} of zeros."""
    shapes = spec.shapes()
    return {
        name: {part: jnp.zeros(shapes[f"{name}/{part}"], dtype) for part in ("weight", "bias")}
        for name in ("fc1", "fc2", "fc3")
    }


def forward(model: Parameters, x: Array, probe: Probe) -> Array:
    x = probe.record("fc1", layers.dense(layers.flatten(x), **model["fc1"]))
    x = probe.record("relu1", layers.relu(x))
    x = probe.record("fc2", layers.dense(x, **model["fc2"]))
    x = probe.record("relu2", layers.relu(x))
    return probe.record("logits", layers.dense(x, **model["fc3"]))


def logits(model: Parameters, batch: Mapping[str, Array], probe: Probe) -> dict[str, Array]:
    return {"logits": forward(model, batch["x"], probe)}


def cross_entropy(model: Parameters, batch: Mapping[str, Array], probe: Probe) -> dict[str, Array]:
    scores = forward(model, batch["x"], probe)
    return {"cross_entropy": layers.softmax_cross_entropy(scores, batch["y"])}
