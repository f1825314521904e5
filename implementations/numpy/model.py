"""A net in NumPy: a nested dictionary of arrays by canonical name, beside the spec's options.

    {"conv1": {"weight", "bias"}, "bn1": {"scale", "shift", ...}, "stage1_block1": {"conv1": ...}}

The other frameworks have containers of their own.
"""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

import numpy as np

from bench.spec import Spec
from implementations.numpy.probe import Probe
from implementations.numpy.tape import Node, Tape
from implementations.numpy.techniques import batch_norm

Model = dict[str, Any]


def zeros(spec: Spec, dtype: str) -> Model:
    """Parameters and buffers, all zero; a layer without a bias has None there."""
    model: Model = dict(spec.options)
    for name, shape in (spec.shapes() | spec.buffer_shapes()).items():
        *path, part = name.split("/")
        layer = model
        for step in path:
            layer = layer.setdefault(step, {})
        layer[part] = np.zeros(shape, dtype)
        if part == "weight":
            layer["bias"] = None  # unless the next name is its bias
    return model


def leaves(model: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Canonical names and leaves of a nested dictionary; numbers and words are no leaves."""
    for key, value in model.items():
        if isinstance(value, Mapping):
            yield from leaves(value, f"{prefix}{key}/")
        elif isinstance(value, np.ndarray | Node):
            yield f"{prefix}{key}", value


def replaced(model: Mapping[str, Any], change: Any, prefix: str = "") -> dict[str, Any]:
    """The same nested dictionary with every leaf replaced by change(name, leaf)."""
    copy: dict[str, Any] = {}
    for key, value in model.items():
        if isinstance(value, Mapping):
            copy[key] = replaced(value, change, f"{prefix}{key}/")
        elif isinstance(value, np.ndarray):
            copy[key] = change(f"{prefix}{key}", value)
        else:
            copy[key] = value
    return copy


def on_tape(
    model: Model, parameters: Collection[str], tape: Tape, wanted: Collection[str]
) -> Model:
    """The model with a node in place of every parameter; buffers stay arrays."""

    def change(name: str, array: np.ndarray) -> Node | np.ndarray:
        return Node(array, tape, name in wanted) if name in parameters else array

    return replaced(model, change)


def at(model: Model, name: str) -> Any:
    """What stands under a canonical name: "stage1_block1/conv1"."""
    for step in name.split("/"):
        model = model[step]
    return model


def normalized(
    name: str, x: Node, layer: Mapping[str, Any], norm: Mapping[str, Any], probe: Probe
) -> Node:
    """Batch norm; the new running statistics are noted under the layer's canonical name."""
    training = probe.mode.batch_statistics
    y, mean, variance = batch_norm.batch_norm(x, **layer, training=training, **norm)
    if training:
        probe.note(f"{name}/running_mean", mean)
        probe.note(f"{name}/running_variance", variance)
    return probe.record(name, y)
