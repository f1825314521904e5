"""Late fusion of two SegNets in JAX. Equations and shapes: bench/specs/fusion_segnet.py."""

from collections.abc import Mapping
from dataclasses import dataclass

import jax
from jax import Array

from bench.spec import Spec
from implementations.jax import layers, residual, segmentation
from implementations.jax.architectures import segnet
from implementations.jax.model import Model
from implementations.jax.probe import Probe


@jax.tree_util.register_static
@dataclass(frozen=True)
class Fusion:
    """What belongs to the structure of the pytree; nothing of it is a leaf."""

    streams: tuple[tuple[str, int], ...]  # name, channels
    form: str


def build(spec: Spec, dtype: str) -> Model:
    """The pytree {"rgb": {"conv1_1": ...}, "height": {...}, "classifier", ...} of zeros."""
    fusion = Fusion(tuple(spec.options["streams"].items()), spec.options["fusion"])
    return {**segnet.build(spec, dtype), "fusion": fusion}


def forward(model: Model, batch: Mapping[str, Array], probe: Probe) -> Array:
    features, start, fusion = [], 0, model["fusion"]
    for name, count in fusion.streams:
        x = segmentation.take_channels(batch["x"], start, count)
        own = model[name], model["options"], f"{name}/"
        features.append(segnet.forward(*own, x, batch, probe))
        start += count
    fuse = segmentation.concatenate if fusion.form == "concatenated" else residual.add
    fused = probe.record("fused", fuse(*features))
    scores = layers.convolution(fused, **model["classifier"], stride=1, padding=0)
    return probe.record("logits", scores)


def logits(model: Model, batch: Mapping[str, Array], probe: Probe) -> dict[str, Array]:
    return {"logits": forward(model, batch, probe)}


def cross_entropy(model: Model, batch: Mapping[str, Array], probe: Probe) -> dict[str, Array]:
    scores, weights = forward(model, batch, probe), model["options"].class_weights
    return {"cross_entropy": segmentation.pixel_cross_entropy(scores, batch["y"], weights)}
