"""A convolutional net of blocks in PyTorch. Equations and shapes: bench/specs/convnet.py."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from bench.spec import Spec
from implementations.pytorch import layers
from implementations.pytorch.probe import Probe
from implementations.pytorch.techniques import activations


class ConvNet(nn.Module):
    def __init__(self, spec: Spec) -> None:
        super().__init__()
        shapes, options = spec.shapes(), spec.options
        self.blocks, self.depth = options["blocks"], options["dense"]
        self.activation, self.norm = options["activation"], options["norm"]
        for number, block in enumerate(self.blocks, start=1):
            name = f"conv{number}"
            shape, bias = shapes[f"{name}/weight"], f"{name}/bias" in shapes
            setattr(self, name, layers.Convolution(shape, block.stride, block.padding, bias))
            if self.norm:
                setattr(self, f"bn{number}", layers.BatchNorm(block.filters, self.norm))
        for number in range(1, self.depth + 1):
            name = f"fc{number}"
            setattr(self, name, layers.Dense(shapes[f"{name}/weight"]))

    def forward(self, x: Tensor, probe: Probe) -> Tensor:
        activation = getattr(activations, self.activation)
        for number, block in enumerate(self.blocks, start=1):
            x = probe.record(f"conv{number}", getattr(self, f"conv{number}")(x))
            if self.norm:
                x = getattr(self, f"bn{number}")(x, f"bn{number}", probe)
            x = probe.record(f"{self.activation}{number}", activation(x))
            x = self._pooled(f"pool{number}", x, block, probe)
        x = layers.flatten(x)
        for number in range(1, self.depth):
            x = probe.record(f"fc{number}", getattr(self, f"fc{number}")(x))
            x = probe.record(f"{self.activation}{len(self.blocks) + number}", activation(x))
        return probe.record("logits", getattr(self, f"fc{self.depth}")(x))

    def _pooled(self, name: str, x: Tensor, block: Any, probe: Probe) -> Tensor:
        """Windows of window x window that do not overlap."""
        if block.pooling == "none":
            return x
        if block.pooling == "average":
            return probe.record(name, layers.average_pool(x, block.window, block.window))
        choice = probe.choose(name, x, block.window, block.window)
        return probe.record(name, layers.max_pool(x, block.window, block.window, choice))


def build(spec: Spec, dtype: str) -> ConvNet:
    return ConvNet(spec).to(getattr(torch, dtype))


def logits(model: ConvNet, batch: Mapping[str, Tensor], probe: Probe) -> dict[str, Tensor]:
    return {"logits": model(batch["x"], probe)}


def cross_entropy(model: ConvNet, batch: Mapping[str, Tensor], probe: Probe) -> dict[str, Tensor]:
    scores = model(batch["x"], probe)
    return {"cross_entropy": layers.softmax_cross_entropy(scores, batch["y"])}
