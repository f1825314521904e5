"""What is done to images before a net, in NumPy. Equations: bench/specs/preprocessing.py."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from bench.spec import Spec
from implementations.numpy.probe import Probe
from implementations.numpy.tape import Node
from implementations.numpy.techniques import augmentation, normalization


def build(spec: Spec, dtype: str) -> dict[str, Any]:
    """Nothing is learned."""
    return {}


def standardized(model: dict[str, Any], batch: Mapping[str, Node], probe: Probe) -> dict[str, Node]:
    return _answer(batch, normalization.standardize, "mean", "deviation")


def affine(model: dict[str, Any], batch: Mapping[str, Node], probe: Probe) -> dict[str, Node]:
    return _answer(batch, augmentation.affine, "angle", "scale", "shift")


def elastic(model: dict[str, Any], batch: Mapping[str, Node], probe: Probe) -> dict[str, Node]:
    return _answer(batch, augmentation.elastic, "displacement")


def noisy(model: dict[str, Any], batch: Mapping[str, Node], probe: Probe) -> dict[str, Node]:
    return _answer(batch, augmentation.noise, "noise")


def _answer(batch: Mapping[str, Node], change: Any, *names: str) -> dict[str, Node]:
    value: np.ndarray = change(*(batch[name].value for name in ("x", *names)))
    return {"x": Node(value, batch["x"].tape)}
