"""Each rule of bench/hypothesis.py, decided on the runs of one row: pooled, or one framework's.

Seeds that several frameworks share count once in the pooled effect (their mean): counting one four
times would let a 95 % interval cover 84 %.

A run that diverged has no value, and is a result. In a level and in a difference it is worse than
any number (bench.inference says what that does to a mean): a level with a diverged run is not
supported, nor a difference whose arm alone diverged on a seed, and one whose baseline alone
diverged is not refuted, unless the other did so far more often. Where both arms of a pair diverged
they tie, but nothing is called too small to matter where a run diverged. A bound is broken by it.
Frameworks of which one alone diverged on a shared seed are not equivalent. A run that is not there
yet is none of this: it takes no part.

A censored value is a bound: a training that did not reach its target takes more steps than its
horizon h, and nobody knows how many. What a pair compares then are the restricted values min(T, h),
a difference of restricted means, as trials with a time to an event do: Royston and Parmar (2013),
"Restricted mean survival time: an alternative to the hazard ratio for the design and analysis of
randomized trials with a time-to-event outcome". Where one of a pair is censored its difference has
the right sign and is too small, so that it may speak for a direction, and against a sameness. It
never speaks for one: runs that both ended at the horizon tie up to there and perhaps nowhere else,
and one that did not arrive may be arbitrarily far from one that did. So nothing is called the same
or too small to matter where a pair is censored, and no effect is said that would have been seen. A
level, in which no baseline gives a bound its sign, is not decided with a censored run.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from bench import inference, power
from bench.hypothesis import AtLeast, Bound, Difference, Equivalent, Rule, Same, Within
from bench.inference import ALPHA, LEVEL

POOLED = "pooled"
NOT_JUDGED, INCONCLUSIVE, DIFFERS = "not judged", "inconclusive", "differs between frameworks"
SUPPORTED, REFUTED, CONDITIONAL = "supported", "refuted", "conditional"
SAMENESS = round(1 - 2 * ALPHA, 9)  # level of the interval that two one-sided tests make


@dataclass
class Finding:
    """One row of verdicts.json. The effect of a difference is positive in the claimed direction."""

    claim: str
    hypothesis: str
    framework: str
    verdict: str = NOT_JUDGED
    effect: float | None = None
    low: float | None = None
    high: float | None = None
    level: float | None = None  # of the interval; None where it is the range of all runs
    smallest_effect: float | None = None
    detectable_effect: float | None = None  # by this many seeds, with 80 % power
    power: float | None = None  # of the planned design, at the smallest effect
    runs: int = 0  # that the row rests on
    seeds: int = 0  # distinct ones
    diverged: int = 0  # runs
    censored: int = 0  # pairs of a difference, runs of a level
    p_value: float | None = None  # of a pooled level or difference: adjusted by Holm
    p_within: float | None = None  # a difference too small to matter: two one-sided tests
    agreement: float | None = None  # Cochran's Q over the frameworks, adjusted by Holm
    probability_of_superiority: float | None = None
    compared: str | None = None  # the two frameworks that decide whether all are equivalent
    complete: bool = False
    conditional_on: list[str] = field(default_factory=list)
    reason: str = ""

    def record(self) -> dict[str, Any]:
        """Valid JSON: a number that is not finite becomes null."""
        return {
            key: value if not isinstance(value, float) or math.isfinite(value) else None
            for key, value in vars(self).items()
        }


@dataclass(frozen=True)
class Design:
    """What was planned for a row: distinct seeds, and frameworks that share them."""

    seeds: int
    frameworks: tuple[str, ...]


def decide(rule: Rule, runs: pd.DataFrame, finding: Finding, design: Design) -> None:
    """Fill a finding. runs: framework, arm, seed, shared, value, censored; one metric, not empty.

    `value` is not-a-number for a run that diverged, and a bound where it is censored.
    """
    if isinstance(rule, Bound):
        _bound(rule, runs, finding)
    elif isinstance(rule, AtLeast):
        _level(rule, runs, finding, design)
    elif isinstance(rule, Difference):
        _difference(rule, runs, finding, design)
    elif isinstance(rule, Within | Same):
        _sameness(rule, runs, finding, design)
    else:
        _equivalent(rule, runs, finding, design)


def ruling(rule: Rule, finding: Finding) -> str:
    """The word for a mean, from its interval and p values.

    From ten seeds on the interval is a bootstrap's and p is a t test's: both must say so.
    """
    if finding.low is None or finding.high is None or finding.p_value is None:
        return INCONCLUSIVE
    within = finding.p_within is not None and finding.p_within < ALPHA
    if isinstance(rule, Within | Same):
        return SUPPORTED if within else REFUTED if finding.p_value < ALPHA else INCONCLUSIVE
    if within:
        return REFUTED
    if finding.p_value < ALPHA:
        # A level may be reached exactly; a difference of 0 is none.
        if finding.low > 0 or (isinstance(rule, AtLeast) and finding.low == 0):
            return SUPPORTED
        if finding.high < 0:
            return REFUTED
    return INCONCLUSIVE


def _bound(rule: Bound, runs: pd.DataFrame, finding: Finding) -> None:
    finding.diverged = int(runs["value"].isna().sum())
    values = runs["value"].fillna(math.inf)
    finding.effect, finding.low, finding.high = values.max(), values.min(), values.max()
    finding.smallest_effect, finding.seeds = rule.limit, distinct_seeds(runs).nunique()
    holds = values <= rule.limit
    sides = {_side(group) for _, group in holds.groupby(runs["framework"])}
    finding.verdict = sides.pop() if len(sides) == 1 else DIFFERS
    if finding.verdict == CONDITIONAL:
        finding.conditional_on = [f"the seed: {int(holds.sum())} of {len(holds)} runs hold"]


def _side(holds: pd.Series) -> str:
    return SUPPORTED if holds.all() else CONDITIONAL if holds.any() else REFUTED


def _level(rule: AtLeast, runs: pd.DataFrame, finding: Finding, design: Design) -> None:
    excess = (runs["value"] - rule.threshold).fillna(-math.inf)
    finding.diverged = int(runs["value"].isna().sum())
    finding.smallest_effect = rule.smallest_effect
    finding.power = power.of_level(design.seeds, rule.smallest_effect, rule.deviation)
    finding.censored = int(runs["censored"].sum())
    if finding.censored:
        finding.verdict, finding.seeds = INCONCLUSIVE, distinct_seeds(runs).nunique()
        return
    _describe(finding, runs.assign(value=excess))
    if finding.low is not None and finding.low == finding.high == 0:
        finding.p_value = 0.0  # every run lies exactly at the threshold, and reaches it
    finding.verdict = ruling(rule, finding)


def _difference(rule: Difference, runs: pd.DataFrame, finding: Finding, design: Design) -> None:
    sign = 1 if rule.direction == "greater" else -1
    finding.smallest_effect = rule.smallest_effect
    finding.power = power.of_difference(design.seeds, rule.smallest_effect, rule.deviation)
    pairs = _pairs(rule, runs, finding, sign)
    if pairs.empty:
        return
    values = _describe(finding, pairs)
    finding.probability_of_superiority = inference.superiority(values)
    if finding.censored:
        finding.detectable_effect = None
    elif len(values) > 1 and not finding.diverged:
        finding.p_within = inference.p_equivalent(values, rule.smallest_effect)
    finding.verdict = ruling(rule, finding)


def _sameness(rule: Within | Same, runs: pd.DataFrame, finding: Finding, design: Design) -> None:
    """Two one-sided tests, of a paired difference or of a level around the middle of its range."""
    if isinstance(rule, Same):
        margin, shift = rule.margin, 0.0
        pairs = _pairs(rule, runs, finding, 1)
    else:
        margin, shift = (rule.high - rule.low) / 2, (rule.high + rule.low) / 2
        finding.diverged = int(runs["value"].isna().sum())
        pairs = runs.assign(value=(runs["value"] - shift).fillna(-math.inf))
    finding.smallest_effect = margin
    # A pair of frameworks within a margin is the same test as a mean within it.
    finding.power = power.of_equivalence(design.seeds, 2, margin, rule.deviation)
    finding.verdict = INCONCLUSIVE
    if pairs.empty:
        return
    values = _describe(finding, pairs)
    found = inference.t_interval(values, SAMENESS)
    finding.effect, finding.low, finding.high = (end + shift for end in vars(found).values())
    finding.level = SAMENESS
    finding.detectable_effect = None if finding.censored else inference.detectable_margin(values)
    if len(values) > 1:
        finding.p_within = None if finding.censored else inference.p_equivalent(values, margin)
        finding.p_value = inference.p_outside(values, margin)
    finding.verdict = ruling(rule, finding)


def _pairs(rule: Difference | Same, runs: pd.DataFrame, finding: Finding, sign: int):
    """Arm minus baseline, times `sign`, on the seeds that have both."""
    by_seed = runs.set_index(["framework", "seed", "shared"])
    arms = [by_seed[by_seed["arm"] == arm] for arm in (rule.arm, rule.baseline)]
    finding.diverged = int(sum(arm["value"].isna().sum() for arm in arms))
    finding.verdict = INCONCLUSIVE
    ends = [arm["censored"] for arm in arms]
    finding.censored = int(pd.concat(ends, axis=1, join="inner").any(axis=1).sum())
    first, second = ((arm["value"] * sign).fillna(-math.inf) for arm in arms)
    paired = pd.concat([first, second], axis=1, join="inner")
    gains = (paired.iloc[:, 0] - paired.iloc[:, 1]).fillna(0.0)  # both diverged: a tie
    return gains.rename("value").reset_index()


def _equivalent(rule: Equivalent, runs: pd.DataFrame, finding: Finding, design: Design) -> None:
    """All pairs for the pooled row; for a framework's row the pairs it belongs to."""
    by_framework = {
        name: group.set_index("seed")["value"]
        for name, group in runs[runs["shared"]].groupby("framework")
    }
    there = [name for name in design.frameworks if name in by_framework]
    pairs = [p for p in combinations(there, 2) if finding.framework in (POOLED, *p)]
    finding.smallest_effect = rule.margin
    finding.diverged = int(runs["value"].isna().sum())
    finding.power = power.of_equivalence(
        design.seeds, len(design.frameworks), rule.margin, rule.deviation
    )
    differences: dict[tuple[str, str], list[float]] = {}
    lost = False
    for first, second in pairs:
        both = pd.concat([by_framework[first], by_framework[second]], axis=1, join="inner")
        one, other = both.iloc[:, 0], both.iloc[:, 1]
        lost = lost or bool((one.isna() != other.isna()).any())
        gap = one.fillna(math.inf) - other.fillna(math.inf)
        differences[first, second] = gap.fillna(0.0).tolist()  # both diverged: the same
    if not differences:
        return
    finding.seeds = min(len(values) for values in differences.values())
    finding.verdict = REFUTED if lost else INCONCLUSIVE
    if finding.seeds < 2:
        return
    found = {pair: inference.t_interval(d, SAMENESS) for pair, d in differences.items()}
    worst = max(found, key=lambda pair: max(-found[pair].low, found[pair].high))
    finding.effect, finding.low, finding.high = vars(found[worst]).values()
    finding.level = SAMENESS
    finding.compared = f"{worst[0]} minus {worst[1]}"
    finding.detectable_effect = inference.detectable_margin(differences[worst])
    finding.p_value = max(inference.p_equivalent(d, rule.margin) for d in differences.values())
    outside = inference.holm([inference.p_outside(d, rule.margin) for d in differences.values()])
    if min(outside) < ALPHA:
        finding.verdict = REFUTED
    elif finding.p_value < ALPHA:
        finding.verdict = SUPPORTED


