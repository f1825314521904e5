"""One convolution in NumPy. Equations and shapes: bench/specs/single_convolution.py."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from bench.spec import Spec
from implementations.numpy import layers
from implementations.numpy.probe import Probe
from implementations.numpy.tape import Node
from implementations.numpy.techniques import activations


def build(spec: Spec, dtype: str) -> dict[str, Any]:
    """{"conv": {"weight", "bias"}} of zeros, beside the stride and the padding."""
    shapes = spec.shapes()
    conv = {part: np.zeros(shapes[f"conv/{part}"], dtype) for part in ("weight", "bias")}
    return {"conv": conv, **spec.options}


def forward(model: dict[str, Any], x: Node, probe: Probe) -> Node:
    x = layers.convolution(x, **model["conv"], stride=model["stride"], padding=model["padding"])
    return probe.record("sigmoid", activations.sigmoid(probe.record("conv", x)))


def response(model: dict[str, Any], batch: Mapping[str, Node], probe: Probe) -> dict[str, Node]:
    return {"response": forward(model, batch["x"], probe)}


def energy(model: dict[str, Any], batch: Mapping[str, Node], probe: Probe) -> dict[str, Node]:
    return {"energy": forward(model, batch["x"], probe).dot(batch["cotangent"].value)}
