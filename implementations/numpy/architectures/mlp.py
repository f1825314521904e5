"""The multilayer perceptron in NumPy. Equations and shapes: bench/specs/mlp.py."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from bench.spec import Spec
from implementations.numpy import layers
from implementations.numpy.probe import Probe
from implementations.numpy.tape import Node
from implementations.numpy.techniques import activations, batch_norm, dropout

Model = dict[str, Any]  # {"fc1": {"weight", "bias"}, "bn1": {...}, ...} beside the options


def build(spec: Spec, dtype: str) -> Model:
    """The nested dictionary of zeros, beside the spec's options."""
    model: Model = dict(spec.options)
    for name, shape in (spec.shapes() | spec.buffer_shapes()).items():
        layer, _, part = name.partition("/")
        model.setdefault(layer, {})[part] = np.zeros(shape, dtype)
    return model


def forward(model: Model, batch: Mapping[str, Node], probe: Probe) -> Node:
    x = _dropout(model, "input", layers.flatten(batch["x"]), batch, probe)
    for number in range(1, model["layers"]):
        x = probe.record(f"fc{number}", _dense(model, f"fc{number}", x))
        if model["norm"]:
            x = probe.record(f"bn{number}", _batch_norm(model, f"bn{number}", x, probe))
        x = getattr(activations, model["activation"])(x)
        x = probe.record(f"{model['activation']}{number}", x)
        x = _dropout(model, f"fc{number}", x, batch, probe)
    return probe.record("logits", _dense(model, f"fc{model['layers']}", x))


def _dense(model: Model, name: str, x: Node) -> Node:
    return layers.dense(x, model[name]["weight"], model[name].get("bias"))


def _batch_norm(model: Model, name: str, x: Node, probe: Probe) -> Node:
    training = probe.mode.batch_statistics
    y, mean, variance = batch_norm.batch_norm(x, **model[name], training=training, **model["norm"])
    if training:
        probe.note(f"{name}/running_mean", mean)
        probe.note(f"{name}/running_variance", variance)
    return y


def _dropout(model: Model, name: str, x: Node, batch: Mapping[str, Node], probe: Probe) -> Node:
    if name not in model["keep"]:
        return x
    mask = batch.get(f"dropout/{name}")
    values = None if mask is None else mask.value
    return dropout.dropout(x, values, model["keep"][name], model["dropout"], probe.mode.dropout)


def logits(model: Model, batch: Mapping[str, Node], probe: Probe) -> dict[str, Node]:
    return {"logits": forward(model, batch, probe)}


def cross_entropy(model: Model, batch: Mapping[str, Node], probe: Probe) -> dict[str, Node]:
    scores = forward(model, batch, probe)
    return {"cross_entropy": layers.softmax_cross_entropy(scores, batch["y"].value)}
