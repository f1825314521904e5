"""The comparison: what turns it red, what may differ, and how it explains itself.

The rules are tried on the reference beside itself, which agrees to the bit unless it is tampered
with; then on the real frameworks, each in a process of its own.
"""

import json
import sys
from dataclasses import replace
from types import SimpleNamespace
from typing import Any
from unittest import mock

import numpy as np
import pytest

from bench import plan, store
from bench.conformance import cases, lockstep, nets, tolerances
from bench.conformance.cases import Case
from bench.conformance.lockstep import Comparison
from bench.optimizers import CONSTANTS
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


# --- deviations -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reference", "found", "expected"),
    [
        ([1.0, -4.0], [1.0, -4.0], 0.0),
        ([1.0, -4.0], [1.0, -3.0], 0.25),
        ([0.0, 0.0], [0.0, 0.0], 0.0),
        ([0.0, 0.0], [0.0, 1e-300], np.inf),
        ([1.0, np.nan], [1.0, np.nan], np.inf),
        ([1.0, 2.0], [1.0, np.nan], np.inf),
        ([1.0, np.nan], [1.0, 2.0], np.inf),
        ([1.0, 2.0], [1.0, np.inf], np.inf),
        ([1.0, np.inf], [1.0, 2.0], np.inf),
        ([1.0, 2.0], [[1.0, 2.0]], np.inf),
        ([], [], 0.0),
    ],
)
def test_deviation(reference: Any, found: Any, expected: float) -> None:
    assert tolerances.deviation(np.array(reference), np.array(found)) == expected


def test_deviation_in_norm_and_in_share() -> None:
    reference, found = np.array([3.0, 4.0]), np.array([3.0, 4.5])
    assert tolerances.deviation(reference, found, "norm") == 0.1
    assert tolerances.deviation(reference, found, "share") == 0.5


@pytest.mark.parametrize(
    ("reference", "found", "agrees"),
    [
        (0.0, 0.0, True),
        (3e-16, -5e-15, True),  # dead: held to 1e-14 of the net's largest gradient
        (0.0, 5e-15, True),
        (3e-16, 3e-14, False),
        (0.0, np.nan, False),
        (1e-6, 1e-6 + 1e-20, True),
        (1e-6, 1e-6 + 1e-17, False),  # small, but alive: held to itself
    ],
)
def test_dead_gradients_alone_are_held_to_the_net(reference, found, agrees: bool) -> None:
    rule = tolerances.tolerance("float64", "gradient", "sgd", net=1.0)
    size = rule.deviation(np.array([reference]), np.array([found]))
    assert (size <= rule.limit) == agrees


# --- lock-step ------------------------------------------------------------------------------


@pytest.mark.parametrize("case", cases.cases("short"), ids=lambda case: case.name)
def test_the_reference_agrees_with_itself(case: Case) -> None:
    found = compare(case, nothing)
    assert {q.largest for q in found.quantities.values()} == {0.0}
    assert {"loss", "gradient", "parameter", "step"} <= found.quantities.keys()
    assert ("rate" in found.quantities) == bool(case.net.schedule)
    assert ("buffer" in found.quantities) == bool(case.spec().buffers)
    assert all(record["passed"] for record in found.records())


def test_the_full_plan_is_the_one_that_is_promised() -> None:
    planned = {(c.model, c.optimizer, c.dtype, c.steps) for c in cases.cases("full")}
    deck = [("lenet", "adam"), ("mlp", "sgd"), ("mlp", "momentum"), ("mlp", "adam")]
    lengths = [("float64", 200), ("float32", 20)]
    own = {(*net, *length) for net in deck for length in lengths}
    own |= {(*net, "float64", 200) for net in cases.TECHNIQUES}
    deep = [("vgg", "momentum"), ("resnet", "adam"), ("segnet", "adam")]
    assert planned == own | {(*net, "float64", 50) for net in deep}
    assert len(nets.NETS["resnet"].spec().parameters) == 20 + 2 * 19 + 1  # of ResNet-20


def test_every_technique_is_compared() -> None:
    options = [nets.NETS[model].spec().options for model, _ in cases.TECHNIQUES]
    assert {o["activation"] for o in options} >= {"sigmoid", "tanh", "relu"}
    assert {o.get("dropout") for o in options} == {"deck", "inverted", None}
    architectures = {nets.NETS[model].spec().architecture for model, _ in cases.TECHNIQUES}
    normed = {
        nets.NETS[model].spec().architecture
        for (model, _), o in zip(cases.TECHNIQUES, options, strict=True)
        if o["norm"]
    }
    assert normed == architectures == {"mlp", "convnet"}
    compared = {case.optimizer for case in cases.cases("full")}
    assert compared == set(cases.OPTIMIZERS) == set(CONSTANTS)
    asked = [nets.NETS[model] for model, _ in cases.TECHNIQUES]
    assert {net.schedule for net in asked} == {"", "piecewise_constant", "exponential_decay"}
    assert any(net.augmented for net in asked)
    assert any(net.parts > 1 for net in asked)


def test_no_bias_stands_before_batch_norm() -> None:
    """Its gradient would vanish identically, and nothing could be compared."""
    for case in cases.cases("full"):
        spec = case.spec()
        for name in spec.parameters:
            if name.endswith("/scale"):
                layer = name.removesuffix("/scale")
                before = "fc" if spec.architecture == "mlp" else "conv"
                weight = layer.replace("decode_bn", "decode").replace("bn", before)
                assert f"{weight}/weight" in spec.parameters
                assert f"{weight}/bias" not in spec.parameters


def test_a_data_set_is_planned_for_every_net() -> None:
    assert {case.net.dataset for case in cases.cases("full")} == set(plan.CONFORMANCE_DATASETS)
    architectures = {case.spec().architecture for case in cases.cases("full")}
    assert {*architectures, "preprocessing"} == set(plan.CONFORMANCE_ARCHITECTURES)


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
