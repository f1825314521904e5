"""One activation in NumPy. Equations and shapes: bench/specs/single_activation.py."""

from collections.abc import Mapping
from typing import Any

from bench.spec import Spec
from implementations.numpy.probe import Probe
from implementations.numpy.tape import Node
from implementations.numpy.techniques import activations


def build(spec: Spec, dtype: str) -> dict[str, Any]:
    """No parameters: the name of the activation alone."""
    return dict(spec.options)


def forward(model: dict[str, Any], batch: Mapping[str, Node], probe: Probe) -> dict[str, Node]:
    value = getattr(activations, model["activation"])(batch["x"])
    return {"value": probe.record("activation", value)}


def backward(model: dict[str, Any], batch: Mapping[str, Node], probe: Probe) -> dict[str, Node]:
    gradient = getattr(activations, f"{model['activation']}_gradient")
    given = (batch[name].value for name in ("x", "value", "delta"))
    return {"gradient": Node(gradient(*given), batch["x"].tape)}


def energy(model: dict[str, Any], batch: Mapping[str, Node], probe: Probe) -> dict[str, Node]:
    return {"energy": forward(model, batch, probe)["value"].dot(batch["cotangent"].value)}
