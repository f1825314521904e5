"""The multilayer perceptron in NumPy. Equations and shapes: bench/specs/mlp.py."""

from collections.abc import Mapping

import numpy as np

from bench.spec import Spec
from implementations.numpy import layers
from implementations.numpy.probe import Probe
from implementations.numpy.tape import Node

Parameters = dict[str, dict[str, Node]]  # while a tape runs; build() gives plain arrays


def build(spec: Spec, dtype: str) -> dict[str, dict[str, np.ndarray]]:
    """The nested dictionary {"fc1": {"weight", "bias"}, ...} of zeros."""
    shapes = spec.shapes()
    return {
        name: {part: np.zeros(shapes[f"{name}/{part}"], dtype) for part in ("weight", "bias")}
        for name in ("fc1", "fc2", "fc3")
    }


def forward(model: Parameters, x: Node, probe: Probe) -> Node:
    x = probe.record("fc1", layers.dense(layers.flatten(x), **model["fc1"]))
    x = probe.record("relu1", layers.relu(x))
    x = probe.record("fc2", layers.dense(x, **model["fc2"]))
    x = probe.record("relu2", layers.relu(x))
    return probe.record("logits", layers.dense(x, **model["fc3"]))


def logits(model: Parameters, batch: Mapping[str, Node], probe: Probe) -> dict[str, Node]:
    return {"logits": forward(model, batch["x"], probe)}


def cross_entropy(model: Parameters, batch: Mapping[str, Node], probe: Probe) -> dict[str, Node]:
    scores = forward(model, batch["x"], probe)
    return {"cross_entropy": layers.softmax_cross_entropy(scores, batch["y"].value)}
