"""Residual nets in PyTorch. Equations and shapes: bench/specs/resnet.py."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from bench.spec import Spec
from implementations.pytorch import layers, residual
from implementations.pytorch.probe import Probe
from implementations.pytorch.techniques import activations


class Convolved(nn.Module):
    """Owns convolutions, each with batch norm behind it, where there is one."""

    def __init__(self, spec: Spec, home: str) -> None:
        super().__init__()
        self.home, self.norm, self.shapes = home, spec.options["norm"], spec.shapes()

    def own(self, name: str, norm_name: str, convolution: Any) -> None:
        shape, padding = self.shapes[f"{self.home}{name}/weight"], convolution.kernel // 2
        kernel = layers.Convolution(shape, convolution.stride, padding, bias=not self.norm)
        setattr(self, name, kernel)
        if self.norm:
            setattr(self, norm_name, layers.BatchNorm(convolution.filters, self.norm))

    def convolved(self, name: str, norm_name: str, x: Tensor, probe: Probe) -> Tensor:
        x = probe.record(self.home + name, getattr(self, name)(x))
        return getattr(self, norm_name)(x, self.home + norm_name, probe) if self.norm else x


class Block(Convolved):
    """The branch, and around it the shortcut, if there is one."""

    def __init__(self, spec: Spec, block: Any) -> None:
        super().__init__(spec, f"{block.name}/")
        self.block = block
        for number, convolution in enumerate(block.branch, start=1):
            self.own(f"conv{number}", f"bn{number}", convolution)
        if block.shortcut == "projection":
            self.own("projection", "projection_bn", block.projection)

    def forward(self, x: Tensor, probe: Probe) -> Tensor:
        y, last = x, len(self.block.branch)
        for number in range(1, last + 1):
            y = self.convolved(f"conv{number}", f"bn{number}", y, probe)
            if number < last:
                y = probe.record(f"{self.home}relu{number}", activations.relu(y))
        if self.block.shortcut != "none":
            y = probe.record(f"{self.home}branch", y)
            around = probe.record(f"{self.home}shortcut", self._shortcut(x, probe))
            y = probe.record(f"{self.home}sum", residual.add(y, around))
        return probe.record(f"{self.home}relu{last}", activations.relu(y))

    def _shortcut(self, x: Tensor, probe: Probe) -> Tensor:
        if self.block.shortcut == "identity":
            return residual.identity_shortcut(x, self.block.filters, self.block.stride)
        return self.convolved("projection", "projection_bn", x, probe)


class ResNet(Convolved):
    def __init__(self, spec: Spec) -> None:
        super().__init__(spec, "")
        self.own("conv1", "bn1", spec.options["stem"])
        self.pooled, self.blocks = spec.options["pooled"], spec.options["blocks"]
        for block in self.blocks:
            setattr(self, block.name, Block(spec, block))
        self.fc = layers.Dense(self.shapes["fc/weight"])

    def forward(self, x: Tensor, probe: Probe) -> Tensor:
        x = self.convolved("conv1", "bn1", x, probe)
        x = probe.record("relu1", activations.relu(x))
        if self.pooled:
            x = residual.pad(x, 1, float("-inf"))
            choice = probe.choose("pool1", x, 3, 2)
            x = probe.record("pool1", layers.max_pool(x, 3, 2, choice))
        for block in self.blocks:
            x = getattr(self, block.name)(x, probe)
        x = probe.record("mean", residual.global_average_pool(x))
        return probe.record("logits", self.fc(x))


def build(spec: Spec, dtype: str) -> ResNet:
    return ResNet(spec).to(getattr(torch, dtype))


def logits(model: ResNet, batch: Mapping[str, Tensor], probe: Probe) -> dict[str, Tensor]:
    return {"logits": model(batch["x"], probe)}


def cross_entropy(model: ResNet, batch: Mapping[str, Tensor], probe: Probe) -> dict[str, Tensor]:
    scores = model(batch["x"], probe)
    return {"cross_entropy": layers.softmax_cross_entropy(scores, batch["y"])}
