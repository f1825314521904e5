"""Rules on simulated runs: false verdicts are rare, and the power is what the record says."""

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest

from bench import decide
from bench.hypothesis import AtLeast, Difference, Equivalent, Rule, Same, Within
from bench.randomness import stream
from tests.bench.toy_claims import ALIKE, FRAMEWORKS, GAIN, LAW, LEVEL, SAME, claim, table


def decided(rule: Rule, runs: pd.DataFrame, seeds: int) -> decide.Finding:
    """A pooled row, judged alone."""
    finding = decide.Finding("toy", "part 0", "pooled", runs=len(runs))
    frameworks = tuple(dict.fromkeys(runs["framework"]))
    whole = runs.assign(censored=runs.get("censored", False))
    decide.decide(rule, whole, finding, decide.Design(seeds, frameworks))
    return finding


def standard_design(trial: int, mean: float, deviation: float) -> pd.DataFrame:
    """One seed that all share, two of each framework's own."""
    draws = stream(trial, "design")
    shared = draws.normal(mean, deviation)
    rows = [
        (name, "new", 1000 * i * (seed > 0) + seed, seed == 0, shared if seed == 0 else value)
        for i, name in enumerate(FRAMEWORKS)
        for seed, value in enumerate(draws.normal(mean, deviation, 3))
    ]
    return pd.DataFrame(rows, columns=["framework", "arm", "seed", "shared", "value"])


