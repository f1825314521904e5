"""VGG in NumPy. Equations and shapes: bench/specs/vgg.py."""

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
    x = batch["x"]
    for stage, kernels in enumerate(model["stages"], start=1):
        for number, kernel in enumerate(kernels, start=1):
            name = f"{stage}_{number}"
            x = layers.convolution(x, **model[f"conv{name}"], stride=1, padding=kernel // 2)
            x = probe.record(f"conv{name}", x)
            if model["norm"]:
                x = normalized(f"bn{name}", x, model[f"bn{name}"], model["norm"], probe)
            x = probe.record(f"relu{name}", activations.relu(x))
        choice = probe.choose(f"pool{stage}", x, 2, 2)
        x = probe.record(f"pool{stage}", layers.max_pool(x, 2, 2, choice))
    x = layers.flatten(x)
    *hidden, last = model["dense"]
    for name in hidden:
        x = probe.record(name, layers.dense(x, **model[name]))
        x = probe.record(name.replace("fc", "relu"), activations.relu(x))
        if name in model["keep"]:
            mask = batch.get(f"dropout/{name}")
            given = None if mask is None else mask.value
            keep, form = model["keep"][name], model["dropout"]
            x = dropout.dropout(x, given, keep, form, probe.mode.dropout)
    return probe.record("logits", layers.dense(x, **model[last]))


def logits(model: Model, batch: Mapping[str, Node], probe: Probe) -> dict[str, Node]:
    return {"logits": forward(model, batch, probe)}


def cross_entropy(model: Model, batch: Mapping[str, Node], probe: Probe) -> dict[str, Node]:
    scores = forward(model, batch, probe)
    return {"cross_entropy": layers.softmax_cross_entropy(scores, batch["y"].value)}
