"""VGG in PyTorch. Equations and shapes: bench/specs/vgg.py."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from bench.spec import Spec
from implementations.pytorch import layers
from implementations.pytorch.probe import Probe
from implementations.pytorch.techniques import activations, dropout


class VGG(nn.Module):
    def __init__(self, spec: Spec) -> None:
        super().__init__()
        shapes, options = spec.shapes(), spec.options
        self.stages, self.dense, self.norm = options["stages"], options["dense"], options["norm"]
        self.form, self.keep = options["dropout"], options["keep"]
        for stage, kernels in enumerate(self.stages, start=1):
            for number, kernel in enumerate(kernels, start=1):
                name = f"{stage}_{number}"
                shape = shapes[f"conv{name}/weight"]
                conv = layers.Convolution(shape, 1, kernel // 2, bias=not self.norm)
                setattr(self, f"conv{name}", conv)
                if self.norm:
                    setattr(self, f"bn{name}", layers.BatchNorm(shape[-1], self.norm))
        for name in self.dense:
            setattr(self, name, layers.Dense(shapes[f"{name}/weight"]))

    def forward(self, batch: Mapping[str, Tensor], probe: Probe) -> Tensor:
        x = batch["x"]
        for stage, kernels in enumerate(self.stages, start=1):
            for number in range(1, len(kernels) + 1):
                name = f"{stage}_{number}"
                x = probe.record(f"conv{name}", getattr(self, f"conv{name}")(x))
                if self.norm:
                    x = getattr(self, f"bn{name}")(x, f"bn{name}", probe)
                x = probe.record(f"relu{name}", activations.relu(x))
            choice = probe.choose(f"pool{stage}", x, 2, 2)
            x = probe.record(f"pool{stage}", layers.max_pool(x, 2, 2, choice))
        x = layers.flatten(x)
        *hidden, last = self.dense
        for name in hidden:
            x = probe.record(name, getattr(self, name)(x))
            x = probe.record(name.replace("fc", "relu"), activations.relu(x))
            if name in self.keep:
                mask = batch.get(f"dropout/{name}")
                x = dropout.dropout(x, mask, self.keep[name], self.form, probe.mode.dropout)
        return probe.record("logits", getattr(self, last)(x))


def build(spec: Spec, dtype: str) -> VGG:
    return VGG(spec).to(getattr(torch, dtype))


def logits(model: VGG, batch: Mapping[str, Tensor], probe: Probe) -> dict[str, Tensor]:
    return {"logits": model(batch, probe)}


def cross_entropy(model: VGG, batch: Mapping[str, Tensor], probe: Probe) -> dict[str, Tensor]:
    scores = model(batch, probe)
    return {"cross_entropy": layers.softmax_cross_entropy(scores, batch["y"])}
