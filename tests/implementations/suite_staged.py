"""A staged batch is read as NumPy's once, as JAX's from then on, and what reads it cannot tell."""

from collections.abc import Iterator
from types import ModuleType

import jax
import numpy as np
import pytest

from bench.contract import INFERENCE, Update
from bench.optimizers import adam
from bench.specs import mlp
from tests.implementations.systems import built, drawn

COMPILED = "/jax/core/compile/backend_compile_duration"


@pytest.fixture
def compiled() -> Iterator[list[str]]:
    """An entry for every program that was compiled."""
    found: list[str] = []

    def note(event: str, duration_secs: float, **_: str | int) -> None:
        if event == COMPILED:
            found.append(event)

    jax.monitoring.register_event_duration_secs_listener(note)
    yield found
    jax.monitoring.unregister_event_duration_listener(note)


def test_the_second_reading_is_of_arrays_of_jax_alone(adapter: ModuleType) -> None:
    spec = mlp.spec()
    system, given = built(adapter, spec), drawn(spec)
    expected = {name: array.copy() for name, array in given.items()}
    batch = system.stage(given)
    first, second, third = (batch.arrays() for _ in range(3))
    assert all(isinstance(array, np.ndarray) for array in first.values())
    assert all(isinstance(array, jax.Array) for array in second.values())
    assert third is second
    jax.block_until_ready(second)
    for array in given.values():
        array[...] = 0
    for name, array in expected.items():
        np.testing.assert_array_equal(second[name], array)


def test_both_readings_are_of_one_program(adapter: ModuleType, compiled: list[str]) -> None:
    """And so are a count that was loaded and one that a step led to, and another rate."""
    spec = mlp.spec()
    system = built(adapter, spec, {"train": Update("cross_entropy", ("",), adam(0.9, 0.999, 1e-8))})
    batch = system.stage(drawn(spec))
    system.update("train", batch, 0.1)
    system.evaluate("logits", system.stage(drawn(spec)), INFERENCE)
    before = len(compiled)
    assert before
    for rate in (0.1, 0.05, 0.1):
        system.update("train", batch, rate)
        system.evaluate("logits", batch, INFERENCE)
    system.load(system.export())
    system.update("train", system.stage(drawn(spec)), 0.1)
    assert len(compiled) == before


def test_a_batch_that_comes_again_is_the_same(adapter: ModuleType) -> None:
    spec = mlp.spec()
    system, given = built(adapter, spec), drawn(spec)
    batch = system.stage(given)
    found = [system.evaluate("logits", batch, INFERENCE).outputs["logits"] for _ in range(3)]
    np.testing.assert_array_equal(found[1], found[0])
    np.testing.assert_array_equal(found[2], found[0])
