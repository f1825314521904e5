"""Every rule reaches every verdict it has, and none by accident."""

import math
from typing import Any

import pandas as pd
import pytest

from bench.hypothesis import Difference, Within
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

NAN = math.nan


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0.95, 0.96, 0.95], "supported"),
        ([0.85, 0.84, 0.85], "refuted"),
        ([0.80, 0.90, 0.99], "inconclusive"),
        ([0.90, 0.90, 0.90], "supported"),  # exactly at the threshold
        ([0.95, math.nan, 0.95], "inconclusive"),
        ([0.95, math.inf, 0.95], "inconclusive"),  # no accuracy, a divergence
        ([0.85, 0.84, 0.85, math.nan], "refuted"),
        ([math.nan, math.nan, math.nan, math.nan, 0.95], "refuted"),
        ([math.nan, math.nan, math.nan], "refuted"),
        ([0.95], "inconclusive"),
    ],
)
def test_a_level(values: list[float], expected: str) -> None:
    described = claim(LEVEL)
    found = judged(described, table(described, everywhere(new=values)))
    assert found["part 0", "pooled"]["verdict"] == expected
    assert found["claim", "pooled"]["verdict"] == expected
    lost = sum(not math.isfinite(value) for value in values)
    assert found["part 0", "pooled"]["diverged"] == 4 * lost
    assert ("diverged" in found["part 0", "pooled"]["reason"]) == (lost > 0)


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
        ([0.95] * 6, [math.nan] * 5 + [0.9], "supported"),
        ([math.nan] * 5 + [0.9], [0.95] * 6, "refuted"),
        ([math.nan, math.nan], [math.nan, math.nan], "inconclusive"),
        # Worse where both are there, but the baseline alone diverged on two seeds.
        ([0.85, 0.86, 0.84, 0.85, 0.9, 0.9], [0.9, 0.91, 0.9, 0.9, NAN, NAN], "inconclusive"),
        # No better where both are there, which is no equivalence when one diverged on a seed.
        ([0.9, 0.901, 0.899, NAN], [0.9, 0.9, 0.9, 0.9], "inconclusive"),
        # Both diverged on half of the seeds: ties.
        ([0.95, 0.96, 0.951, NAN, NAN, NAN], [0.8, 0.82, 0.81, NAN, NAN, NAN], "inconclusive"),
    ],
)
@pytest.mark.parametrize("direction", ["greater", "less"])
def test_a_difference(new: list[float], old: list[float], expected: str, direction: str) -> None:
    rule = Difference("score", "new", "old", direction, 0.05, 0.05)  # type: ignore[arg-type]
    described = claim(rule)
    if direction == "less":
        new, old = [-value for value in new], [-value for value in old]
    found = judged(described, table(described, everywhere(new=new, old=old)))
    assert found["part 0", "pooled"]["verdict"] == expected
    if expected == "supported" and not found["part 0", "pooled"]["diverged"]:
        assert found["part 0", "pooled"]["low"] > 0  # positive in the claimed direction


def test_a_difference_on_seeds_of_ones_own() -> None:
    described = claim(GAIN)
    values = {
        name: {
            arm: stream(i, arm).normal(mean, 0.01, 3) for arm, mean in (("new", 0.9), ("old", 0.8))
        }
        for i, name in enumerate(FRAMEWORKS)
    }
    runs = table(described, values, own=True)
    plan = planned(described, runs)
    found = judged(described, runs)["part 0", "pooled"]
    assert (found["verdict"], found["seeds"], found["diverged"]) == ("supported", 12, 0)
    assert found["complete"]
    unfinished = runs[(runs["framework"] != "jax") | (runs["arm"] == "new")]
    found = judged(described, unfinished, plan=plan)["part 0", "pooled"]
    assert (found["verdict"], found["seeds"], found["diverged"]) == ("supported", 9, 0)
    assert not found["complete"]


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
    ("values", "expected"),
    [
        ([0.90, 0.901, 0.899], "supported"),
        ([0.90, 0.90, 0.90], "supported"),
        ([0.95, 0.951, 0.949], "refuted"),
        ([0.85, 0.851, 0.849], "refuted"),
        ([0.87, 0.93, 0.90], "inconclusive"),
        ([0.90, 0.901, 0.899, NAN], "inconclusive"),
        ([NAN, NAN, NAN], "refuted"),
        ([0.90], "inconclusive"),
    ],
)
def test_a_law(values: list[float], expected: str) -> None:
    described = claim(LAW)
    found = judged(described, table(described, everywhere(new=values)))
    assert found["part 0", "pooled"]["verdict"] == expected
    assert found["claim", "pooled"]["verdict"] == expected
    if expected == "supported":
        assert found["part 0", "pooled"]["effect"] == pytest.approx(0.9)  # in the metric's unit
        assert found["part 0", "pooled"]["level"] == pytest.approx(0.9)


