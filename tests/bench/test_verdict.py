"""What is judged together, and what is left out: families, composites, plans."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest

from bench.claim import Claim
from bench.errors import ContractError, UserError
from bench.hypothesis import AtLeast, Bound, Hypothesis, Rule
from bench.randomness import stream
from tests.bench.toy_claims import (
    ALIKE,
    EXACT,
    FRAMEWORKS,
    GAIN,
    LAW,
    LEVEL,
    SAME,
    claim,
    everywhere,
    judged,
    planned,
    table,
)


def test_parts_that_disagree_make_a_conditional_claim() -> None:
    described = claim(EXACT, Bound("score", "old", 1e-10))
    found = judged(described, table(described, everywhere(new=[0.0], old=[1.0])))["claim", "pooled"]
    assert found["verdict"] == "conditional"
    assert found["conditional_on"] == ["setting part 0: supported", "setting part 1: refuted"]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("supported, supported", "supported"),
        ("refuted, refuted", "refuted"),
        ("supported, refuted", "conditional"),
        ("conditional, supported", "conditional"),
        ("inconclusive, supported", "inconclusive"),
        ("inconclusive, conditional", "inconclusive"),
        ("differs, inconclusive", "differs between frameworks"),
        ("differs, supported", "differs between frameworks"),
        ("not judged, differs", "not judged"),
        ("supported, refuted, inconclusive", "conditional"),
        ("supported, refuted, differs", "conditional"),
        ("supported, refuted, not judged", "not judged"),
    ],
)
def test_the_whole_of_a_claims_parts(words: str, expected: str) -> None:
    """Each word is made by runs of its own metric."""
    names = words.split(", ")
    made: dict[str, tuple[Any, dict[str, Any]]] = {
        "supported": (Bound("score", "new", 1.0), everywhere(new=[0.5, 0.5])),
        "refuted": (Bound("score", "new", 1.0), everywhere(new=[1.5, 1.5])),
        "conditional": (Bound("score", "new", 1.0), everywhere(new=[0.5, 1.5])),
        "inconclusive": (LEVEL, everywhere(new=[0.8, 1.0])),
        "differs": (
            Bound("score", "new", 1.0),
            {**everywhere(new=[0.5, 0.5]), "jax": {"new": [1.5, 1.5]}},
        ),
        "not judged": (LEVEL, {}),
    }
    rules = [dataclasses.replace(made[name][0], metric=f"m{i}") for i, name in enumerate(names)]
    described = claim(*rules)
    tables = [
        table(described, made[name][1]).assign(metric=f"m{i}")
        for i, name in enumerate(names)
        if made[name][1]
    ]
    plan = planned(described, tables[0])
    found = judged(described, pd.concat(tables), plan=plan)
    assert [
        found[f"part {i}", "pooled"]["verdict"].split(" b")[0] for i in range(len(names))
    ] == names
    assert found["claim", "pooled"]["verdict"] == expected
    assert bool(found["claim", "pooled"]["conditional_on"]) == (expected == "conditional")


def test_a_mended_formula_does_not_save_the_sentence() -> None:
    wrong = claim(EXACT).hypotheses[0]
    mended = Hypothesis("mended", "", Bound("score", "old", 1e-10), role="mended")
    described = Claim(**{**vars(claim(EXACT)), "hypotheses": (wrong, mended)})
    found = judged(described, table(described, everywhere(new=[1.0], old=[0.0])))
    assert found["mended", "pooled"]["verdict"] == "supported"
    assert found["claim", "pooled"]["verdict"] == "refuted"


def test_frameworks_that_differ_are_said_to() -> None:
    described = claim(LEVEL)
    noise = stream(2, "noise").normal(0, 0.001, (4, 6))
    values = {
        name: {"new": 0.95 + noise[i] - (0.08 if name == "jax" else 0.0)}
        for i, name in enumerate(FRAMEWORKS)
    }
    found = judged(described, table(described, values, own=True))["part 0", "pooled"]
    assert found["verdict"] == "differs between frameworks"
    assert found["agreement"] < 0.05


def test_frameworks_that_differ_in_size_alone_agree() -> None:
    """Each alone says what all say: nobody is warned of a difference that decides nothing."""
    described = claim(GAIN)
    noise = stream(2, "noise").normal(0, 0.001, (4, 6))
    values = {
        name: {"new": 1.5 + i + noise[i], "old": np.full(6, 0.9)}
        for i, name in enumerate(FRAMEWORKS)
    }
    found = judged(described, table(described, values, own=True))["part 0", "pooled"]
    assert found["verdict"] == "supported"
    assert found["agreement"] < 0.05
    assert "differ in its size" in found["reason"]


def test_a_shared_seed_counts_once() -> None:
    described = claim(LEVEL)
    found = judged(described, table(described, everywhere(new=[0.95, 0.96, 0.97])))
    assert found["part 0", "pooled"]["seeds"] == 3
    own = judged(described, table(described, everywhere(new=[0.95, 0.96, 0.97]), own=True))
    assert own["part 0", "pooled"]["seeds"] == 12


def test_runs_under_another_rule_are_not_judged() -> None:
    described = claim(LEVEL)
    runs = table(described, everywhere(new=[0.95, 0.96, 0.97]))
    plan = planned(described, runs)
    found = judged(described, runs.assign(rule_hash="before"), plan=plan)["part 0", "pooled"]
    assert found["verdict"] == "not judged"
    assert "12 runs under another rule were left out" in found["reason"]
    assert not found["complete"]


def test_unfinished_runs_are_judged_on_what_is_there_and_say_so() -> None:
    described = claim(LEVEL)
    runs = table(described, everywhere(new=[0.95, 0.96, 0.95]))
    plan = planned(described, runs)
    half = judged(described, runs[runs["seed"] < 2], plan=plan)["part 0", "pooled"]
    assert not half["complete"]
    assert "4 planned runs are still missing" in half["reason"]
    none = judged(described, runs[:0], plan=plan)["part 0", "pooled"]
    assert none["verdict"] == "not judged"
    assert none["reason"].startswith("No run has finished yet")


def test_smoke_gives_no_verdict() -> None:
    described = claim(LEVEL)
    found = judged(described, table(described, everywhere(new=[0.95, 0.96, 0.95])), "smoke")
    assert {record["verdict"] for record in found.values()} == {"not judged"}


def test_a_rule_that_moves_is_another_rule() -> None:
    assert claim(LEVEL).rule_hash() == claim(LEVEL).rule_hash()
    moved = AtLeast("score", "new", 0.89, smallest_effect=0.01, deviation=0.01)
    assert claim(moved).rule_hash() != claim(LEVEL).rule_hash()


def test_a_family_of_many_is_corrected() -> None:
    described = claim(*[LEVEL] * 60)
    runs = table(described, {"numpy": {"new": [0.909, 0.91, 0.9105]}})
    alone = judged(claim(LEVEL), runs.assign(rule_hash=claim(LEVEL).rule_hash()))
    together = judged(described, runs)
    assert alone["part 0", "pooled"]["verdict"] == "supported"
    expected = pytest.approx(60 * alone["part 0", "pooled"]["p_value"])
    assert together["part 0", "pooled"]["p_value"] == expected
    assert together["part 0", "pooled"]["verdict"] == "inconclusive"
    assert "Alone it would be supported: Holm" in together["part 0", "pooled"]["reason"]


def test_too_small_to_matter_is_a_family_of_its_own() -> None:
    """Many undecided levels beside it do not make a refuted difference undecided."""
    described = claim(GAIN, *[LEVEL] * 30)
    values = {"numpy": {"new": [0.903, 0.904, 0.9015, 0.9031], "old": [0.9] * 4}}
    found = judged(described, table(described, values))["part 0", "pooled"]
    assert found["p_value"] > 0.05
    assert found["low"] > 0
    assert found["verdict"] == "refuted"
    assert "too small to matter" in found["reason"]


def test_tests_of_what_is_too_small_to_matter_are_corrected_together() -> None:
    values = {"numpy": {"new": [0.90, 0.93, 0.91, 0.94], "old": [0.9, 0.9, 0.89, 0.91]}}
    alone = judged(claim(GAIN), table(claim(GAIN), values))["part 0", "pooled"]
    described = claim(*[GAIN] * 10)
    together = judged(described, table(described, values))["part 0", "pooled"]
    assert together["p_within"] == pytest.approx(10 * alone["p_within"])
    assert (alone["verdict"], together["verdict"]) == ("refuted", "inconclusive")


def test_tests_of_whether_frameworks_differ_are_corrected_together() -> None:
    values = {
        "numpy": {"new": [0.8995, 0.9005, 0.9015]},
        "pytorch": {"new": [0.902, 0.903, 0.904]},
    }
    alone = judged(claim(LEVEL), table(claim(LEVEL), values, own=True))["part 0", "pooled"]
    described = claim(*[LEVEL] * 4)
    together = judged(described, table(described, values, own=True))["part 0", "pooled"]
    assert together["agreement"] == pytest.approx(4 * alone["agreement"])
    assert alone["verdict"] == "differs between frameworks"
    assert together["verdict"] != "differs between frameworks"


def test_a_run_listed_twice_is_refused() -> None:
    described = claim(LEVEL)
    runs = table(described, {"numpy": {"new": [0.95, 0.96]}})
    with pytest.raises(UserError, match="numpy, arm new, seed 0 twice"):
        judged(described, pd.concat([runs, runs]), plan=planned(described, runs))


def test_runs_that_are_not_planned_take_no_part() -> None:
    described = claim(LEVEL)
    runs = table(described, everywhere(new=[0.95, 0.96, 0.95]))
    plan = planned(described, runs[(runs["framework"] != "jax") & (runs["seed"] < 2)])
    found = judged(described, runs, plan=plan)
    assert found["part 0", "pooled"]["runs"] == 6
    assert found["part 0", "pooled"]["complete"]
    assert ("part 0", "jax") not in found


def test_power_is_that_of_the_plan_whatever_is_finished() -> None:
    described = claim(LEVEL)
    runs = table(described, everywhere(new=[0.95, 0.96, 0.95, 0.97]))
    plan = planned(described, runs)
    whole = judged(described, runs, plan=plan)["part 0", "pooled"]
    part = judged(described, runs[runs["seed"] < 2], plan=plan)["part 0", "pooled"]
    assert whole["power"] == part["power"] > 0


def arrivals(described: Claim, reached: Sequence[float]) -> pd.DataFrame:
    """Runs that all have the score 8, and whether they arrived there."""
    runs = table(described, {"numpy": {"new": [8.0] * len(reached), "old": [8.0] * len(reached)}})
    return pd.concat([runs, runs.assign(metric="reached", value=[*reached, *reached])])


def test_a_claim_says_which_metric_tells_that_another_is_censored() -> None:
    lost, arrived = [0.0] * 4, [1.0] * 4
    for declared, reached, expected in (
        ({"score": "reached"}, lost, ("inconclusive", 4)),
        ({"score": "reached"}, arrived, ("supported", 0)),
        ({}, lost, ("supported", 0)),  # what is not declared is not known
    ):
        described = claim(ALIKE, censored=declared)
        found = judged(described, arrivals(described, reached))
        for hypothesis in ("part 0", "claim"):
            record = found[hypothesis, "pooled"]
            assert (record["verdict"], record["censored"]) == expected
        told = "In 4 pairs a run did not arrive" in found["part 0", "pooled"]["reason"]
        assert told == bool(expected[1])


def test_a_diverged_run_is_worse_and_not_censored() -> None:
    described = claim(GAIN, censored={"score": "reached"})
    runs = table(described, {"numpy": {"new": [float("nan")] * 4, "old": [8.0] * 4}})
    reached = runs.assign(metric="reached", value=[0.0] * 4 + [1.0] * 4)
    found = judged(described, pd.concat([runs, reached]))["part 0", "pooled"]
    assert (found["verdict"], found["diverged"], found["censored"]) == ("refuted", 4, 0)


def test_a_level_of_which_a_run_did_not_arrive_has_no_mean() -> None:
    described = claim(LEVEL, censored={"score": "reached"})
    found = judged(described, arrivals(described, [1.0, 1.0, 0.0]))["part 0", "pooled"]
    assert (found["verdict"], found["effect"], found["censored"]) == ("inconclusive", None, 1)
    assert "1 of 3 runs did not arrive" in found["reason"]


@pytest.mark.parametrize("rule", [EXACT, LAW, SAME])
def test_a_rule_that_needs_values_is_refused_on_bounds(rule: Rule) -> None:
    with pytest.raises(ContractError, match="may be censored"):
        claim(rule, censored={"score": "reached"})