def distinct_seeds(runs: pd.DataFrame) -> pd.Series:
    """The name of each run's seed: a shared one has the same in all frameworks, an own one not."""
    owner = runs["framework"].mask(runs["shared"].astype(bool), "shared")
    return owner.astype(str) + "/" + runs["seed"].astype(str)


def _pooled(runs: pd.DataFrame) -> list[float]:
    """One value a distinct seed: the mean over the frameworks that share it."""
    with np.errstate(invalid="ignore"):  # of infinite values with both signs
        means = runs["value"].groupby(distinct_seeds(runs)).mean()
    return means.fillna(0.0).tolist()  # worse here and better there by more than any number: a tie


def _describe(finding: Finding, runs: pd.DataFrame) -> Sequence[float]:
    """Effect, interval, p, what could have been seen, whether the frameworks agree."""
    values = _pooled(runs)
    found = inference.interval(values)
    finding.effect, finding.low, finding.high = found.mean, found.low, found.high
    finding.level, finding.seeds = LEVEL, len(values)
    finding.detectable_effect = inference.detectable(values)
    if len(values) > 1:
        finding.p_value = inference.p_two_sided(values)
    if finding.framework == POOLED:
        groups = [group.to_numpy() for _, group in runs.groupby("framework")["value"]]
        finding.agreement = inference.cochran_q(groups)
    return values
