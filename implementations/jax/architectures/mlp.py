"""The multilayer perceptron in JAX. Equations and shapes: bench/specs/mlp.py."""

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

    layers: int
    activation: str
    form: str | None  # of dropout
    keep: tuple[tuple[str, float], ...]


def build(spec: Spec, dtype: str) -> Model:
    """The pytree {"fc1": {"weight", "bias"}, "bn1": BatchNorm, ..., "options"} of zeros."""
    options = spec.options
    keep = tuple(options["keep"].items())
    static = Options(options["layers"], options["activation"], options["dropout"], keep)
    return {**zeros(spec, dtype), "options": static}


def forward(model: Model, batch: Mapping[str, Array], probe: Probe) -> Array:
    options = model["options"]
    activation = getattr(activations, options.activation)
    x = _dropped("input", layers.flatten(batch["x"]), options, batch, probe)
    for number in range(1, options.layers):
        x = probe.record(f"fc{number}", layers.dense(x, **model[f"fc{number}"]))
        if f"bn{number}" in model:
            x = model[f"bn{number}"](x, f"bn{number}", probe)
        x = probe.record(f"{options.activation}{number}", activation(x))
        x = _dropped(f"fc{number}", x, options, batch, probe)
    return probe.record("logits", layers.dense(x, **model[f"fc{options.layers}"]))


def logits(model: Model, batch: Mapping[str, Array], probe: Probe) -> dict[str, Array]:
    return {"logits": forward(model, batch, probe)}


def cross_entropy(model: Model, batch: Mapping[str, Array], probe: Probe) -> dict[str, Array]:
    scores = forward(model, batch, probe)
    return {"cross_entropy": layers.softmax_cross_entropy(scores, batch["y"])}


def _dropped(
    name: str, x: Array, options: Options, batch: Mapping[str, Array], probe: Probe
) -> Array:
    """Dropout of a layer's outputs, where the spec asks for it."""
    keep = dict(options.keep).get(name)
    if options.form is None or keep is None:
        return x
    mask = batch.get(f"dropout/{name}")
    return dropout.dropout(x, mask, keep, options.form, probe.mode.dropout)
