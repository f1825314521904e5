"""Every verdict can be reached, and none by accident."""

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest

from bench import verdict
from bench.claim import AtLeast, Bound, Budget, Claim, Difference, Equivalent, Hypothesis, Rule
from bench.randomness import stream

FRAMEWORKS = ("numpy", "pytorch", "tensorflow", "jax")
LEVEL = AtLeast("score", "new", 0.9, smallest_effect=0.01, deviation=0.01)
GAIN = Difference("score", "new", "old", "greater", smallest_effect=0.05, deviation=0.05)
SAME = Equivalent("score", "new", margin=0.01, deviation=0.004)
EXACT = Bound("score", "new", 1e-10)


def claim(*rules: Rule, role: str = "claim") -> Claim:
    names = [f"part {number}" for number in range(len(rules))]
    return Claim(
        name="toy",
        title="",
        topic="",
        deck="",
        translation="",
        compared="",
        arms={"new": "", "old": ""},
        metrics={"score": ""},
        hypotheses=tuple(
            Hypothesis(name, "", rule, role=role, setting=f"setting {name}")  # type: ignore[arg-type]
            for name, rule in zip(names, rules, strict=True)
        ),
        budgets={"standard": Budget((0, 1, 2), 0)},
        architectures=(),
    )


def table(
    described: Claim, values: Mapping[str, Mapping[str, Sequence[float]]], own: bool = False
) -> pd.DataFrame:
    """values[framework][arm] is a list by seed; own: every framework has seeds of its own."""
    rows = [
        {
            "claim": described.name,
            "framework": framework,
            "arm": arm,
            "seed": seed + 1000 * FRAMEWORKS.index(framework) * own,
            "shared": not own,
            "rule_hash": described.rule_hash(),
            "metric": "score",
            "value": value,
        }
        for framework, arms in values.items()
        for arm, series in arms.items()
        for seed, value in enumerate(series)
    ]
    return pd.DataFrame(rows)


def planned(described: Claim, runs: pd.DataFrame) -> dict[tuple[str, str], list[Any]]:
    plan: dict[tuple[str, str], list[Any]] = {}
    for row in runs.itertuples():
        plan.setdefault((described.name, str(row.framework)), []).append(
            (row.arm, row.seed, row.shared)
        )
    return plan


def judged(
    described: Claim, runs: pd.DataFrame, budget: str = "standard", plan: Any = None
) -> dict[tuple[str, str], dict[str, Any]]:
    records = verdict.judge([described], runs, budget, plan or planned(described, runs))
    json.dumps(records, allow_nan=False)
    return {(r["hypothesis"], r["framework"]): r for r in records}


def everywhere(**arms: Sequence[float]) -> dict[str, dict[str, Sequence[float]]]:
    return {name: dict(arms) for name in FRAMEWORKS}


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0.95, 0.96, 0.95], "supported"),
        ([0.85, 0.84, 0.85], "refuted"),
        ([0.80, 0.90, 0.99], "inconclusive"),
        ([0.95, math.nan, 0.95], "inconclusive"),
        ([math.nan, math.nan, 0.95], "refuted"),
        ([0.95], "inconclusive"),
    ],
)
def test_a_level(values: list[float], expected: str) -> None:
    described = claim(LEVEL)
    found = judged(described, table(described, everywhere(new=values)))
    assert found["part 0", "pooled"]["verdict"] == expected
    assert found["claim", "pooled"]["verdict"] == expected
    assert found["part 0", "pooled"]["diverged"] == 4 * sum(map(math.isnan, values))


def test_an_inconclusive_verdict_says_what_could_have_been_seen() -> None:
    described = claim(LEVEL)
    row = judged(described, table(described, everywhere(new=[0.80, 0.90, 0.99])))[
        "part 0", "pooled"
    ]
    assert row["detectable_effect"] > 0.1
    assert "would have been seen" in row["reason"]


@pytest.mark.parametrize(
    ("new", "old", "expected"),
    [
        ([0.95, 0.96, 0.94], [0.80, 0.82, 0.79], "supported"),
        ([0.80, 0.82, 0.79], [0.95, 0.96, 0.94], "refuted"),
        ([0.900, 0.901, 0.899], [0.900, 0.900, 0.900], "refuted"),  # too small to matter
        ([0.95, 0.70, 0.90], [0.80, 0.82, 0.79], "inconclusive"),
        ([0.95, 0.96, math.nan, 0.95], [0.80, 0.82, 0.79, 0.81], "inconclusive"),
        ([0.95, 0.96, 0.94, 0.95], [0.80, 0.82, 0.79, math.nan], "supported"),
        ([math.nan, math.nan], [math.nan, math.nan], "inconclusive"),
    ],
)
def test_a_difference(new: list[float], old: list[float], expected: str) -> None:
    described = claim(GAIN)
    found = judged(described, table(described, everywhere(new=new, old=old)))
    assert found["part 0", "pooled"]["verdict"] == expected


