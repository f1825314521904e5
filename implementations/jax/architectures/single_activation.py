"""One activation in JAX. Equations and shapes: bench/specs/single_activation.py."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import jax
import jax.numpy as jnp
from jax import Array

from bench.spec import Spec
from implementations.jax.probe import Probe
from implementations.jax.techniques import activations


@jax.tree_util.register_dataclass
@dataclass
class SingleActivation:
    """A pytree without leaves: the name of the activation belongs to its structure."""

    activation: str = field(metadata={"static": True})


def build(spec: Spec, dtype: str) -> SingleActivation:
    return SingleActivation(spec.options["activation"])


def forward(model: SingleActivation, batch: Mapping[str, Array], probe: Probe) -> dict[str, Array]:
    value = getattr(activations, model.activation)(batch["x"])
    return {"value": probe.record("activation", value)}


def backward(model: SingleActivation, batch: Mapping[str, Array], probe: Probe) -> dict[str, Array]:
    gradient = getattr(activations, f"{model.activation}_gradient")
    return {"gradient": gradient(batch["x"], batch["value"], batch["delta"])}


def energy(model: SingleActivation, batch: Mapping[str, Array], probe: Probe) -> dict[str, Array]:
    return {"energy": jnp.sum(batch["cotangent"] * forward(model, batch, probe)["value"])}