def test_a_shared_seed_counted_four_times_would_lose_coverage(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The interval covers the truth in 95 of 100; with the planted mistake in 84."""
    trials = 300
    limit = 0.05 + 3 * math.sqrt(0.05 * 0.95 / trials)
    designs = [standard_design(trial, 0.9, 0.03) for trial in range(trials)]

    def misses() -> tuple[float, float]:
        found = [decided(LEVEL, runs, 9) for runs in designs]
        outside = [(row.low or 0.0) > 0 or (row.high or 0.0) < 0 for row in found]
        differing = [(row.agreement or 0.0) < 0.05 for row in found]
        return float(np.mean(outside)), float(np.mean(differing))

    outside, differing = misses()
    assert outside <= limit
    assert differing <= limit
    monkeypatch.setattr(
        decide, "distinct_seeds", lambda runs: runs["framework"] + runs["seed"].astype(str)
    )
    assert misses()[0] > limit


def simulated(rule: Rule, trial: int, gain: float, seeds: int) -> pd.DataFrame:
    """Frameworks that agree, or one framework whose arm lies `gain` above baseline or threshold."""
    draws = stream(trial, "simulated")
    described = claim(rule)
    if isinstance(rule, Equivalent):
        noise = draws.normal(0.9, rule.deviation / math.sqrt(2), (4, seeds))
        return table(described, {name: {"new": noise[i]} for i, name in enumerate(FRAMEWORKS)})
    assert isinstance(rule, AtLeast | Difference | Within | Same)
    paired = isinstance(rule, Difference | Same)
    old = draws.normal(0.9, 0.3, seeds) if paired else np.full(seeds, 0.9)
    new = old + draws.normal(gain, rule.deviation, seeds)
    arms = {"new": new, "old": old} if paired else {"new": new}
    return table(described, {"jax": arms})


@pytest.mark.parametrize(
    ("rule", "gain", "seeds"),
    [
        *((LEVEL, 0.01, 6), (LEVEL, 0.01, 10), (GAIN, 0.05, 8), (SAME, 0.0, 4)),
        *((LAW, 0.0, 6), (ALIKE, 0.0, 6)),
    ],
    ids=["level", "level by bootstrap", "difference", "equivalence", "law", "sameness"],
)
def test_the_power_in_the_record_is_how_often_it_is_supported(
    rule: Rule, gain: float, seeds: int
) -> None:
    """At the smallest effect of interest, with the deviation the rule names."""
    trials = 300
    found = [decided(rule, simulated(rule, t, gain, seeds), seeds) for t in range(trials)]
    stated = found[0].power or 0.0
    supported = np.mean([finding.verdict == "supported" for finding in found])
    assert 0.4 < stated < 0.9
    assert abs(supported - stated) <= 3 * math.sqrt(stated * (1 - stated) / trials)


@pytest.mark.parametrize(
    ("rule", "gain", "seeds", "false"),
    [
        (LEVEL, 0.0, 4, "supported refuted"),
        (LEVEL, 0.0, 10, "supported refuted"),
        (GAIN, 0.0, 4, "supported"),
        (GAIN, 0.0, 10, "supported"),
        (GAIN, 0.05, 4, "refuted"),
        (LAW, 0.02, 5, "supported refuted"),  # exactly at the end of what is allowed
        (LAW, 0.0, 5, "refuted"),
        (ALIKE, 0.05, 5, "supported refuted"),
        (ALIKE, 0.0, 5, "refuted"),
    ],
)
def test_false_verdicts_are_rare(rule: Rule, gain: float, seeds: int, false: str) -> None:
    """At a limit any verdict; without a difference "supported"; with one "refuted"."""
    trials = 300
    found = [decided(rule, simulated(rule, t, gain, seeds), seeds).verdict for t in range(trials)]
    # 5 % at most, and three standard errors of the simulation above it.
    wrong = sum(word in false for word in found) / trials
    assert wrong <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / trials)


def raced(arm: Sequence[float], baseline: Sequence[float], horizon: float) -> pd.DataFrame:
    """Runs of one framework by the true values of both arms, censored at a horizon."""
    rows = [
        ("jax", name, seed, False, min(value, horizon), value > horizon)
        for name, values in (("new", arm), ("old", baseline))
        for seed, value in enumerate(values)
    ]
    columns = ["framework", "arm", "seed", "shared", "value", "censored"]
    return pd.DataFrame(rows, columns=columns)


NEVER = [math.inf] * 9
FAST = [5.0, 5.1, 4.9, 5.2, 5.0, 4.8, 5.1, 5.05, 4.95]
SLOWER = Difference("score", "new", "old", "greater", smallest_effect=0.3, deviation=0.2)
FASTER = Difference("score", "new", "old", "less", smallest_effect=0.3, deviation=0.2)
EQUAL = Same("score", "new", "old", margin=0.3, deviation=0.2)


@pytest.mark.parametrize("rule", [SLOWER, FASTER, EQUAL])
@pytest.mark.parametrize("together", [9, 8], ids=["all", "all but one"])
def test_two_runs_that_never_arrived_are_not_the_same(rule: Rule, together: int) -> None:
    values = NEVER[:together] + FAST[together:]
    found = decided(rule, raced(values, values, horizon=8.0), 9)
    assert (found.verdict, found.p_within) == ("inconclusive", None)
    assert (found.censored, found.detectable_effect) == (together, None)
    arrived = decided(rule, raced(FAST, FAST, horizon=8.0), 9)
    assert arrived.verdict == ("supported" if rule == EQUAL else "refuted")
    assert arrived.censored == 0


def test_one_that_never_arrived_is_slower_than_one_that_did() -> None:
    for slow in (NEVER, NEVER[:5] + [7.0] * 4):
        runs = raced(slow, FAST, horizon=8.0)
        assert decided(SLOWER, runs, 9).verdict == "supported"
        assert decided(FASTER, runs, 9).verdict == "refuted"
        assert decided(EQUAL, runs, 9).verdict == "refuted"
        assert decided(SLOWER, runs, 9).probability_of_superiority == 1.0


def test_a_horizon_just_beyond_the_others_shows_a_direction_and_no_size() -> None:
    """Their restricted differences lie within the margin, the true ones are unbounded."""
    runs = raced(NEVER, FAST, horizon=5.25)
    slower = decided(SLOWER, runs, 9)
    assert (slower.verdict, slower.p_within) == ("supported", None)
    assert decided(EQUAL, runs, 9).verdict == "inconclusive"


def test_a_level_with_a_run_that_never_arrived_is_not_decided() -> None:
    level = AtLeast("score", "new", 3.0, smallest_effect=0.3, deviation=0.2)
    assert decided(level, raced(FAST, FAST, horizon=8.0), 9).verdict == "supported"
    found = decided(level, raced([math.inf, *FAST[1:]], FAST, horizon=8.0), 9)
    assert (found.verdict, found.p_value, found.effect) == ("inconclusive", None, None)
    assert (found.censored, found.seeds) == (1, 9)


@pytest.mark.parametrize(("median", "seeds"), [(5.0, 9), (6.0, 9), (7.0, 9), (6.0, 10)])
@pytest.mark.parametrize(
    ("rule", "gain", "false"),
    [
        (SLOWER, 0.0, "supported"),  # "refuted" would say: too small to matter, and it is
        (SLOWER, 0.3, "refuted"),
        (EQUAL, 0.3, "supported"),  # exactly at the margin
        (EQUAL, 0.0, "refuted"),
    ],
)
def test_false_verdicts_are_rare_where_runs_are_censored(
    rule: Rule, gain: float, false: str, median: float, seeds: int
) -> None:
    """A few, half or most of the runs lie beyond the horizon, at 6."""
    trials = 300
    wrong = 0
    for trial in range(trials):
        draws = stream(trial, f"censored {median} {seeds}")
        old = draws.normal(median, 0.7, seeds)
        new = old + draws.normal(gain, 0.2, seeds)
        wrong += decided(rule, raced(list(new), list(old), 6.0), seeds).verdict in false
    assert wrong / trials <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / trials)


def test_a_tie_at_the_horizon_would_be_taken_for_sameness() -> None:
    """The planted mistake: values at the horizon are taken for what they are not."""
    runs = raced([*NEVER[:8], 5.0], [*NEVER[:8], 5.1], horizon=8.0)
    assert decided(EQUAL, runs, 9).verdict == "inconclusive"
    blind = runs.assign(censored=False)
    assert decided(EQUAL, blind, 9).verdict == "supported"
    assert decided(SLOWER, blind, 9).verdict == "refuted"
