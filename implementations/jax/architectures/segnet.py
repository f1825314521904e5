"""SegNet in JAX. Equations and shapes: bench/specs/segnet.py."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jax
from jax import Array

from bench.spec import Spec
from implementations.jax import layers, segmentation
from implementations.jax.model import Model, zeros
from implementations.jax.probe import Probe
from implementations.jax.techniques import activations, dropout


@jax.tree_util.register_static
@dataclass(frozen=True)
class Options:
    """What belongs to the structure of the pytree; nothing of it is a leaf."""

    repeats: tuple[int, ...]  # convolutions of each level
    upsampling: str
    form: Any  # of dropout: a word, or None
    keep: tuple[tuple[str, float], ...]
    class_weights: tuple[float, ...]


def build(spec: Spec, dtype: str) -> Model:
    """The pytree {"conv1_1": {"weight", "bias"}, "bn1_1": BatchNorm, ..., "options"} of zeros."""
    names = ("convolutions", "upsampling", "dropout", "keep", "class_weights")
    repeats, upsampling, form, keep, weights = (spec.options[name] for name in names)
    options = Options(repeats, upsampling, form, tuple(keep.items()), weights)
    return {**zeros(spec, dtype), "options": options}


def forward(
    owned: Model, options: Options, home: str, x: Array, batch: Mapping[str, Array], probe: Probe
) -> Array:
    """The features of the encoder-decoder whose names begin with `home`."""
    places = []
    for level, repeat in enumerate(options.repeats, start=1):
        for number in range(1, repeat + 1):
            name = f"{level}_{number}"
            x = _convolved(home, f"conv{name}", f"bn{name}", owned, x, probe)
            x = probe.record(f"{home}relu{name}", activations.relu(x))
        choice = probe.choose(f"{home}pool{level}", x, 2, 2)
        x, place = segmentation.pool(x, options.upsampling, choice)
        x = probe.record(f"{home}pool{level}", x)
        x = _masked(f"{home}pool{level}", options, x, batch, probe)
        places.append(place)
    for level in range(len(options.repeats), 0, -1):
        weight = owned.get(f"up{level}", {}).get("weight")
        x = segmentation.upsample(x, options.upsampling, places.pop(), weight)
        x = probe.record(f"{home}up{level}", x)
        for number in range(1, options.repeats[level - 1] + 1):
            name = f"{level}_{number}"
            x = _convolved(home, f"decode{name}", f"decode_bn{name}", owned, x, probe)
            x = probe.record(f"{home}decode_relu{name}", activations.relu(x))
        x = _masked(f"{home}decode{level}", options, x, batch, probe)
    return x


def logits(model: Model, batch: Mapping[str, Array], probe: Probe) -> dict[str, Array]:
    x = forward(model, model["options"], "", batch["x"], batch, probe)
    scores = layers.convolution(x, **model["classifier"], stride=1, padding=0)
    return {"logits": probe.record("logits", scores)}


def cross_entropy(model: Model, batch: Mapping[str, Array], probe: Probe) -> dict[str, Array]:
    scores, weights = logits(model, batch, probe)["logits"], model["options"].class_weights
    return {"cross_entropy": segmentation.pixel_cross_entropy(scores, batch["y"], weights)}


def _convolved(home: str, name: str, norm_name: str, owned: Model, x: Array, probe: Probe) -> Array:
    """A convolution that keeps the size, and batch norm behind it, where there is one."""
    x = layers.convolution(x, **owned[name], stride=1, padding=1)
    x = probe.record(home + name, x)
    return owned[norm_name](x, home + norm_name, probe) if norm_name in owned else x


def _masked(
    name: str, options: Options, x: Array, batch: Mapping[str, Array], probe: Probe
) -> Array:
    """Dropout, where the spec has it."""
    keep = dict(options.keep)
    if name not in keep:
        return x
    mask = batch.get(f"dropout/{name}")
    return dropout.dropout(x, mask, keep[name], options.form, probe.mode.dropout)