def test_pairing_by_seed_is_what_finds_the_effect() -> None:
    described = claim(GAIN)
    seeds = stream(0, "seeds").normal(0.5, 0.3, 5)
    noise = stream(0, "noise").normal(0, 0.005, 5)
    new, old = seeds + 0.1 + noise, seeds
    found = judged(described, table(described, everywhere(new=new, old=old)))
    assert found["part 0", "pooled"]["verdict"] == "supported"
    assert found["part 0", "pooled"]["probability_of_superiority"] == 1.0
    shuffled = judged(described, table(described, everywhere(new=new[::-1], old=old)))
    assert shuffled["part 0", "pooled"]["verdict"] == "inconclusive"


@pytest.mark.parametrize(
    ("shift", "expected"), [(0.0, "supported"), (0.009, "inconclusive"), (0.05, "refuted")]
)
def test_equivalence_of_frameworks(shift: float, expected: str) -> None:
    described = claim(SAME)
    values = everywhere(new=[0.95, 0.96, 0.97, 0.955])
    noise = [0.002, -0.002, 0.001, -0.0005]
    values["jax"] = {
        "new": [v + shift + e for v, e in zip(values["jax"]["new"], noise, strict=True)]
    }
    found = judged(described, table(described, values))
    assert found["part 0", "pooled"]["verdict"] == expected
    assert "jax" in found["part 0", "pooled"]["compared"]
    if expected == "refuted":
        assert found["part 0", "numpy"]["verdict"] == "refuted"


def test_one_framework_alone_is_not_compared() -> None:
    described = claim(SAME)
    found = judged(described, table(described, {"numpy": {"new": [0.9, 0.9]}}))
    assert found["part 0", "pooled"]["verdict"] == "not judged"


def test_a_divergence_of_one_framework_alone_is_a_difference() -> None:
    described = claim(SAME)
    values = everywhere(new=[0.95, 0.96, 0.97])
    values["jax"] = {"new": [0.95, math.nan, 0.97]}
    found = judged(described, table(described, values))
    assert found["part 0", "pooled"]["verdict"] == "refuted"


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (everywhere(new=[1e-16, 0.0]), "supported"),
        (everywhere(new=[1.3, 1.4]), "refuted"),
        (everywhere(new=[1e-16, 1.4]), "conditional"),
        (
            {**everywhere(new=[1e-16, 0.0]), "jax": {"new": [1.0, 1.0]}},
            "differs between frameworks",
        ),
        (everywhere(new=[math.nan, math.nan]), "refuted"),
    ],
)
def test_a_bound(values: Any, expected: str) -> None:
    described = claim(EXACT)
    assert judged(described, table(described, values))["part 0", "pooled"]["verdict"] == expected


def test_parts_that_disagree_make_a_conditional_claim() -> None:
    described = claim(EXACT, Bound("score", "old", 1e-10))
    found = judged(described, table(described, everywhere(new=[0.0], old=[1.0])))["claim", "pooled"]
    assert found["verdict"] == "conditional"
    assert found["conditional_on"] == ["setting part 0: supported", "setting part 1: refuted"]


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
        name: {"new": 0.95 + noise[i] + (0.03 if name == "jax" else 0.0)}
        for i, name in enumerate(FRAMEWORKS)
    }
    found = judged(described, table(described, values, own=True))["part 0", "pooled"]
    assert found["verdict"] == "differs between frameworks"
    assert found["agreement"] < 0.05


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


@pytest.mark.parametrize("rule", [LEVEL, GAIN], ids=["level", "difference"])
def test_without_an_effect_false_verdicts_are_rare(rule: Rule) -> None:
    described = claim(rule)
    wrong, trials = 0, 200
    for trial in range(trials):
        draws = stream(trial, "no effect").normal(0.9, 0.03, (2, 4))
        runs = table(described, {"numpy": {"new": draws[0], "old": draws[1]}})
        word = judged(described, runs)["part 0", "pooled"]["verdict"]
        wrong += word == "supported"
    # One direction of a two-sided 5 % test: 2.5 % expected, three standard errors above.
    assert wrong / trials <= 0.025 + 3 * np.sqrt(0.025 * 0.975 / trials)


def test_a_family_of_many_is_corrected() -> None:
    described = claim(*[LEVEL] * 10)
    runs = table(described, {"numpy": {"new": [0.905, 0.91, 0.92]}})
    alone = judged(claim(LEVEL), table(claim(LEVEL), {"numpy": {"new": [0.909, 0.91, 0.92]}}))
    together = judged(described, runs)
    assert together["part 0", "pooled"]["p_value"] > alone["part 0", "pooled"]["p_value"]
