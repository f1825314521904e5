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
        shapes, options = spec.shapes(), spec.options
        self.depth, self.activation = options["layers"], options["activation"]
        self.norm, self.form, self.keep = options["norm"], options["dropout"], options["keep"]
        for number in range(1, self.depth + 1):
            name = f"fc{number}"
            shape, bias = shapes[f"{name}/weight"], f"{name}/bias" in shapes
            setattr(self, name, layers.Dense(shape, bias))
            if self.norm and number < self.depth:
                setattr(self, f"bn{number}", layers.BatchNorm(shape[1], self.norm))

    def forward(self, batch: Mapping[str, Tensor], probe: Probe) -> Tensor:
        activation = getattr(activations, self.activation)
        x = self._dropped("input", layers.flatten(batch["x"]), batch, probe)
        for number in range(1, self.depth):
            x = probe.record(f"fc{number}", getattr(self, f"fc{number}")(x))
            if self.norm:
                x = getattr(self, f"bn{number}")(x, f"bn{number}", probe)
            x = probe.record(f"{self.activation}{number}", activation(x))
            x = self._dropped(f"fc{number}", x, batch, probe)
        return probe.record("logits", getattr(self, f"fc{self.depth}")(x))

    def _dropped(self, name: str, x: Tensor, batch: Mapping[str, Tensor], probe: Probe) -> Tensor:
        """Dropout of a layer's outputs, where the spec asks for it."""
        keep = self.keep.get(name)
        if keep is None:
            return x
        mask = batch.get(f"dropout/{name}")
        return dropout.dropout(x, mask, keep, self.form, probe.mode.dropout)


def build(spec: Spec, dtype: str) -> MLP:
    return MLP(spec).to(getattr(torch, dtype))


def logits(model: MLP, batch: Mapping[str, Tensor], probe: Probe) -> dict[str, Tensor]:
    return {"logits": model(batch, probe)}


def cross_entropy(model: MLP, batch: Mapping[str, Tensor], probe: Probe) -> dict[str, Tensor]:
    scores = model(batch, probe)
    return {"cross_entropy": layers.softmax_cross_entropy(scores, batch["y"])}
