"""A pooling and its way back in JAX. Equations and shapes: bench/specs/single_upsampling.py."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import jax
import jax.numpy as jnp
from jax import Array

from bench.spec import Spec
from implementations.jax import segmentation
from implementations.jax.probe import Probe


@jax.tree_util.register_dataclass
@dataclass
class SingleUpsampling:
    """A pytree of the kernel, where it is learned; the upsampling belongs to its structure."""

    up: dict[str, Array]
    upsampling: str = field(metadata={"static": True})


def build(spec: Spec, dtype: str) -> SingleUpsampling:
    up = {name.partition("/")[2]: jnp.zeros(shape, dtype) for name, shape in spec.shapes().items()}
    return SingleUpsampling(up, spec.options["upsampling"])


def forward(model: SingleUpsampling, x: Array, probe: Probe) -> Array:
    choice = probe.choose("pool", x, 2, 2)
    x, place = segmentation.pool(x, model.upsampling, choice)
    x, weight = probe.record("pool", x), model.up.get("weight")
    return probe.record("up", segmentation.upsample(x, model.upsampling, place, weight))


def response(model: SingleUpsampling, batch: Mapping[str, Array], probe: Probe) -> dict[str, Array]:
    return {"response": forward(model, batch["x"], probe)}


def energy(model: SingleUpsampling, batch: Mapping[str, Array], probe: Probe) -> dict[str, Array]:
    return {"energy": jnp.sum(batch["cotangent"] * forward(model, batch["x"], probe))}
