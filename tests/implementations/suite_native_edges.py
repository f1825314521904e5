"""Where a faster form may differ from the reference: ties, and what is fused in float32 alone.

pytest tests/implementations/suite_native_edges.py --framework pytorch. Collected by
test_native_edges.py, one process a framework.
"""

from types import ModuleType
from typing import Any

import numpy as np
import pytest

from bench.contract import INFERENCE, TRAINING, Mode, State, System
from bench.conventions import BATCH_NORM, usual_adam
from bench.errors import UserError
from bench.randomness import stream
from bench.spec import Spec
from bench.specs import convnet, segnet, single_batch_norm
from bench.specs.convnet import Block
from tests.implementations.systems import ROUNDED, built, close, distance, initial
from tests.implementations.variants import (
    BIASED,
    EXAMPLES,
    PLAIN,
    batch_of,
    follow,
    pair,
    same_state,
    update_of,
)

FEW = {  # filters; what is behind a pooling has half the pixels
    "padded": convnet.spec((16, 16, 3), (Block(16, 3, 1, 1), Block(16, 3, 1, 1)), (), 3),
    "without padding": convnet.spec((12, 20, 3), (Block(9, 3, 1, 1), Block(12, 3)), (), 3),
    "odd rows": convnet.spec((12, 13, 3), (Block(16, 3, 1, 1), Block(10, 4, 1, 1)), (), 3),
    "a stride": convnet.spec((16, 16, 2), (Block(16, 3, 1, 1), Block(16, 3, 2, 1)), (), 3),
    "a large kernel": convnet.spec((12, 12, 8), (Block(16, 5, 1, 2), Block(8, 5, 1, 2)), (), 3),
}
POOLED = (Block(3, 3, padding=1, pooling="max"),)
TIED = {
    "convnet": convnet.spec((8, 6, 1), POOLED, (), 3),
    "segnet": segnet.spec((8, 6, 1), 3, (3,), (1,), "indices", None),
}
NORMALIZED = {
    "images": convnet.spec((8, 6, 2), POOLED, (4,), 3, "relu", BATCH_NORM),
    "images, biased": convnet.spec((8, 6, 2), POOLED, (4,), 3, "tanh", BIASED),
    "segnet": segnet.spec((8, 6, 2), 3, (3,), (2,), "indices"),
}


def whole(spec: Spec, system: System) -> None:
    """Parameters of whole numbers: sums of them are exact, and many are equal."""
    draws, state = stream(0, "edges"), initial(spec)
    parameters = {n: draws.integers(-1, 3, a.shape) for n, a in state.parameters.items()}
    system.load(State({n: a.astype(float) for n, a in parameters.items()}))


def as_array(system: Any) -> np.ndarray:
    """The logits that forward() left."""
    logits = system.outputs["logits"]
    return np.asarray(getattr(logits, "value", logits))


@pytest.mark.parametrize("net", TIED)
def test_the_first_of_equal_maxima_wins(adapter: ModuleType, net: str) -> None:
    """A pixel that is as large as another one stands between others, and moves other weights."""
    spec = TIED[net]
    native, reference = pair(adapter, spec, {"train": update_of(spec)})
    batch = batch_of(spec)
    batch["x"] = stream(1, "edges").integers(0, 2, batch["x"].shape).astype(float)
    for system in (native, reference):
        whole(spec, system)
    asked = reference.differentiate("train", reference.stage(batch), {})
    assert all(np.mean(margin == 0) > 0.1 for margin in asked.evaluation.margins.values())
    native.update("train", native.stage(batch), 0.5)
    reference.update("train", reference.stage(batch), 0.5)
    assert native.read() == pytest.approx(dict(reference.read()), rel=1e-12)
    same_state(native, reference)


@pytest.mark.parametrize("net", FEW)
def test_convolutions_to_few_filters_of_many_images(adapter: ModuleType, net: str) -> None:
    """Which a faster form takes in groups of pixels and blocks of images. Neither comes out even:
    a last block holds fewer images."""
    native, reference = pair(adapter, FEW[net], {"train": update_of(FEW[net])})
    follow(native, reference, FEW[net], (37, 8))


@pytest.mark.parametrize(
    ("net", "mode"), [*((net, TRAINING) for net in NORMALIZED), ("images", INFERENCE)]
)
def test_batch_norm_in_float32(adapter: ModuleType, net: str, mode: Mode) -> None:
    """With statistics of the batch, and with those that were kept."""
    spec = NORMALIZED[net]
    native, reference = pair(adapter, spec, {"train": update_of(spec, mode=mode)}, "float32")
    follow(native, reference, spec, (EXAMPLES, 3), ROUNDED)
    batch = batch_of(spec)
    outputs: list[Any] = []
    for system in (native, reference):
        system.forward("logits", system.stage(batch), INFERENCE)
        system.synchronize()
        outputs.append(as_array(system))
    close(*outputs, limit=ROUNDED)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_one_value_a_channel_has_no_variance(adapter: ModuleType, dtype: str) -> None:
    spec = single_batch_norm.spec((1, 1, 3))
    native, _ = pair(adapter, spec, {"train": update_of(spec)}, dtype)
    with pytest.raises(UserError, match="two values a channel, got 1"):
        native.update("train", native.stage(batch_of(spec, 1)), 0.1)


def test_systems_of_both_variants_take_turns(adapter: ModuleType) -> None:
    """Built, traced and asked between each other, each answers as if it were alone."""
    spec = NORMALIZED["images"]
    alone: Any = [pair(adapter, spec, {"train": update_of(spec)})[side] for side in (0, 1)]
    mixed = pair(adapter, spec, {"train": update_of(spec)})
    for step in range(2):
        batch = batch_of(spec, seed=step)
        for system in (*mixed, *alone):
            system.differentiate("train", system.stage(batch))
            system.update("train", system.stage(batch), 0.05)
    for one, two in zip(mixed, alone, strict=True):
        same_state(one, two, limit=1e-300)


def test_constants_of_adam_are_not_spoiled_in_float32(adapter: ModuleType) -> None:
    """The first step is the rate, whatever the gradient: 1 - 0.999 in float32 is 1.3e-5 off, and
    half of that is seen where only one of two places has it."""
    update = {"train": update_of(PLAIN, usual_adam())}
    native = built(adapter, PLAIN, update, "float32", "native")
    exact = built(adapter, PLAIN, update, "float64", "reference")
    for system in (native, exact):
        system.update("train", system.stage(batch_of(PLAIN)), 1.0)
    assert distance(native.export().parameters, exact.export().parameters) < 2e-6
