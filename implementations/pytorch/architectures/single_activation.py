"""One activation in PyTorch. Equations and shapes: bench/specs/single_activation.py."""

from collections.abc import Mapping

from torch import Tensor, nn

from bench.spec import Spec
from implementations.pytorch.probe import Probe
from implementations.pytorch.techniques import activations


class SingleActivation(nn.Module):
    def __init__(self, spec: Spec) -> None:
        super().__init__()
        self.activation: str = spec.options["activation"]

    def forward(self, x: Tensor, probe: Probe) -> Tensor:
        return probe.record("activation", getattr(activations, self.activation)(x))


def build(spec: Spec, dtype: str) -> SingleActivation:
    return SingleActivation(spec)


def forward(
    model: SingleActivation, batch: Mapping[str, Tensor], probe: Probe
) -> dict[str, Tensor]:
    return {"value": model(batch["x"], probe)}


def backward(
    model: SingleActivation, batch: Mapping[str, Tensor], probe: Probe
) -> dict[str, Tensor]:
    gradient = getattr(activations, f"{model.activation}_gradient")
    return {"gradient": gradient(batch["x"], batch["value"], batch["delta"])}


def energy(model: SingleActivation, batch: Mapping[str, Tensor], probe: Probe) -> dict[str, Tensor]:
    return {"energy": (batch["cotangent"] * model(batch["x"], probe)).sum()}
