"""Rules on simulated runs: false verdicts are rare, and the power is what the record says."""

import math

import numpy as np
import pandas as pd
import pytest

from bench import decide
from bench.claim import AtLeast, Difference, Equivalent, Rule, Same, Within
from bench.randomness import stream
from tests.bench.toy_claims import ALIKE, FRAMEWORKS, GAIN, LAW, LEVEL, SAME, claim, table


def decided(rule: Rule, runs: pd.DataFrame, seeds: int) -> decide.Finding:
    """A pooled row, judged alone."""
    finding = decide.Finding("toy", "part 0", "pooled", runs=len(runs))
    frameworks = tuple(dict.fromkeys(runs["framework"]))
    decide.decide(rule, runs, finding, decide.Design(seeds, frameworks))
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
