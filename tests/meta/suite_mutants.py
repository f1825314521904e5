"""The judge of the planted bugs is judged: pytest tests/meta/suite_mutants.py --framework pytorch.
Collected by test_mutants.py, one process a framework."""

import importlib
from typing import Any

import pytest

from bench.conformance.lockstep import Quantity
from tests.meta import kill
from tests.meta.catalogue import CONTROL, MUTANTS, Mutant
from tests.meta.scenarios import SCENARIOS

SCENARIO = "mlp, sgd"


@pytest.fixture(scope="module")
def framework(request: pytest.FixtureRequest) -> str:
    return str(request.config.getoption("--framework"))


@pytest.fixture
def patches(framework: str) -> dict[str, Any]:
    return importlib.import_module(f"tests.meta.mutants.{framework}").PATCHES


def judge(framework: str, mutant: Mutant) -> dict[str, Any]:
    (record,) = kill.judged(framework, (mutant,))
    return record


def test_every_bug_of_the_catalogue_can_be_planted(patches: dict[str, Any]) -> None:
    in_the_harness = {"batches in another order"}
    assert patches.keys() == {m.name for m in (*MUTANTS, CONTROL)} - in_the_harness


def test_a_replacement_that_changes_nothing_is_not_a_kill(framework: str) -> None:
    harmless = Mutant(CONTROL.name, SCENARIO, "loss", "")
    record = judge(framework, harmless)
    assert not record["killed"]
    assert record["by"]["times_tolerance"] < 1
    assert (record["control_passed"], record["note"]) == (True, None)


def test_a_control_that_is_a_bug_is_an_error(framework: str) -> None:
    bug = next(mutant for mutant in MUTANTS if mutant.name == "frozen bias")
    with pytest.raises(AssertionError, match="where none was planted"):
        list(kill.judged(framework, (), control=bug))


def test_a_crash_is_not_a_kill(
    framework: str, patches: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(x, weight, bias):
        raise ValueError("planted")

    monkeypatch.setitem(patches, "crash", ("layers.dense", crash))
    record = judge(framework, Mutant("crash", SCENARIO, "loss", ""))
    assert not record["killed"]
    assert record["note"].startswith("crashed")


def test_not_a_number_is_not_a_kill(
    framework: str, patches: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    where, honest = patches[CONTROL.name]

    def lost(*given, **named):
        return honest(*given, **named) * float("nan")

    monkeypatch.setitem(patches, "nan", (where, lost))
    record = judge(framework, Mutant("nan", SCENARIO, "loss", ""))
    assert not record["killed"]
    assert "not-a-number" in record["note"]


def test_where_the_healthy_comparison_is_red_nothing_is_a_kill(
    framework: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*players):
        return {"loss": Quantity(limit=1.0, largest=2.0)}

    monkeypatch.setitem(SCENARIOS, SCENARIO, broken)
    record = judge(framework, next(m for m in MUTANTS if m.scenario == SCENARIO))
    assert not record["killed"]
    assert (record["control_passed"], record["note"]) == (False, "the healthy comparison is red")
