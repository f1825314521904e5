"""Late fusion of two SegNets in PyTorch. Equations and shapes: bench/specs/fusion_segnet.py."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from bench.spec import Spec
from implementations.pytorch import layers, residual, segmentation
from implementations.pytorch.architectures.segnet import EncoderDecoder
from implementations.pytorch.probe import Probe


class FusionSegNet(nn.Module):
    def __init__(self, spec: Spec) -> None:
        super().__init__()
        self.streams, self.fusion = spec.options["streams"], spec.options["fusion"]
        self.class_weights = spec.options["class_weights"]
        for name in self.streams:
            setattr(self, name, EncoderDecoder(spec, f"{name}/"))
        self.classifier = layers.Convolution(spec.shapes()["classifier/weight"], 1, 0)

    def forward(self, batch: Mapping[str, Tensor], probe: Probe) -> Tensor:
        features, start = [], 0
        for name, count in self.streams.items():
            x = segmentation.take_channels(batch["x"], start, count)
            features.append(getattr(self, name)(x, batch, probe))
            start += count
        fuse = segmentation.concatenate if self.fusion == "concatenated" else residual.add
        fused = probe.record("fused", fuse(*features))
        return probe.record("logits", self.classifier(fused))


def build(spec: Spec, dtype: str) -> FusionSegNet:
    return FusionSegNet(spec).to(getattr(torch, dtype))


def logits(model: FusionSegNet, batch: Mapping[str, Tensor], probe: Probe) -> dict[str, Tensor]:
    return {"logits": model(batch, probe)}


def cross_entropy(
    model: FusionSegNet, batch: Mapping[str, Tensor], probe: Probe
) -> dict[str, Tensor]:
    scores, weights = model(batch, probe), model.class_weights
    return {"cross_entropy": segmentation.pixel_cross_entropy(scores, batch["y"], weights)}
