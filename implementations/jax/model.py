"""A net in JAX: a nested pytree by canonical name.

    {"conv1": {"weight", "bias"}, "bn1": BatchNorm, "stage1_block1": {"conv1": {...}}}

An architecture adds its Options, which belong to the structure and hold no leaf.
"""

from typing import Any

import jax.numpy as jnp

from bench.spec import Spec
from implementations.jax import layers

Model = dict[str, Any]


def zeros(spec: Spec, dtype: str) -> Model:
    """Parameters and buffers, all zero; a layer without a bias has None there."""
    leaves = {name: jnp.zeros(shape, dtype) for name, shape in spec.shapes().items()}
    model: Model = {}
    for name in dict.fromkeys(name.rpartition("/")[0] for name in leaves):
        home, _, own = name.rpartition("/")
        owner = model.setdefault(home, {}) if home else model
        if f"{name}/scale" in leaves:
            shape = leaves[f"{name}/scale"].shape
            owner[own] = layers.BatchNorm.zeros(shape, dtype, spec.options["norm"])
        else:
            owner[own] = {part: leaves.get(f"{name}/{part}") for part in ("weight", "bias")}
    return model
