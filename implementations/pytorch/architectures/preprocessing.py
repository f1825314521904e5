"""What is done to images before a net, in PyTorch. Equations: bench/specs/preprocessing.py."""

from collections.abc import Mapping

from torch import Tensor, nn

from bench.spec import Spec
from implementations.pytorch.probe import Probe
from implementations.pytorch.techniques import augmentation, normalization


def build(spec: Spec, dtype: str) -> nn.Module:
    """Nothing is learned."""
    return nn.Module()


def standardized(model: nn.Module, batch: Mapping[str, Tensor], probe: Probe) -> dict[str, Tensor]:
    return {"x": normalization.standardize(batch["x"], batch["mean"], batch["deviation"])}


def affine(model: nn.Module, batch: Mapping[str, Tensor], probe: Probe) -> dict[str, Tensor]:
    return {"x": augmentation.affine(batch["x"], batch["angle"], batch["scale"], batch["shift"])}


def elastic(model: nn.Module, batch: Mapping[str, Tensor], probe: Probe) -> dict[str, Tensor]:
    return {"x": augmentation.elastic(batch["x"], batch["displacement"])}


def noisy(model: nn.Module, batch: Mapping[str, Tensor], probe: Probe) -> dict[str, Tensor]:
    return {"x": augmentation.noise(batch["x"], batch["noise"])}
