"""The multilayer perceptron in PyTorch. Equations and shapes: bench/specs/mlp.py."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from bench.spec import Spec
from implementations.pytorch import layers
from implementations.pytorch.probe import Probe
from implementations.pytorch.techniques import activations, dropout


class MLP(nn.Module):
    def __init__(self, spec: Spec) -> None:
        super().__init__()
        shapes, self.options = spec.shapes(), spec.options
        for number in range(1, self.options["layers"] + 1):
            shape, bias = shapes[f"fc{number}/weight"], f"fc{number}/bias" in shapes
            setattr(self, f"fc{number}", layers.Dense(shape, bias))
            if not bias:
                setattr(self, f"bn{number}", layers.BatchNorm(shape[1], **self.options["norm"]))

    def forward(self, batch: Mapping[str, Tensor], probe: Probe) -> Tensor:
        x = self._dropout("input", layers.flatten(batch["x"]), batch, probe)
        activation, last = self.options["activation"], self.options["layers"]
        for number in range(1, last):
            x = probe.record(f"fc{number}", getattr(self, f"fc{number}")(x))
            if self.options["norm"]:
                x = probe.record(f"bn{number}", self._batch_norm(f"bn{number}", x, probe))
            x = probe.record(f"{activation}{number}", getattr(activations, activation)(x))
            x = self._dropout(f"fc{number}", x, batch, probe)
        return probe.record("logits", getattr(self, f"fc{last}")(x))

    def _batch_norm(self, name: str, x: Tensor, probe: Probe) -> Tensor:
        y, mean, variance = getattr(self, name)(x, probe.mode.batch_statistics)
        if probe.mode.batch_statistics:
            probe.note(f"{name}/running_mean", mean)
            probe.note(f"{name}/running_variance", variance)
        return y

    def _dropout(self, name: str, x: Tensor, batch: Mapping[str, Tensor], probe: Probe) -> Tensor:
        keep = self.options["keep"].get(name)
        if keep is None:
            return x
        mask = batch.get(f"dropout/{name}")
        return dropout.dropout(x, mask, keep, self.options["dropout"], probe.mode.dropout)


def build(spec: Spec, dtype: str) -> MLP:
    return MLP(spec).to(getattr(torch, dtype))


def logits(model: MLP, batch: Mapping[str, Tensor], probe: Probe) -> dict[str, Tensor]:
    return {"logits": model(batch, probe)}


def cross_entropy(model: MLP, batch: Mapping[str, Tensor], probe: Probe) -> dict[str, Tensor]:
    scores = model(batch, probe)
    return {"cross_entropy": layers.softmax_cross_entropy(scores, batch["y"])}
