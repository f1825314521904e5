"""LeNet in NumPy. Equations and shapes: bench/specs/lenet.py."""

from collections.abc import Mapping

import numpy as np

from bench.conventions import LENET_PADDING
from bench.spec import Spec
from implementations.numpy import layers
from implementations.numpy.probe import Probe
from implementations.numpy.tape import Node
from implementations.numpy.techniques import activations

Parameters = dict[str, dict[str, Node]]  # while a tape runs; build() gives plain arrays


def build(spec: Spec, dtype: str) -> dict[str, dict[str, np.ndarray]]:
    """The nested dictionary {"conv1": {"weight", "bias"}, ...} of zeros."""
    shapes = spec.shapes()
    return {
        name: {part: np.zeros(shapes[f"{name}/{part}"], dtype) for part in ("weight", "bias")}
        for name in ("conv1", "conv2", "fc1", "fc2")
    }


def forward(model: Parameters, x: Node, probe: Probe) -> Node:
    x = layers.convolution(x, **model["conv1"], stride=1, padding=LENET_PADDING)
    x = probe.record("relu1", activations.relu(probe.record("conv1", x)))
    x = probe.record("pool1", layers.max_pool(x, 2, 2, probe.choose("pool1", x, 2, 2)))
    x = layers.convolution(x, **model["conv2"], stride=1, padding=LENET_PADDING)
    x = probe.record("relu2", activations.relu(probe.record("conv2", x)))
    x = probe.record("pool2", layers.max_pool(x, 2, 2, probe.choose("pool2", x, 2, 2)))
    x = probe.record("fc1", layers.dense(layers.flatten(x), **model["fc1"]))
    x = probe.record("relu3", activations.relu(x))
    return probe.record("logits", layers.dense(x, **model["fc2"]))


def logits(model: Parameters, batch: Mapping[str, Node], probe: Probe) -> dict[str, Node]:
    return {"logits": forward(model, batch["x"], probe)}


def cross_entropy(model: Parameters, batch: Mapping[str, Node], probe: Probe) -> dict[str, Node]:
    scores = forward(model, batch["x"], probe)
    return {"cross_entropy": layers.softmax_cross_entropy(scores, batch["y"].value)}
