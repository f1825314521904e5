"""A pooling and its way back in PyTorch. Equations and shapes: bench/specs/single_upsampling.py."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from bench.spec import Spec
from implementations.pytorch import segmentation
from implementations.pytorch.probe import Probe


class SingleUpsampling(nn.Module):
    def __init__(self, spec: Spec) -> None:
        super().__init__()
        self.upsampling = spec.options["upsampling"]
        for name, shape in spec.shapes().items():
            setattr(self, name.partition("/")[0], segmentation.TransposedKernel(shape))

    def forward(self, x: Tensor, probe: Probe) -> Tensor:
        choice = probe.choose("pool", x, 2, 2)
        x, place = segmentation.pool(x, self.upsampling, choice)
        x, kernel = probe.record("pool", x), getattr(self, "up", None)
        weight = None if kernel is None else kernel.weight
        return probe.record("up", segmentation.upsample(x, self.upsampling, place, weight))


def build(spec: Spec, dtype: str) -> SingleUpsampling:
    return SingleUpsampling(spec).to(getattr(torch, dtype))


def response(
    model: SingleUpsampling, batch: Mapping[str, Tensor], probe: Probe
) -> dict[str, Tensor]:
    return {"response": model(batch["x"], probe)}


def energy(model: SingleUpsampling, batch: Mapping[str, Tensor], probe: Probe) -> dict[str, Tensor]:
    return {"energy": (batch["cotangent"] * model(batch["x"], probe)).sum()}
