"""A convolutional net of blocks in NumPy. Equations and shapes: bench/specs/convnet.py."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from bench.spec import Spec
from implementations.numpy import layers
from implementations.numpy.probe import Probe
from implementations.numpy.tape import Node
from implementations.numpy.techniques import activations, batch_norm

Model = dict[str, Any]  # {"conv1": {"weight", "bias"}, "bn1": {...}, ...} beside the options


def build(spec: Spec, dtype: str) -> Model:
    """The nested dictionary of zeros, beside the spec's options."""
    model: Model = dict(spec.options)
    for name, shape in (spec.shapes() | spec.buffer_shapes()).items():
        layer, _, part = name.partition("/")
        model.setdefault(layer, {})[part] = np.zeros(shape, dtype)
    return model


def forward(model: Model, x: Node, probe: Probe) -> Node:
    blocks, last = model["blocks"], model["dense"]
    for number, block in enumerate(blocks, start=1):
        conv = model[f"conv{number}"]
        x = layers.convolution(x, conv["weight"], conv.get("bias"), block.stride, block.padding)
        x = probe.record(f"conv{number}", x)
        if model["norm"]:
            x = probe.record(f"bn{number}", _batch_norm(model, f"bn{number}", x, probe))
        x = _activation(model, number, x, probe)
        if block.pooling != "none":
            x = probe.record(f"pool{number}", _pool(block, f"pool{number}", x, probe))
    x = layers.flatten(x)
    for number in range(1, last):
        x = probe.record(f"fc{number}", layers.dense(x, **model[f"fc{number}"]))
        x = _activation(model, len(blocks) + number, x, probe)
    return probe.record("logits", layers.dense(x, **model[f"fc{last}"]))


def _activation(model: Model, number: int, x: Node, probe: Probe) -> Node:
    name = model["activation"]
    return probe.record(f"{name}{number}", getattr(activations, name)(x))


def _batch_norm(model: Model, name: str, x: Node, probe: Probe) -> Node:
    training = probe.mode.batch_statistics
    y, mean, variance = batch_norm.batch_norm(x, **model[name], training=training, **model["norm"])
    if training:
        probe.note(f"{name}/running_mean", mean)
        probe.note(f"{name}/running_variance", variance)
    return y


def _pool(block: Any, name: str, x: Node, probe: Probe) -> Node:
    if block.pooling == "average":
        return layers.average_pool(x, block.window, block.window)
    choice = probe.choose(name, x, block.window, block.window)
    return layers.max_pool(x, block.window, block.window, choice)


def logits(model: Model, batch: Mapping[str, Node], probe: Probe) -> dict[str, Node]:
    return {"logits": forward(model, batch["x"], probe)}


def cross_entropy(model: Model, batch: Mapping[str, Node], probe: Probe) -> dict[str, Node]:
    scores = forward(model, batch["x"], probe)
    return {"cross_entropy": layers.softmax_cross_entropy(scores, batch["y"].value)}
