"""Systems as their specs start them and batches of normal draws, for the suites of the contract."""

from collections.abc import Mapping
from types import ModuleType
from typing import Any

import numpy as np

from bench import weights
from bench.contract import Config, System, Update
from bench.optimizers import adam
from bench.randomness import stream
from bench.spec import Spec

ADAM = adam(0.9, 0.999, 1e-8)


def images(spec: Spec, examples: int = 4, seed: int = 0) -> dict[str, np.ndarray]:
    draws = stream(seed, "contract test")
    batch: dict[str, np.ndarray] = {"x": draws.normal(size=(examples, *spec.inputs["x"]))}
    if "y" in spec.inputs:
        batch["y"] = draws.integers(0, 10, examples)
    for key in spec.inputs.keys() - batch.keys():
        batch[key] = draws.normal(size=(examples, *spec.inputs[key]))
    return batch


def built(
    adapter: ModuleType,
    spec: Spec,
    updates: Mapping[str, Update] | None = None,
    dtype: Any = "float64",
) -> System:
    system = adapter.build(spec, updates or {}, Config(dtype=dtype))
    system.load(weights.initial(spec, 0))
    return system
