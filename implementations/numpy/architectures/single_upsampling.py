"""A pooling and its way back in NumPy. Equations and shapes: bench/specs/single_upsampling.py."""

from collections.abc import Mapping

from bench.spec import Spec
from implementations.numpy import segmentation
from implementations.numpy.model import Model, zeros
from implementations.numpy.probe import Probe
from implementations.numpy.tape import Node


def build(spec: Spec, dtype: str) -> Model:
    """{"up": {"weight"}} of zeros where it is learned, beside the upsampling."""
    return zeros(spec, dtype)


def forward(model: Model, x: Node, probe: Probe) -> Node:
    choice = probe.choose("pool", x, 2, 2)
    x, place = segmentation.pool(x, model["upsampling"], choice)
    x, weight = probe.record("pool", x), model.get("up", {}).get("weight")
    return probe.record("up", segmentation.upsample(x, model["upsampling"], place, weight))


def response(model: Model, batch: Mapping[str, Node], probe: Probe) -> dict[str, Node]:
    return {"response": forward(model, batch["x"], probe)}


def energy(model: Model, batch: Mapping[str, Node], probe: Probe) -> dict[str, Node]:
    return {"energy": forward(model, batch["x"], probe).dot(batch["cotangent"].value)}