@pytest.mark.parametrize(
    ("new", "expected"),
    [
        ([0.80, 0.82, 0.79], "supported"),
        ([0.81, 0.825, 0.80], "supported"),
        ([0.90, 0.92, 0.89], "refuted"),
        ([0.70, 0.72, 0.69], "refuted"),
        ([0.85, 0.79, 0.81], "inconclusive"),
        ([0.80, 0.82, NAN], "inconclusive"),
        ([NAN, NAN, NAN], "refuted"),
    ],
)
def test_two_arms_that_do_the_same(new: list[float], expected: str) -> None:
    described = claim(ALIKE)
    found = judged(described, table(described, everywhere(new=new, old=[0.80, 0.82, 0.79])))
    assert found["part 0", "pooled"]["verdict"] == expected


def test_samenesses_are_corrected_together() -> None:
    """One that would pass alone, among nine that cannot."""
    barely, wide = [0.915, 0.90, 0.908, 0.9115], [0.0, 1.8, 0.9, 1.0]
    alone = claim(LAW)
    found = judged(alone, table(alone, everywhere(new=barely)))
    assert found["part 0", "pooled"]["verdict"] == "supported"
    many = claim(LAW, *[Within("other", "new", 0.88, 0.92, 0.018)] * 9)
    runs = table(many, everywhere(new=barely))
    others = table(many, everywhere(new=wide)).assign(metric="other")
    found = judged(many, pd.concat([runs, others]), plan=planned(many, runs))
    assert found["part 0", "pooled"]["verdict"] == "inconclusive"
    assert "Alone it would be supported" in found["part 0", "pooled"]["reason"]


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


def test_a_run_that_is_not_there_yet_is_no_divergence() -> None:
    described = claim(SAME)
    runs = table(described, everywhere(new=[0.95, 0.96, 0.97, 0.955]))
    plan = planned(described, runs)
    unfinished = runs[(runs["framework"] != "jax") | (runs["seed"] != 3)]
    found = judged(described, unfinished, plan=plan)["part 0", "pooled"]
    assert (found["verdict"], found["complete"]) == ("supported", False)
    assert (found["seeds"], found["diverged"]) == (3, 0)


def test_the_pair_that_decides_is_the_one_shown() -> None:
    """Supported exactly when the interval shown lies within the margin."""
    described = claim(SAME)
    for trial in range(20):
        noise = stream(trial, "pairs").normal(0, 0.003, (4, 4))
        values = {name: {"new": 0.95 + noise[i]} for i, name in enumerate(FRAMEWORKS)}
        found = judged(described, table(described, values))["part 0", "pooled"]
        inside = max(-found["low"], found["high"]) < 0.01
        assert (found["verdict"] == "supported") == inside
        assert found["level"] == pytest.approx(0.9)


def test_own_seeds_take_no_part_in_an_equivalence() -> None:
    """Even where two frameworks happen to number theirs alike: they are other experiments."""
    described = claim(SAME)
    shared = table(described, everywhere(new=[0.95, 0.96, 0.97]))
    own = table(described, {"jax": {"new": [0.1, 0.2]}, "numpy": {"new": [0.9, 0.8]}})
    own = own.assign(seed=own["seed"] + 50, shared=False)
    found = judged(described, pd.concat([shared, own]))["part 0", "pooled"]
    assert (found["verdict"], found["seeds"]) == ("supported", 3)


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
