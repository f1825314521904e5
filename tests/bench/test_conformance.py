"""The comparison: what turns it red, what may differ, and how it explains itself.

It is tried on the reference beside itself, which agrees to the bit unless it is tampered with. The
real frameworks are asked in test_conformance_commands.py, each in a process of its own.
"""

import json
import sys
from dataclasses import replace
from types import SimpleNamespace
from typing import Any
from unittest import mock

import numpy as np
import pytest

from bench import store
from bench.conformance import cases, lockstep, tolerances
from bench.conformance.cases import Case
from bench.conformance.lockstep import Comparison
from implementations.numpy import adapter
from implementations.numpy.techniques import activations
from tests.bench import tampering
from tests.bench.tampering import answer, at, compare, nothing, shift

MLP = Case("mlp", "sgd", "float64", 4, 8)
MOMENTUM = Case("mlp", "momentum", "float64", 4, 8)


def divergence(found: Comparison) -> dict[str, Any]:
    assert found.divergence is not None
    return found.divergence


def red(found: Comparison) -> set[str]:
    return {name for name, q in found.quantities.items() if q.excess > 1}


# --- lock-step ------------------------------------------------------------------------------


@pytest.mark.parametrize("case", cases.cases("short"), ids=lambda case: case.name)
def test_the_reference_agrees_with_itself(case: Case) -> None:
    found = compare(case, nothing)
    assert {q.largest for q in found.quantities.values()} == {0.0}
    assert {"loss", "gradient", "parameter", "step"} <= found.quantities.keys()
    assert ("rate" in found.quantities) == bool(case.net.schedule)
    assert ("buffer" in found.quantities) == bool(case.spec().buffers)
    assert all(record["passed"] for record in found.records())


@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "adam"])
def test_an_error_of_step_3_still_shows_at_the_end(optimizer: str) -> None:
    case = replace(tampering.PERSISTENT, optimizer=optimizer)
    tampering.planted_error_persists(adapter, adapter, case)


def test_a_wrong_slot_is_named() -> None:
    def change(state):
        state.optimizer["train"]["fc2/weight/velocity"][5, 6] += 1e-3
        return state

    found = compare(MOMENTUM, at(3, tampering.change_state(change)))
    named = divergence(found)
    assert (named["step"], named["quantity"], named["tensor"]) == (3, "velocity", "fc2/weight")
    assert named["unit"] == [5, 6]


def test_a_step_counted_twice_is_red_even_where_no_number_depends_on_it() -> None:
    def change(state):
        return replace(state, step={"train": state.step["train"] + 1})

    found = compare(MLP, at(2, tampering.change_state(change)))
    assert red(found) == {"step"}
    assert divergence(found)["step"] == 2


def test_a_missing_and_a_left_over_gradient_are_red() -> None:
    for change in (
        tampering.without_tensor("fc2/bias"),
        lambda given: replace(given, gradients={**given.gradients, "ghost": np.zeros(3)}),
    ):
        found = compare(MLP, at(1, answer(change)))
        assert "gradient" in red(found)
        assert divergence(found)["tensor"] in ("fc2/bias", "ghost")


def test_not_a_number_is_red_and_can_be_written() -> None:
    found = compare(MLP, at(2, shift("fc3/bias", (0,), np.nan)))
    assert {"loss", "gradient", "parameter"} <= red(found)
    assert divergence(found)["tensor"] == "logits"
    first = json.loads(store.canonical(list(found.records())))[0]
    assert (first["passed"], first["max_relative_deviation"]) == (False, None)
    assert first["first_divergence"]["found"] is None
    assert "nan instead of" in first["first_divergence"]["sentence"]


def test_drift_tells_the_first_noticeable_step() -> None:
    assert lockstep.drift(adapter, adapter, MLP, 5, 1e-5) is None

    def build(*given):
        system = adapter.build(*given)
        load = system.load

        def shifted(state):
            load(state)
            shift("fc3/bias", (0,), 1.0)(other(system))

        system.load = shifted
        return system

    def other(system):
        return SimpleNamespace(
            export=system.export, load=lambda state: type(system).load(system, state)
        )

    assert lockstep.drift(adapter, SimpleNamespace(build=build), MLP, 5, 1e-5) == 1  # type: ignore[arg-type]


