"""What is said of a measurement is computed by hand here."""

from typing import Any

import pytest

from bench import operations
from bench.timing import records
from bench.timing.checked import Check
from bench.timing.conductor import Turn
from bench.timing.contestants import Contestant
from bench.timing.limits import Limits
from bench.timing.nets import NETS, UPDATE
from bench.timing.session import Measured, Session

FACTS = {
    "clock": "cpu_seconds",
    "device": "cpu",
    "versions": {"numpy": "2"},
    "import_cpu_seconds": 0.1,
    "import_wall_seconds": 0.2,
}
FIRST = {
    "steps": 3,
    **{f"{what}_{clock}": 1.0 for what in ("build", "first_step") for clock in ("cpu_seconds",)},
    **{f"{what}_{clock}": 2.0 for what in ("build", "first_step") for clock in ("wall_seconds",)},
}


def measured(form: str, seconds: float, correct: bool = True) -> Measured:
    turns = [Turn(seconds * (1 + 0.01 * n), 2 * seconds, None, "digest") for n in range(8)]
    check = Check(0.0 if correct else 1.0, 0.5, 3)
    return Measured(Contestant("pytorch", form), FACTS, FIRST, turns, 100.0, check)


def session(*contest: Measured) -> Session:
    machine = {"warnings": ["loud"], "load": 0.0, "steal": None, "during": {}, "state": {}}
    control = measured("eager", 0.1)
    return Session(
        "mlp", "update", 1, list(contest), contest[0], control, Limits(1e9, 1e8), machine
    )


def told(*contest: Measured) -> list[dict[str, Any]]:
    return list(records.of(session(*contest)))


def test_a_record_is_what_was_measured() -> None:
    eager, native = told(measured("eager", 0.1), measured("native", 0.05))
    work = operations.update(NETS["mlp"].make(), 64, UPDATE.optimizer)
    assert native["ratio"] == pytest.approx(0.5)
    assert native["library"] == "eager"
    assert native["library_ratio"] == pytest.approx(0.5)
    assert native["judged"]
    assert native["library_judged"]
    assert native["cpu_seconds"] == pytest.approx(0.05 * 1.035)
    assert native["wall_seconds"] == pytest.approx(0.1)
    assert native["first_step_cpu_seconds"] == 2.0
    assert native["first_step_wall_seconds"] == 4.0
    assert native["examples_per_second"] == pytest.approx(64 / (0.05 * 1.035))
    assert native["operations_per_second"] == pytest.approx(work.operations / (0.05 * 1.035))
    attainable = min(1e9, 1e8 * work.intensity)
    assert native["fraction"] == pytest.approx(work.operations / (0.05 * 1.035) / attainable)
    assert native["energy_joules"] is None
    assert (eager["ratio"], eager["judged"], eager["library_ratio"]) == (None, False, None)
    assert eager["baseline"] == "pytorch eager"


def test_what_computed_something_else_has_no_judgment() -> None:
    _, wrong = told(measured("eager", 0.1), measured("native", 0.05, correct=False))
    assert not wrong["correct"]
    assert not wrong["judged"]
    assert not wrong["library_judged"]
    assert wrong["ratio"] == pytest.approx(0.5)


def test_what_does_not_repeat_is_told() -> None:
    native = measured("native", 0.05)
    native.turns[3] = Turn(0.05, 0.1, None, "another")
    assert [record["repeats"] for record in told(measured("eager", 0.1), native)] == [True, False]


def test_what_could_not_be_timed_says_why() -> None:
    compiled = Measured(Contestant("pytorch", "compiled"), FACTS, absent="no compiler")
    eager, absent = told(measured("eager", 0.1), compiled)
    assert absent["absent"] == "no compiler"
    assert absent["cpu_seconds"] is None
    assert not absent["judged"]
    assert eager.keys() == absent.keys()
