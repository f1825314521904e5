"""The multilayer perceptron in NumPy. Equations and shapes: bench/specs/mlp.py."""

from collections.abc import Mapping

from bench.spec import Spec
from implementations.numpy import layers
from implementations.numpy.model import Model, normalized, zeros
from implementations.numpy.probe import Probe
from implementations.numpy.tape import Node
from implementations.numpy.techniques import activations, dropout


def build(spec: Spec, dtype: str) -> Model:
    """The nested dictionary of zeros, beside the spec's options."""
    return zeros(spec, dtype)


def forward(model: Model, batch: Mapping[str, Node], probe: Probe) -> Node:
    depth, name = model["layers"], model["activation"]
    activation = getattr(activations, name)
    x = _dropped("input", layers.flatten(batch["x"]), model, batch, probe)
    for number in range(1, depth):
        x = probe.record(f"fc{number}", layers.dense(x, **model[f"fc{number}"]))
        if model["norm"]:
            x = normalized(f"bn{number}", x, model[f"bn{number}"], model["norm"], probe)
        x = probe.record(f"{name}{number}", activation(x))
        x = _dropped(f"fc{number}", x, model, batch, probe)
    return probe.record("logits", layers.dense(x, **model[f"fc{depth}"]))


def logits(model: Model, batch: Mapping[str, Node], probe: Probe) -> dict[str, Node]:
    return {"logits": forward(model, batch, probe)}


def cross_entropy(model: Model, batch: Mapping[str, Node], probe: Probe) -> dict[str, Node]:
    scores = forward(model, batch, probe)
    return {"cross_entropy": layers.softmax_cross_entropy(scores, batch["y"].value)}


def _dropped(name: str, x: Node, model: Model, batch: Mapping[str, Node], probe: Probe) -> Node:
    """Dropout of a layer's outputs, where the spec asks for it."""
    keep = model["keep"].get(name)
    if keep is None:
        return x
    mask = batch.get(f"dropout/{name}")
    values = None if mask is None else mask.value
    return dropout.dropout(x, values, keep, model["dropout"], probe.mode.dropout)