# --- explanations ---------------------------------------------------------------------------


def test_a_wrong_kernel_entry_is_traced_to_its_channel() -> None:
    case = Case("lenet", "adam", "float64", 2, 2)
    found = compare(case, at(2, shift("conv2/weight", (0, 1, 5, 9), 1e-3)))
    named = divergence(found)
    assert (named["step"], named["quantity"], named["tensor"]) == (2, "loss", "conv2")
    assert named["unit"][-1] == 9
    assert named["reference"] != named["found"]
    assert named["sentence"].startswith("step 2: the loss left its tolerance of 1e-12")
    assert f"conv2[{', '.join(map(str, named['unit']))}]" in named["sentence"]


def test_a_wrong_derivative_is_followed_backwards() -> None:
    """relu with half its slope: the values agree, and so do the gradients of what comes after."""

    def half(x):
        node = activations.relu(x)
        forget = x.tape._steps.pop() if node.wanted else None
        assert forget
        return x.tape.output(
            node.value, (x,), lambda delta: x.add_gradient(delta * (x.value > 0) / 2)
        )

    def tamper(booked):
        system = booked.inner
        (step,) = system.steps.values()
        honest = step.objective

        def cross_entropy(*given):
            with mock.patch.object(
                sys.modules[system.architecture.__name__],
                "activations",
                SimpleNamespace(**{**vars(activations), "relu": half}),
            ):
                return honest(*given)

        step.objective = cross_entropy

    named = divergence(compare(MLP, at(1, tamper)))
    assert (named["quantity"], named["what"]) == ("gradient", "gradient by the activation")
    assert named["tensor"] == "fc2"


def test_of_two_wrong_gradients_the_one_nearer_the_loss_is_named() -> None:
    early, late = (
        tampering.wrong_gradient("fc1/weight", (300, 4)),
        tampering.wrong_gradient("fc2/weight", (3, 4)),
    )
    named = divergence(compare(MLP, at(3, answer(lambda given: early(late(given))))))
    assert (named["step"], named["what"], named["tensor"]) == (3, "gradient", "fc2/weight")
    assert named["unit"] == [3, 4]
    assert abs(named["found"] - named["reference"] - 1e-6) < 1e-15


# --- decisions ------------------------------------------------------------------------------


def test_a_flat_background_is_decided_by_the_reference() -> None:
    found = compare(tampering.FLAT, tampering.jitter(1e-14))
    assert found.divergence is None
    assert found.quantities["gradient"].largest == 0.0
    assert found.near_ties > 50
    assert {record["near_ties"] for record in found.records()} == {found.near_ties}


def test_without_the_rule_a_flat_background_is_red(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(tolerances.NEAR_TIE, "float64", 0.0)
    found = compare(tampering.FLAT, tampering.jitter(1e-14))
    assert {"decision", "gradient"} <= red(found)
    assert found.near_ties == 0


def test_a_clear_decision_must_agree() -> None:
    """One index is misreported where the maximum is clear; no number of the net is touched."""

    def change(given):
        clear = np.argwhere(given.evaluation.margins["pool2"] > 1e-3)[0]
        decisions = {name: array.copy() for name, array in given.evaluation.decisions.items()}
        entry = tuple(clear)
        decisions["pool2"][entry] = (decisions["pool2"][entry] + 1) % 4
        return replace(given, evaluation=replace(given.evaluation, decisions=decisions))

    found = compare(Case("lenet", "adam", "float64", 2, 2), at(2, answer(change)))
    assert red(found) == {"decision"}
    assert (divergence(found)["step"], divergence(found)["tensor"]) == (2, "pool2")
    assert found.near_ties == 0
