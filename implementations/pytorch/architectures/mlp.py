"""The multilayer perceptron in PyTorch. Equations and shapes: bench/specs/mlp.py."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from bench.spec import Spec
from implementations.pytorch import layers
from implementations.pytorch.probe import Probe


class MLP(nn.Module):
    def __init__(self, spec: Spec) -> None:
        super().__init__()
        shapes = spec.shapes()
        self.fc1 = layers.Dense(shapes["fc1/weight"])
        self.fc2 = layers.Dense(shapes["fc2/weight"])
        self.fc3 = layers.Dense(shapes["fc3/weight"])

    def forward(self, x: Tensor, probe: Probe) -> Tensor:
        x = probe.record("fc1", self.fc1(layers.flatten(x)))
        x = probe.record("relu1", layers.relu(x))
        x = probe.record("fc2", self.fc2(x))
        x = probe.record("relu2", layers.relu(x))
        return probe.record("logits", self.fc3(x))


def build(spec: Spec, dtype: str) -> MLP:
    return MLP(spec).to(getattr(torch, dtype))


def logits(model: MLP, batch: Mapping[str, Tensor], probe: Probe) -> dict[str, Tensor]:
    return {"logits": model(batch["x"], probe)}


def cross_entropy(model: MLP, batch: Mapping[str, Tensor], probe: Probe) -> dict[str, Tensor]:
    scores = model(batch["x"], probe)
    return {"cross_entropy": layers.softmax_cross_entropy(scores, batch["y"])}
