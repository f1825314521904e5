"""The native variant beside the reference of the same framework: systems of both from one state,
small nets and batches for them, and the comparison of what a step leaves."""

import os
from collections.abc import Mapping
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from bench.contract import System, Update
from bench.conventions import BATCH_NORM
from bench.optimizers import Optimizer, momentum
from bench.spec import Spec
from bench.specs import convnet, mlp
from bench.specs.convnet import Block
from tests.implementations.systems import EXACT, built, distance, drawn

# XLA is to compile quickly: most of the time would go into making a net of a few steps fast.
os.environ.setdefault("XLA_FLAGS", "--xla_backend_optimization_level=0")

EXAMPLES = 5  # odd: blocks of two images do not come out even
MOMENTUM = momentum(0.9)
BIASED = {**BATCH_NORM, "decay": 0.7, "unbiased": False}
CONSTANTS_OF_IMAGES = {"mean", "deviation"}  # one for all images of a batch
PLAIN = mlp.spec((6,), (5,), 3)
TINY = convnet.spec((6, 6, 1), (Block(2, 3),), (), 3, "relu", BATCH_NORM)
MASKED = mlp.spec((4, 3, 2), (8, 6, 5), 3, "relu", BATCH_NORM, "deck", 0.8, 0.5)


def batch_of(spec: Spec, examples: int = EXAMPLES, seed: int = 0) -> dict[str, np.ndarray]:
    batch = drawn(spec, examples, seed)
    batch |= {name: 0.5 + np.abs(batch[name]) for name in spec.ranges.keys() - {"y"}}
    return batch | {name: batch[name][0] for name in CONSTANTS_OF_IMAGES & batch.keys()}


def update_of(spec: Spec, optimizer: Optimizer = MOMENTUM, **options: Any) -> Update:
    """Of every parameter; of the input, for a spec that has none."""
    wrt = ("",) if spec.parameters else ("input:x",)
    return Update(spec.objectives[0], wrt, optimizer, **options)


def pair(
    adapter: ModuleType, spec: Spec, updates: Mapping[str, Update], dtype: str = "float64"
) -> tuple[System, System]:
    """The native system and the reference, from one state."""
    native, reference = (built(adapter, spec, updates, dtype, v) for v in ("native", "reference"))
    return native, reference


def stepped(system: System, update: str, batch: Mapping[str, np.ndarray], rate: float) -> Any:
    """apply() of differentiate(); the terms."""
    gradients = system.differentiate(update, system.stage(batch))
    system.apply(update, gradients, rate)
    return gradients.terms


def same_state(one: System, two: System, limit: float = EXACT) -> None:
    found, expected = one.export(), two.export()
    assert distance(found.parameters, expected.parameters) < limit
    assert distance(found.buffers, expected.buffers) < limit
    assert found.optimizer.keys() == expected.optimizer.keys()
    for update, slots in expected.optimizer.items():
        assert distance(found.optimizer[update], slots) < limit
    assert found.step == expected.step


def follow(
    native: System, reference: System, spec: Spec, sizes: tuple[int, ...], limit: float = EXACT
) -> None:
    """The same batches and rates to both: terms and state after every step."""
    for step, examples in enumerate(sizes):
        batch, rate = batch_of(spec, examples, step), 0.05 / (1 + step)
        native.update("train", native.stage(batch), rate)
        expected = stepped(reference, "train", batch, rate)
        assert native.read() == pytest.approx(expected, rel=limit)
        same_state(native, reference, limit)
