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
        shapes, self.options = spec.shapes(), spec.options
        for number, block in enumerate(self.options["blocks"], start=1):
            shape, bias = shapes[f"conv{number}/weight"], f"conv{number}/bias" in shapes
            conv = layers.Convolution(shape, block.stride, block.padding, bias)
            setattr(self, f"conv{number}", conv)
            if not bias:
                norm = layers.BatchNorm(block.filters, **self.options["norm"])
                setattr(self, f"bn{number}", norm)
        for number in range(1, self.options["dense"] + 1):
            setattr(self, f"fc{number}", layers.Dense(shapes[f"fc{number}/weight"]))

    def forward(self, x: Tensor, probe: Probe) -> Tensor:
        blocks, last = self.options["blocks"], self.options["dense"]
        for number, block in enumerate(blocks, start=1):
            x = probe.record(f"conv{number}", getattr(self, f"conv{number}")(x))
            if self.options["norm"]:
                x = probe.record(f"bn{number}", self._batch_norm(f"bn{number}", x, probe))
            x = self._activation(number, x, probe)
            if block.pooling != "none":
                x = probe.record(f"pool{number}", self._pool(block, f"pool{number}", x, probe))
        x = layers.flatten(x)
        for number in range(1, last):
            x = probe.record(f"fc{number}", getattr(self, f"fc{number}")(x))
            x = self._activation(len(blocks) + number, x, probe)
        return probe.record("logits", getattr(self, f"fc{last}")(x))

    def _activation(self, number: int, x: Tensor, probe: Probe) -> Tensor:
        name = self.options["activation"]
        return probe.record(f"{name}{number}", getattr(activations, name)(x))

    def _batch_norm(self, name: str, x: Tensor, probe: Probe) -> Tensor:
        y, mean, variance = getattr(self, name)(x, probe.mode.batch_statistics)
        if probe.mode.batch_statistics:
            probe.note(f"{name}/running_mean", mean)
            probe.note(f"{name}/running_variance", variance)
        return y

    def _pool(self, block: Any, name: str, x: Tensor, probe: Probe) -> Tensor:
        if block.pooling == "average":
            return layers.average_pool(x, block.window, block.window)
        choice = probe.choose(name, x, block.window, block.window)
        return layers.max_pool(x, block.window, block.window, choice)


def build(spec: Spec, dtype: str) -> ConvNet:
    return ConvNet(spec).to(getattr(torch, dtype))


def logits(model: ConvNet, batch: Mapping[str, Tensor], probe: Probe) -> dict[str, Tensor]:
    return {"logits": model(batch["x"], probe)}


def cross_entropy(model: ConvNet, batch: Mapping[str, Tensor], probe: Probe) -> dict[str, Tensor]:
    scores = model(batch["x"], probe)
    return {"cross_entropy": layers.softmax_cross_entropy(scores, batch["y"])}
