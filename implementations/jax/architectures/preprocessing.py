"""What is done to images before a net, in JAX. Equations: bench/specs/preprocessing.py."""

from collections.abc import Mapping

from jax import Array

from bench.spec import Spec
from implementations.jax.probe import Probe
from implementations.jax.techniques import augmentation, normalization

Model = dict[str, Array]  # empty: nothing is learned


def build(spec: Spec, dtype: str) -> Model:
    return {}


def standardized(model: Model, batch: Mapping[str, Array], probe: Probe) -> dict[str, Array]:
    return {"x": normalization.standardize(batch["x"], batch["mean"], batch["deviation"])}


def affine(model: Model, batch: Mapping[str, Array], probe: Probe) -> dict[str, Array]:
    return {"x": augmentation.affine(batch["x"], batch["angle"], batch["scale"], batch["shift"])}


def elastic(model: Model, batch: Mapping[str, Array], probe: Probe) -> dict[str, Array]:
    return {"x": augmentation.elastic(batch["x"], batch["displacement"])}


def noisy(model: Model, batch: Mapping[str, Array], probe: Probe) -> dict[str, Array]:
    return {"x": augmentation.noise(batch["x"], batch["noise"])}
