"""Late fusion of two SegNets in NumPy. Equations and shapes: bench/specs/fusion_segnet.py."""

from collections.abc import Mapping

from bench.spec import Spec
from implementations.numpy import layers, residual, segmentation
from implementations.numpy.architectures import segnet
from implementations.numpy.model import Model
from implementations.numpy.probe import Probe
from implementations.numpy.tape import Node


def build(spec: Spec, dtype: str) -> Model:
    """The nested dictionary of zeros, beside the spec's options."""
    return segnet.build(spec, dtype)


def forward(model: Model, batch: Mapping[str, Node], probe: Probe) -> Node:
    features, start = [], 0
    for name, count in model["streams"].items():
        x = segmentation.take_channels(batch["x"], start, count)
        features.append(segnet.forward(model, f"{name}/", x, batch, probe))
        start += count
    fuse = segmentation.concatenate if model["fusion"] == "concatenated" else residual.add
    fused = probe.record("fused", fuse(*features))
    scores = layers.convolution(fused, **model["classifier"], stride=1, padding=0)
    return probe.record("logits", scores)


def logits(model: Model, batch: Mapping[str, Node], probe: Probe) -> dict[str, Node]:
    return {"logits": forward(model, batch, probe)}


def cross_entropy(model: Model, batch: Mapping[str, Node], probe: Probe) -> dict[str, Node]:
    scores, weights = forward(model, batch, probe), model["class_weights"]
    loss = segmentation.pixel_cross_entropy(scores, batch["y"].value, weights)
    return {"cross_entropy": loss}
