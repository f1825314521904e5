"""The toy in NumPy."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from bench.spec import Spec
from implementations.numpy import layers
from implementations.numpy.probe import Probe
from implementations.numpy.tape import Node
from implementations.numpy.techniques import activations


def build(spec: Spec, dtype: str) -> dict[str, Any]:
    shapes = spec.shapes()
    return {
        half: {
            name: {
                part: np.zeros(shapes[f"{half}/{name}/{part}"], dtype)
                for part in ("weight", "bias")
            }
            for name in ("fc1", "fc2")
        }
        for half in ("generator", "discriminator")
    }


def forward(model: dict[str, Any], half: str, x: Node, probe: Probe) -> Node:
    x = probe.record(f"{half}/fc1", layers.dense(x, **model[half]["fc1"]))
    return probe.record(f"{half}/fc2", layers.dense(activations.relu(x), **model[half]["fc2"]))


def sample(model: dict[str, Any], batch: Mapping[str, Node], probe: Probe) -> dict[str, Node]:
    return {"sample": forward(model, "generator", batch["z"], probe)}


def score(model: dict[str, Any], batch: Mapping[str, Node], probe: Probe) -> dict[str, Node]:
    return {"score": forward(model, "discriminator", batch["x"], probe)}


def generator_loss(
    model: dict[str, Any], batch: Mapping[str, Node], probe: Probe
) -> dict[str, Node]:
    fake = forward(model, "generator", batch["z"], probe)
    return {"generator": mean(forward(model, "discriminator", fake, probe), -1)}


def discriminator_loss(
    model: dict[str, Any], batch: Mapping[str, Node], probe: Probe
) -> dict[str, Node]:
    fake = forward(model, "generator", batch["z"], probe)
    real = forward(model, "discriminator", batch["x"], Probe(probe.mode))
    return {"fake": mean(forward(model, "discriminator", fake, probe), 1), "real": mean(real, -1)}


def real_loss(model: dict[str, Any], batch: Mapping[str, Node], probe: Probe) -> dict[str, Node]:
    return {"real": mean(forward(model, "discriminator", batch["x"], probe), -1)}


def mean(x: Node, sign: int) -> Node:
    return x.dot(np.full_like(x.value, sign / x.value.size))
