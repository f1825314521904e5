"""Residual nets in JAX. Equations and shapes: bench/specs/resnet.py."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jax
from jax import Array

from bench.spec import Spec
from implementations.jax import layers, residual
from implementations.jax.model import Model, zeros
from implementations.jax.probe import Probe
from implementations.jax.techniques import activations


@jax.tree_util.register_static
@dataclass(frozen=True)
class Options:
    """What belongs to the structure of the pytree; nothing of it is a leaf."""

    stem: Any
    pooled: bool
    blocks: tuple[Any, ...]  # name, branch, shortcut; of each convolution filters, kernel, stride


def build(spec: Spec, dtype: str) -> Model:
    """The pytree {"conv1": {"weight", "bias"}, "bn1": BatchNorm, "stage1_block1": {"conv1": ...},
    ..., "options"} of zeros."""
    options = Options(*(spec.options[name] for name in ("stem", "pooled", "blocks")))
    return {**zeros(spec, dtype), "options": options}


def forward(model: Model, x: Array, probe: Probe) -> Array:
    options = model["options"]
    x = _convolved("", "conv1", "bn1", options.stem, model, x, probe)
    x = probe.record("relu1", activations.relu(x))
    if options.pooled:
        x = residual.pad(x, 1, float("-inf"))
        choice = probe.choose("pool1", x, 3, 2)
        x = probe.record("pool1", layers.max_pool(x, 3, 2, choice))
    for block in options.blocks:
        x = _block(block, model[block.name], x, probe)
    x = probe.record("mean", residual.global_average_pool(x))
    return probe.record("logits", layers.dense(x, **model["fc"]))


def logits(model: Model, batch: Mapping[str, Array], probe: Probe) -> dict[str, Array]:
    return {"logits": forward(model, batch["x"], probe)}


def cross_entropy(model: Model, batch: Mapping[str, Array], probe: Probe) -> dict[str, Array]:
    scores = forward(model, batch["x"], probe)
    return {"cross_entropy": layers.softmax_cross_entropy(scores, batch["y"])}


def _block(block: Any, owned: Model, x: Array, probe: Probe) -> Array:
    """The branch, and around it the shortcut, if there is one."""
    home, y, last = f"{block.name}/", x, len(block.branch)
    for number, convolution in enumerate(block.branch, start=1):
        y = _convolved(home, f"conv{number}", f"bn{number}", convolution, owned, y, probe)
        if number < last:
            y = probe.record(f"{home}relu{number}", activations.relu(y))
    if block.shortcut != "none":
        y = probe.record(f"{home}branch", y)
        around = probe.record(f"{home}shortcut", _shortcut(block, owned, x, probe))
        y = probe.record(f"{home}sum", residual.add(y, around))
    return probe.record(f"{home}relu{last}", activations.relu(y))


def _shortcut(block: Any, owned: Model, x: Array, probe: Probe) -> Array:
    if block.shortcut == "identity":
        return residual.identity_shortcut(x, block.filters, block.stride)
    names = "projection", "projection_bn"
    return _convolved(f"{block.name}/", *names, block.projection, owned, x, probe)


def _convolved(
    home: str, name: str, norm_name: str, convolution: Any, owned: Model, x: Array, probe: Probe
) -> Array:
    """A convolution, and batch norm behind it, where there is one."""
    padding = convolution.kernel // 2
    x = layers.convolution(x, **owned[name], stride=convolution.stride, padding=padding)
    x = probe.record(home + name, x)
    return owned[norm_name](x, home + norm_name, probe) if norm_name in owned else x
