"""A convolutional net of blocks in JAX. Equations and shapes: bench/specs/convnet.py."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jax
from jax import Array

from bench.spec import Spec
from implementations.jax import layers
from implementations.jax.model import Model, zeros
from implementations.jax.probe import Probe
from implementations.jax.techniques import activations


@jax.tree_util.register_static
@dataclass(frozen=True)
class Options:
    """What belongs to the structure of the pytree; nothing of it is a leaf."""

    blocks: tuple[Any, ...]  # filters, kernel, stride, padding, pooling, window
    dense: int
    activation: str


def build(spec: Spec, dtype: str) -> Model:
    """The pytree {"conv1": {"weight", "bias"}, "bn1": BatchNorm, ..., "options"} of zeros."""
    options = Options(*(spec.options[name] for name in ("blocks", "dense", "activation")))
    return {**zeros(spec, dtype), "options": options}


def forward(model: Model, x: Array, probe: Probe) -> Array:
    options = model["options"]
    activation = getattr(activations, options.activation)
    for number, block in enumerate(options.blocks, start=1):
        kernel = model[f"conv{number}"]
        x = layers.convolution(x, **kernel, stride=block.stride, padding=block.padding)
        x = probe.record(f"conv{number}", x)
        if f"bn{number}" in model:
            x = model[f"bn{number}"](x, f"bn{number}", probe)
        x = probe.record(f"{options.activation}{number}", activation(x))
        x = _pooled(f"pool{number}", x, block, probe)
    x = layers.flatten(x)
    for number in range(1, options.dense):
        x = probe.record(f"fc{number}", layers.dense(x, **model[f"fc{number}"]))
        x = probe.record(f"{options.activation}{len(options.blocks) + number}", activation(x))
    return probe.record("logits", layers.dense(x, **model[f"fc{options.dense}"]))


def logits(model: Model, batch: Mapping[str, Array], probe: Probe) -> dict[str, Array]:
    return {"logits": forward(model, batch["x"], probe)}


def cross_entropy(model: Model, batch: Mapping[str, Array], probe: Probe) -> dict[str, Array]:
    scores = forward(model, batch["x"], probe)
    return {"cross_entropy": layers.softmax_cross_entropy(scores, batch["y"])}


def _pooled(name: str, x: Array, block: Any, probe: Probe) -> Array:
    """Windows of window x window that do not overlap."""
    if block.pooling == "none":
        return x
    if block.pooling == "average":
        return probe.record(name, layers.average_pool(x, block.window, block.window))
    choice = probe.choose(name, x, block.window, block.window)
    return probe.record(name, layers.max_pool(x, block.window, block.window, choice))
