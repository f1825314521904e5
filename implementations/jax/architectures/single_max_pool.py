"""One max-pooling layer in JAX. Equations and shapes: bench/specs/single_max_pool.py."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import jax
import jax.numpy as jnp
from jax import Array

from bench.spec import Spec
from implementations.jax import layers
from implementations.jax.probe import Probe


@jax.tree_util.register_dataclass
@dataclass
class SingleMaxPool:
    """A pytree without leaves: window and stride belong to its structure."""

    window: int = field(metadata={"static": True})
    stride: int = field(metadata={"static": True})


def build(spec: Spec, dtype: str) -> SingleMaxPool:
    return SingleMaxPool(spec.options["window"], spec.options["stride"])


def forward(model: SingleMaxPool, x: Array, probe: Probe) -> Array:
    choice = probe.choose("pool", x, model.window, model.stride)
    return probe.record("pool", layers.max_pool(x, model.window, model.stride, choice))


def response(model: SingleMaxPool, batch: Mapping[str, Array], probe: Probe) -> dict[str, Array]:
    return {"response": forward(model, batch["x"], probe)}


def energy(model: SingleMaxPool, batch: Mapping[str, Array], probe: Probe) -> dict[str, Array]:
    return {"energy": jnp.sum(batch["cotangent"] * forward(model, batch["x"], probe))}
