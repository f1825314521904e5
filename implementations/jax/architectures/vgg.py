"""VGG in JAX. Equations and shapes: bench/specs/vgg.py."""

from collections.abc import Mapping
from dataclasses import dataclass

import jax
from jax import Array

from bench.spec import Spec
from implementations.jax import layers
from implementations.jax.model import Model, zeros
from implementations.jax.probe import Probe
from implementations.jax.techniques import activations, dropout


@jax.tree_util.register_static
@dataclass(frozen=True)
class Options:
    """What belongs to the structure of the pytree; nothing of it is a leaf."""

    stages: tuple[tuple[int, ...], ...]  # sides of kernels
    dense: tuple[str, ...]
    form: str | None  # of dropout
    keep: tuple[tuple[str, float], ...]


def build(spec: Spec, dtype: str) -> Model:
    """The pytree {"conv1_1": {"weight", "bias"}, "bn1_1": BatchNorm, ..., "options"} of zeros."""
    options = spec.options
    keep = tuple(options["keep"].items())
    static = Options(options["stages"], options["dense"], options["dropout"], keep)
    return {**zeros(spec, dtype), "options": static}


def forward(model: Model, batch: Mapping[str, Array], probe: Probe) -> Array:
    options = model["options"]
    x = batch["x"]
    for stage, kernels in enumerate(options.stages, start=1):
        for number, kernel in enumerate(kernels, start=1):
            name = f"{stage}_{number}"
            x = layers.convolution(x, **model[f"conv{name}"], stride=1, padding=kernel // 2)
            x = probe.record(f"conv{name}", x)
            if f"bn{name}" in model:
                x = model[f"bn{name}"](x, f"bn{name}", probe)
            x = probe.record(f"relu{name}", activations.relu(x))
        choice = probe.choose(f"pool{stage}", x, 2, 2)
        x = probe.record(f"pool{stage}", layers.max_pool(x, 2, 2, choice))
    x = layers.flatten(x)
    *hidden, last = options.dense
    keep = dict(options.keep)
    for name in hidden:
        x = probe.record(name, layers.dense(x, **model[name]))
        x = probe.record(name.replace("fc", "relu"), activations.relu(x))
        if name in keep:
            mask = batch.get(f"dropout/{name}")
            x = dropout.dropout(x, mask, keep[name], options.form, probe.mode.dropout)
    return probe.record("logits", layers.dense(x, **model[last]))


def logits(model: Model, batch: Mapping[str, Array], probe: Probe) -> dict[str, Array]:
    return {"logits": forward(model, batch, probe)}


def cross_entropy(model: Model, batch: Mapping[str, Array], probe: Probe) -> dict[str, Array]:
    scores = forward(model, batch, probe)
    return {"cross_entropy": layers.softmax_cross_entropy(scores, batch["y"])}
