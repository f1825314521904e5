"""What the suite's loop does not train on: a wrong data set before any step, a wrong batch alone.

pytest tests/implementations/suite_refusals.py --framework pytorch. Collected by test_contract.py,
one process a framework.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from bench import systems
from bench.contract import Config, Update
from bench.dataset import Prepared
from bench.errors import UserError
from bench.optimizers import sgd
from bench.randomness import stream
from bench.specs import mlp
from bench.training import TRAIN, batches, drawn, fit, masked
from tests.implementations.systems import distance, initial

EXAMPLES, BATCH = 40, 4
SPEC = mlp.spec((5, 4, 2), (6,), 3, dropout="inverted", keep_input=0.5)
Change = Callable[[np.ndarray], np.ndarray]


@pytest.fixture
def system(adapter: ModuleType) -> Iterator[systems.System]:
    update = Update("cross_entropy", ("",), sgd())
    found = systems.build(adapter, SPEC, {TRAIN: update}, Config())
    found.load(initial(SPEC))
    yield found
    found.close()


def data() -> Prepared:
    draws = stream(0, "refusals")
    x, y = draws.normal(size=(EXAMPLES, 5, 4, 2)), draws.integers(0, 3, EXAMPLES)
    return Prepared(x, y, x[:0], y[:0], {})


def whole() -> dict[str, np.ndarray]:
    """One batch, with its masks."""
    (batch,) = masked(SPEC, 0, batches(data(), 0, BATCH, 1))
    return batch


def last(value: Any) -> Change:
    """A change of the last example alone, which the first batches do not hold."""

    def changed(array: np.ndarray) -> np.ndarray:
        array = array.copy()
        array[-1] = value
        return array

    return changed


WRONG: list[tuple[str, Change, str]] = [
    ("x", lambda x: x[:, 1:], r"x of mlp is \(\d+, 4, 4, 2\), must be \(examples, 5, 4, 2\)"),
    ("x", lambda x: x[..., 0], r"x of mlp is \(\d+, 5, 4\), must be \(examples, 5, 4, 2\)"),
    ("y", lambda y: y[:, None], r"y of mlp is \(\d+, 1\), must be \(examples\)"),
    ("y", lambda y: y[:-1], r"needs as many examples of every entry, got \d+ of x, \d+ of y"),
    ("y", lambda y: y + 0.5, "labels of mlp must be whole, y is float64"),
    ("y", last(3), r"y of mlp must be numbers in \[0, 2\], got 3"),
    ("y", last(-1), r"y of mlp must be numbers in \[0, 2\], got -1"),
]
WRONG_MASKS: list[tuple[str, Change, str]] = [
    ("dropout/input", lambda m: m[:, :7], r"dropout/input of mlp is \(4, 7\), must be \(examples"),
    ("dropout/input", lambda m: m[:3], "needs as many examples of every entry, got"),
]


@pytest.mark.parametrize("way", [batches, drawn])
@pytest.mark.parametrize(("entry", "change", "message"), WRONG)
def test_a_wrong_data_set_is_refused_before_any_step(
    system: systems.System, way: Any, entry: str, change: Change, message: str
) -> None:
    """Wherever it is wrong: no batch of these steps may hold the example that is."""
    given, made, before = data(), [], system.export()
    name = f"train_{entry}"
    given = replace(given, **{name: change(getattr(given, name))})
    with pytest.raises(UserError, match=message):
        fit(system, way(given, 0, BATCH, 1), 0.1, made.append)
    after = system.export()
    assert (made, after.step) == ([], {TRAIN: 0})
    assert distance(after.parameters, before.parameters) == 0


@pytest.mark.parametrize(("entry", "change", "message"), [*WRONG, *WRONG_MASKS])
def test_a_wrong_batch_is_refused_where_it_comes(
    system: systems.System, entry: str, change: Change, message: str
) -> None:
    """Whoever hands it in: to the loop behind a good one, or to stage()."""
    good, made = whole(), []
    wrong = {**good, entry: change(good[entry])}
    with pytest.raises(UserError, match=message):
        fit(system, [good, wrong, good], 0.1, made.append)
    assert (made, system.export().step) == ([1], {TRAIN: 1})
    with pytest.raises(UserError, match=message):
        system.stage(wrong)


@pytest.mark.parametrize("way", [batches, drawn])
def test_rows_train_as_the_batches_that_they_make(adapter: ModuleType, way: Any) -> None:
    """Those are checked one by one, and the rows are not."""
    spec = mlp.spec((5, 4, 2), (6,), 3)
    found = []
    for prepare in (lambda rows: rows, list):
        net = systems.build(adapter, spec, {TRAIN: Update("cross_entropy", ("",), sgd())}, Config())
        net.load(initial(spec))
        found.append(fit(net, prepare(way(data(), 0, BATCH, 12)), 0.1).losses)
        net.close()
    assert len(found[0]) == 12
    assert found[0] == found[1]
