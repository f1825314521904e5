"""One max-pooling layer in PyTorch. Equations and shapes: bench/specs/single_max_pool.py."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from bench.spec import Spec
from implementations.pytorch import layers
from implementations.pytorch.probe import Probe


class SingleMaxPool(nn.Module):
    def __init__(self, spec: Spec) -> None:
        super().__init__()
        self.window, self.stride = spec.options["window"], spec.options["stride"]

    def forward(self, x: Tensor, probe: Probe) -> Tensor:
        choice = probe.choose("pool", x, self.window, self.stride)
        return probe.record("pool", layers.max_pool(x, self.window, self.stride, choice))


def build(spec: Spec, dtype: str) -> SingleMaxPool:
    return SingleMaxPool(spec).to(getattr(torch, dtype))


def response(model: SingleMaxPool, batch: Mapping[str, Tensor], probe: Probe) -> dict[str, Tensor]:
    return {"response": model(batch["x"], probe)}


def energy(model: SingleMaxPool, batch: Mapping[str, Tensor], probe: Probe) -> dict[str, Tensor]:
    return {"energy": (batch["cotangent"] * model(batch["x"], probe)).sum()}
