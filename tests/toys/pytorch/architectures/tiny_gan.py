"""The toy in PyTorch."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from bench.spec import Spec
from implementations.pytorch import layers
from implementations.pytorch.probe import Probe
from implementations.pytorch.techniques import activations


class Half(nn.Module):
    """Two dense layers with a ReLU between them."""

    def __init__(self, spec: Spec, name: str) -> None:
        super().__init__()
        self.name = name
        self.fc1 = layers.Dense(spec.shapes()[f"{name}/fc1/weight"])
        self.fc2 = layers.Dense(spec.shapes()[f"{name}/fc2/weight"])

    def forward(self, x: Tensor, probe: Probe) -> Tensor:
        x = activations.relu(probe.record(f"{self.name}/fc1", self.fc1(x)))
        return probe.record(f"{self.name}/fc2", self.fc2(x))


class TinyGAN(nn.Module):
    def __init__(self, spec: Spec) -> None:
        super().__init__()
        self.generator = Half(spec, "generator")
        self.discriminator = Half(spec, "discriminator")


def build(spec: Spec, dtype: str) -> TinyGAN:
    return TinyGAN(spec).to(getattr(torch, dtype))


def sample(model: TinyGAN, batch: Mapping[str, Tensor], probe: Probe) -> dict[str, Tensor]:
    return {"sample": model.generator(batch["z"], probe)}


def score(model: TinyGAN, batch: Mapping[str, Tensor], probe: Probe) -> dict[str, Tensor]:
    return {"score": model.discriminator(batch["x"], probe)}


def generator_loss(model: TinyGAN, batch: Mapping[str, Tensor], probe: Probe) -> dict[str, Tensor]:
    fake = model.generator(batch["z"], probe)
    return {"generator": -model.discriminator(fake, probe).mean()}


def discriminator_loss(
    model: TinyGAN, batch: Mapping[str, Tensor], probe: Probe
) -> dict[str, Tensor]:
    fake = model.generator(batch["z"], probe)
    return {
        "fake": model.discriminator(fake, probe).mean(),
        "real": -model.discriminator(batch["x"], Probe(probe.mode)).mean(),
    }


def real_loss(model: TinyGAN, batch: Mapping[str, Tensor], probe: Probe) -> dict[str, Tensor]:
    return {"real": -model.discriminator(batch["x"], probe).mean()}
