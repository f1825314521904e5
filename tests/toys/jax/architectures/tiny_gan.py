"""The toy in JAX."""

from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
from jax import Array

from bench.spec import Spec
from implementations.jax import layers
from implementations.jax.probe import Probe
from implementations.jax.techniques import activations


def build(spec: Spec, dtype: str) -> dict[str, Any]:
    shapes = spec.shapes()
    return {
        half: {
            name: {
                part: jnp.zeros(shapes[f"{half}/{name}/{part}"], dtype)
                for part in ("weight", "bias")
            }
            for name in ("fc1", "fc2")
        }
        for half in ("generator", "discriminator")
    }


def forward(model: dict[str, Any], half: str, x: Array, probe: Probe) -> Array:
    x = probe.record(f"{half}/fc1", layers.dense(x, **model[half]["fc1"]))
    return probe.record(f"{half}/fc2", layers.dense(activations.relu(x), **model[half]["fc2"]))


def sample(model: dict[str, Any], batch: Mapping[str, Array], probe: Probe) -> dict[str, Array]:
    return {"sample": forward(model, "generator", batch["z"], probe)}


def score(model: dict[str, Any], batch: Mapping[str, Array], probe: Probe) -> dict[str, Array]:
    return {"score": forward(model, "discriminator", batch["x"], probe)}


def generator_loss(
    model: dict[str, Any], batch: Mapping[str, Array], probe: Probe
) -> dict[str, Array]:
    fake = forward(model, "generator", batch["z"], probe)
    return {"generator": -forward(model, "discriminator", fake, probe).mean()}


def discriminator_loss(
    model: dict[str, Any], batch: Mapping[str, Array], probe: Probe
) -> dict[str, Array]:
    fake = forward(model, "generator", batch["z"], probe)
    real = forward(model, "discriminator", batch["x"], Probe(probe.mode))
    return {"fake": forward(model, "discriminator", fake, probe).mean(), "real": -real.mean()}


def real_loss(model: dict[str, Any], batch: Mapping[str, Array], probe: Probe) -> dict[str, Array]:
    return {"real": -forward(model, "discriminator", batch["x"], probe).mean()}
