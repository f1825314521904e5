"""One convolution in PyTorch. Equations and shapes: bench/specs/single_convolution.py."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from bench.spec import Spec
from implementations.pytorch import layers
from implementations.pytorch.probe import Probe
from implementations.pytorch.techniques import activations


class SingleConvolution(nn.Module):
    def __init__(self, spec: Spec) -> None:
        super().__init__()
        self.conv = layers.Convolution(
            spec.shapes()["conv/weight"], spec.options["stride"], spec.options["padding"]
        )

    def forward(self, x: Tensor, probe: Probe) -> Tensor:
        x = probe.record("conv", self.conv(x))
        return probe.record("sigmoid", activations.sigmoid(x))


def build(spec: Spec, dtype: str) -> SingleConvolution:
    return SingleConvolution(spec).to(getattr(torch, dtype))


def response(
    model: SingleConvolution, batch: Mapping[str, Tensor], probe: Probe
) -> dict[str, Tensor]:
    return {"response": model(batch["x"], probe)}


def energy(
    model: SingleConvolution, batch: Mapping[str, Tensor], probe: Probe
) -> dict[str, Tensor]:
    return {"energy": (batch["cotangent"] * model(batch["x"], probe)).sum()}
