"""A convolutional net of blocks in NumPy. Equations and shapes: bench/specs/convnet.py."""

from collections.abc import Mapping
from typing import Any

from bench.spec import Spec
from implementations.numpy import layers
from implementations.numpy.model import Model, normalized, zeros
from implementations.numpy.probe import Probe
from implementations.numpy.tape import Node
from implementations.numpy.techniques import activations


def build(spec: Spec, dtype: str) -> Model:
    """The nested dictionary of zeros, beside the spec's options."""
    return zeros(spec, dtype)


def forward(model: Model, x: Node, probe: Probe) -> Node:
    blocks, depth, name = model["blocks"], model["dense"], model["activation"]
    activation = getattr(activations, name)
    for number, block in enumerate(blocks, start=1):
        kernel = model[f"conv{number}"]
        x = layers.convolution(x, **kernel, stride=block.stride, padding=block.padding)
        x = probe.record(f"conv{number}", x)
        if model["norm"]:
            x = normalized(f"bn{number}", x, model[f"bn{number}"], model["norm"], probe)
        x = probe.record(f"{name}{number}", activation(x))
        x = _pooled(f"pool{number}", x, block, probe)
    x = layers.flatten(x)
    for number in range(1, depth):
        x = probe.record(f"fc{number}", layers.dense(x, **model[f"fc{number}"]))
        x = probe.record(f"{name}{len(blocks) + number}", activation(x))
    return probe.record("logits", layers.dense(x, **model[f"fc{depth}"]))


def logits(model: Model, batch: Mapping[str, Node], probe: Probe) -> dict[str, Node]:
    return {"logits": forward(model, batch["x"], probe)}


def cross_entropy(model: Model, batch: Mapping[str, Node], probe: Probe) -> dict[str, Node]:
    scores = forward(model, batch["x"], probe)
    return {"cross_entropy": layers.softmax_cross_entropy(scores, batch["y"].value)}


def _pooled(name: str, x: Node, block: Any, probe: Probe) -> Node:
    """Windows of window x window that do not overlap."""
    if block.pooling == "none":
        return x
    if block.pooling == "average":
        return probe.record(name, layers.average_pool(x, block.window, block.window))
    choice = probe.choose(name, x, block.window, block.window)
    return probe.record(name, layers.max_pool(x, block.window, block.window, choice))
