"""Residual nets in NumPy. Equations and shapes: bench/specs/resnet.py."""

from collections.abc import Mapping
from typing import Any

from bench.spec import Spec
from implementations.numpy import layers, residual
from implementations.numpy.model import Model, at, normalized, zeros
from implementations.numpy.probe import Probe
from implementations.numpy.tape import Node
from implementations.numpy.techniques import activations


def build(spec: Spec, dtype: str) -> Model:
    """The nested dictionary of zeros, beside the spec's options."""
    return zeros(spec, dtype)


def forward(model: Model, x: Node, probe: Probe) -> Node:
    x = _convolved("conv1", "bn1", model["stem"], model, x, probe)
    x = probe.record("relu1", activations.relu(x))
    if model["pooled"]:
        x = residual.pad(x, 1, float("-inf"))
        choice = probe.choose("pool1", x, 3, 2)
        x = probe.record("pool1", layers.max_pool(x, 3, 2, choice))
    for block in model["blocks"]:
        x = _block(block, model, x, probe)
    x = probe.record("mean", residual.global_average_pool(x))
    return probe.record("logits", layers.dense(x, **model["fc"]))


def logits(model: Model, batch: Mapping[str, Node], probe: Probe) -> dict[str, Node]:
    return {"logits": forward(model, batch["x"], probe)}


def cross_entropy(model: Model, batch: Mapping[str, Node], probe: Probe) -> dict[str, Node]:
    scores = forward(model, batch["x"], probe)
    return {"cross_entropy": layers.softmax_cross_entropy(scores, batch["y"].value)}


def _block(block: Any, model: Model, x: Node, probe: Probe) -> Node:
    """The branch, and around it the shortcut, if there is one."""
    home, y, last = block.name, x, len(block.branch)
    for number, convolution in enumerate(block.branch, start=1):
        names = f"{home}/conv{number}", f"{home}/bn{number}"
        y = _convolved(*names, convolution, model, y, probe)
        if number < last:
            y = probe.record(f"{home}/relu{number}", activations.relu(y))
    if block.shortcut != "none":
        y = probe.record(f"{home}/branch", y)
        around = probe.record(f"{home}/shortcut", _shortcut(block, model, x, probe))
        y = probe.record(f"{home}/sum", residual.add(y, around))
    return probe.record(f"{home}/relu{last}", activations.relu(y))


def _shortcut(block: Any, model: Model, x: Node, probe: Probe) -> Node:
    if block.shortcut == "identity":
        return residual.identity_shortcut(x, block.filters, block.stride)
    names = f"{block.name}/projection", f"{block.name}/projection_bn"
    return _convolved(*names, block.projection, model, x, probe)


def _convolved(
    name: str, norm_name: str, convolution: Any, model: Model, x: Node, probe: Probe
) -> Node:
    """A convolution, and batch norm behind it, where there is one."""
    owned, norm = at(model, name), model["norm"]
    padding = convolution.kernel // 2
    x = layers.convolution(x, **owned, stride=convolution.stride, padding=padding)
    x = probe.record(name, x)
    return normalized(norm_name, x, at(model, norm_name), norm, probe) if norm else x
