"""One batch norm layer in PyTorch. Equations and shapes: bench/specs/single_batch_norm.py."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from bench.spec import Spec
from implementations.pytorch import layers
from implementations.pytorch.probe import Probe


class SingleBatchNorm(nn.Module):
    def __init__(self, spec: Spec) -> None:
        super().__init__()
        self.bn = layers.BatchNorm(spec.shapes()["bn/scale"][0], spec.options["norm"])

    def forward(self, x: Tensor, probe: Probe) -> Tensor:
        return self.bn(x, "bn", probe)


def build(spec: Spec, dtype: str) -> SingleBatchNorm:
    return SingleBatchNorm(spec).to(getattr(torch, dtype))


def response(
    model: SingleBatchNorm, batch: Mapping[str, Tensor], probe: Probe
) -> dict[str, Tensor]:
    return {"response": model(batch["x"], probe)}


def energy(model: SingleBatchNorm, batch: Mapping[str, Tensor], probe: Probe) -> dict[str, Tensor]:
    return {"energy": (batch["cotangent"] * model(batch["x"], probe)).sum()}
