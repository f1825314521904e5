"""One convolution in JAX. Equations and shapes: bench/specs/single_convolution.py."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import jax
import jax.numpy as jnp
from jax import Array

from bench.spec import Spec
from implementations.jax import layers
from implementations.jax.probe import Probe
from implementations.jax.techniques import activations


@jax.tree_util.register_dataclass
@dataclass
class SingleConvolution:
    """A pytree: stride and padding belong to its structure, they are no leaves."""

    conv: dict[str, Array]
    stride: int = field(metadata={"static": True})
    padding: int = field(metadata={"static": True})


def build(spec: Spec, dtype: str) -> SingleConvolution:
    shapes = spec.shapes()
    conv = {part: jnp.zeros(shapes[f"conv/{part}"], dtype) for part in ("weight", "bias")}
    return SingleConvolution(conv, spec.options["stride"], spec.options["padding"])


def forward(model: SingleConvolution, x: Array, probe: Probe) -> Array:
    x = layers.convolution(x, **model.conv, stride=model.stride, padding=model.padding)
    return probe.record("sigmoid", activations.sigmoid(probe.record("conv", x)))


def response(
    model: SingleConvolution, batch: Mapping[str, Array], probe: Probe
) -> dict[str, Array]:
    return {"response": forward(model, batch["x"], probe)}


def energy(model: SingleConvolution, batch: Mapping[str, Array], probe: Probe) -> dict[str, Array]:
    return {"energy": jnp.sum(batch["cotangent"] * forward(model, batch["x"], probe))}
