"""One max-pooling layer in NumPy. Equations and shapes: bench/specs/single_max_pool.py."""

from collections.abc import Mapping
from typing import Any

from bench.spec import Spec
from implementations.numpy import layers
from implementations.numpy.probe import Probe
from implementations.numpy.tape import Node


def build(spec: Spec, dtype: str) -> dict[str, Any]:
    """No parameters: the window and the stride alone."""
    return dict(spec.options)


def forward(model: dict[str, Any], x: Node, probe: Probe) -> Node:
    choice = probe.choose("pool", x, model["window"], model["stride"])
    return probe.record("pool", layers.max_pool(x, model["window"], model["stride"], choice))


def response(model: dict[str, Any], batch: Mapping[str, Node], probe: Probe) -> dict[str, Node]:
    return {"response": forward(model, batch["x"], probe)}


def energy(model: dict[str, Any], batch: Mapping[str, Node], probe: Probe) -> dict[str, Node]:
    return {"energy": forward(model, batch["x"], probe).dot(batch["cotangent"].value)}
