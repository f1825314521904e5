"""LeNet in PyTorch. Equations and shapes: bench/specs/lenet.py."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from bench.conventions import LENET_PADDING
from bench.spec import Spec
from implementations.pytorch import layers
from implementations.pytorch.probe import Probe
from implementations.pytorch.techniques import activations


class LeNet(nn.Module):
    def __init__(self, spec: Spec) -> None:
        super().__init__()
        shapes = spec.shapes()
        self.conv1 = layers.Convolution(shapes["conv1/weight"], stride=1, padding=LENET_PADDING)
        self.conv2 = layers.Convolution(shapes["conv2/weight"], stride=1, padding=LENET_PADDING)
        self.fc1 = layers.Dense(shapes["fc1/weight"])
        self.fc2 = layers.Dense(shapes["fc2/weight"])

    def forward(self, x: Tensor, probe: Probe) -> Tensor:
        x = probe.record("conv1", self.conv1(x))
        x = probe.record("relu1", activations.relu(x))
        x = probe.record("pool1", layers.max_pool(x, 2, 2, probe.choose("pool1", x, 2, 2)))
        x = probe.record("conv2", self.conv2(x))
        x = probe.record("relu2", activations.relu(x))
        x = probe.record("pool2", layers.max_pool(x, 2, 2, probe.choose("pool2", x, 2, 2)))
        x = probe.record("fc1", self.fc1(layers.flatten(x)))
        x = probe.record("relu3", activations.relu(x))
        return probe.record("logits", self.fc2(x))


def build(spec: Spec, dtype: str) -> LeNet:
    return LeNet(spec).to(getattr(torch, dtype))


def logits(model: LeNet, batch: Mapping[str, Tensor], probe: Probe) -> dict[str, Tensor]:
    return {"logits": model(batch["x"], probe)}


def cross_entropy(model: LeNet, batch: Mapping[str, Tensor], probe: Probe) -> dict[str, Tensor]:
    scores = model(batch["x"], probe)
    return {"cross_entropy": layers.softmax_cross_entropy(scores, batch["y"])}
