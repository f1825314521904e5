"""One batch norm layer in JAX. Equations and shapes: bench/specs/single_batch_norm.py."""

from collections.abc import Mapping

import jax.numpy as jnp
from jax import Array

from bench.spec import Spec
from implementations.jax import layers
from implementations.jax.probe import Probe

Model = dict[str, layers.BatchNorm]


def build(spec: Spec, dtype: str) -> Model:
    """The pytree {"bn": BatchNorm} of zeros."""
    shape = spec.parameters["bn/scale"].shape
    return {"bn": layers.BatchNorm.zeros(shape, dtype, spec.options["norm"])}


def forward(model: Model, x: Array, probe: Probe) -> Array:
    return model["bn"](x, "bn", probe)


def response(model: Model, batch: Mapping[str, Array], probe: Probe) -> dict[str, Array]:
    return {"response": forward(model, batch["x"], probe)}


def energy(model: Model, batch: Mapping[str, Array], probe: Probe) -> dict[str, Array]:
    return {"energy": jnp.sum(batch["cotangent"] * forward(model, batch["x"], probe))}
