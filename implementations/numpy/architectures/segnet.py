"""SegNet in NumPy. Equations and shapes: bench/specs/segnet.py."""

from collections.abc import Mapping

from bench.spec import Spec
from implementations.numpy import layers, segmentation
from implementations.numpy.model import Model, at, normalized, zeros
from implementations.numpy.probe import Probe
from implementations.numpy.tape import Node
from implementations.numpy.techniques import activations, dropout


def build(spec: Spec, dtype: str) -> Model:
    """The nested dictionary of zeros, beside the spec's options."""
    return zeros(spec, dtype)


def forward(model: Model, home: str, x: Node, batch: Mapping[str, Node], probe: Probe) -> Node:
    """The features of the encoder-decoder whose names begin with `home`."""
    repeats, upsampling, places = model["convolutions"], model["upsampling"], []
    for level, repeat in enumerate(repeats, start=1):
        for number in range(1, repeat + 1):
            name = f"{level}_{number}"
            x = _convolved(f"{home}conv{name}", f"{home}bn{name}", model, x, probe)
            x = probe.record(f"{home}relu{name}", activations.relu(x))
        choice = probe.choose(f"{home}pool{level}", x, 2, 2)
        x, place = segmentation.pool(x, upsampling, choice)
        x = probe.record(f"{home}pool{level}", x)
        x = _masked(f"{home}pool{level}", model, x, batch, probe)
        places.append(place)
    for level in range(len(repeats), 0, -1):
        weight = at(model, f"{home}up{level}")["weight"] if upsampling == "transposed" else None
        x = segmentation.upsample(x, upsampling, places.pop(), weight)
        x = probe.record(f"{home}up{level}", x)
        for number in range(1, repeats[level - 1] + 1):
            name = f"{level}_{number}"
            x = _convolved(f"{home}decode{name}", f"{home}decode_bn{name}", model, x, probe)
            x = probe.record(f"{home}decode_relu{name}", activations.relu(x))
        x = _masked(f"{home}decode{level}", model, x, batch, probe)
    return x


def logits(model: Model, batch: Mapping[str, Node], probe: Probe) -> dict[str, Node]:
    x = forward(model, "", batch["x"], batch, probe)
    scores = layers.convolution(x, **model["classifier"], stride=1, padding=0)
    return {"logits": probe.record("logits", scores)}


def cross_entropy(model: Model, batch: Mapping[str, Node], probe: Probe) -> dict[str, Node]:
    scores, weights = logits(model, batch, probe)["logits"], model["class_weights"]
    loss = segmentation.pixel_cross_entropy(scores, batch["y"].value, weights)
    return {"cross_entropy": loss}


def _convolved(name: str, norm_name: str, model: Model, x: Node, probe: Probe) -> Node:
    """A convolution that keeps the size, and batch norm behind it, where there is one."""
    x = probe.record(name, layers.convolution(x, **at(model, name), stride=1, padding=1))
    norm = model["norm"]
    return normalized(norm_name, x, at(model, norm_name), norm, probe) if norm else x


def _masked(name: str, model: Model, x: Node, batch: Mapping[str, Node], probe: Probe) -> Node:
    """Dropout, where the spec has it."""
    if name not in model["keep"]:
        return x
    mask = batch.get(f"dropout/{name}")
    given = None if mask is None else mask.value
    return dropout.dropout(x, given, model["keep"][name], model["dropout"], probe.mode.dropout)
