"""One batch norm layer in NumPy. Equations and shapes: bench/specs/single_batch_norm.py."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from bench.spec import Spec
from implementations.numpy.probe import Probe
from implementations.numpy.tape import Node
from implementations.numpy.techniques import batch_norm


def build(spec: Spec, dtype: str) -> dict[str, Any]:
    """{"bn": {"scale", "shift", "running_mean", "running_variance"}} beside the constants."""
    shapes = spec.shapes() | spec.buffer_shapes()
    bn = {name.removeprefix("bn/"): np.zeros(shape, dtype) for name, shape in shapes.items()}
    return {"bn": bn, **spec.options}


def forward(model: dict[str, Any], x: Node, probe: Probe) -> Node:
    training = probe.mode.batch_statistics
    y, mean, variance = batch_norm.batch_norm(x, **model["bn"], training=training, **model["norm"])
    if training:
        probe.note("bn/running_mean", mean)
        probe.note("bn/running_variance", variance)
    return probe.record("bn", y)


def response(model: dict[str, Any], batch: Mapping[str, Node], probe: Probe) -> dict[str, Node]:
    return {"response": forward(model, batch["x"], probe)}


def energy(model: dict[str, Any], batch: Mapping[str, Node], probe: Probe) -> dict[str, Node]:
    return {"energy": forward(model, batch["x"], probe).dot(batch["cotangent"].value)}
