"""A native system called in any order: by updates of several kinds, by hand between them, with
questions, beside another thread, and from the start again.

pytest tests/implementations/suite_native_turns.py --framework pytorch. Collected by
test_native_variants.py, one process a framework.
"""

from concurrent.futures import ThreadPoolExecutor
from types import ModuleType

import pytest

from bench.contract import INFERENCE, TRAINING, Mode, System, Update
from bench.optimizers import sgd
from tests.implementations.systems import EXACT, built, close, distance, initial
from tests.implementations.variants import (
    MASKED,
    MOMENTUM,
    TINY,
    batch_of,
    pair,
    same_state,
    stepped,
    update_of,
)

MONTE_CARLO = Mode(batch_statistics=False, dropout=True)


def test_updates_take_turns(adapter: ModuleType) -> None:
    """One of a part of the net and of its input, one that only moves buffers, one in a mode with
    dropout and frozen statistics."""
    updates = {
        "upper": Update("cross_entropy", ("fc2/", "fc3/", "input:x"), MOMENTUM),
        "buffers": Update("cross_entropy", (), sgd()),
        "frozen": Update("cross_entropy", ("",), sgd(), MONTE_CARLO),
    }
    native, reference = pair(adapter, MASKED, updates)
    for step, name in enumerate(["upper", "buffers", "frozen", "upper"]):
        batch = batch_of(MASKED, seed=step)
        native.update(name, native.stage(batch), 0.05)
        assert native.read() == pytest.approx(stepped(reference, name, batch, 0.05), rel=EXACT)
        same_state(native, reference)


def test_update_and_apply_may_be_mixed(adapter: ModuleType) -> None:
    """And a state that is loaded is the one from which the next update goes on."""
    native, reference = pair(adapter, TINY, {"train": update_of(TINY)})
    for _ in range(2):
        for step in range(4):
            batch = batch_of(TINY, seed=step)
            if step % 2:
                stepped(native, "train", batch, 0.05)
            else:
                native.update("train", native.stage(batch), 0.05)
            stepped(reference, "train", batch, 0.05)
            same_state(native, reference)
        native.load(initial(TINY))
        reference.load(initial(TINY))


def test_asking_the_native_system_changes_nothing(adapter: ModuleType) -> None:
    """And tells what the reference tells; read() still knows the terms of the last update."""
    native, reference = pair(adapter, TINY, {"train": update_of(TINY)})
    batch = batch_of(TINY)
    native.update("train", native.stage(batch), 0.05)
    terms, before = dict(native.read()), native.export()
    reference.load(before)
    traces = (list(s.trace("train", s.stage(batch))) for s in (native, reference))
    for (name, x, gradient), (expected_name, y, expected) in zip(*traces, strict=True):
        assert name == expected_name
        close(x, y)
        close(gradient, expected)
    found, expected = (s.differentiate("train", s.stage(batch), {}) for s in (native, reference))
    assert found.terms == pytest.approx(expected.terms, rel=EXACT)
    assert found.evaluation.decisions.keys() == set(TINY.decisions)
    assert distance(found.evaluation.buffers, expected.evaluation.buffers) < EXACT
    native.forward("logits", native.stage(batch), TRAINING)
    found, expected = (s.evaluate("logits", s.stage(batch), INFERENCE) for s in (native, reference))
    close(found.outputs["logits"], expected.outputs["logits"])
    assert native.read() == terms
    after = native.export()
    assert distance(after.parameters, before.parameters) == 0
    assert distance(after.buffers, before.buffers) == 0


def test_two_threads_do_not_disturb_each_other(adapter: ModuleType) -> None:
    """Each trains a system of its own variant, at the same time."""
    systems = pair(adapter, TINY, {"train": update_of(TINY)})

    def train(system: System) -> None:
        for step in range(20):
            system.update("train", system.stage(batch_of(TINY, seed=step % 3)), 0.01)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(train, systems))
    same_state(*systems, limit=1e-10)


def test_the_same_bits_every_time(adapter: ModuleType) -> None:
    system = built(adapter, TINY, {"train": update_of(TINY)}, "float32", "native")
    states = []
    for _ in range(2):
        system.load(initial(TINY))
        for step in range(3):
            system.update("train", system.stage(batch_of(TINY, seed=step)), 0.05)
        states.append(system.export().parameters)
    assert distance(*states) == 0
