"""What is decided about a claim: hypotheses, each with a rule that was fixed before its runs.

A rule is data, not code: bench.verdict evaluates it, so that editing the statistics does not rerun
the training, and the hash of rule and statement enters every run, so that a rule changed after the
fact leaves its old runs unjudged.
"""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Bound:
    """Exact sameness: the largest value of `metric` over seeds and frameworks stays below `limit`.

    Supported below the limit, refuted when the smallest value is above it, else conditional.
    """

    metric: str
    arm: str
    limit: float


@dataclass(frozen=True)
class AtLeast:
    """A level: the mean of `metric` reaches `threshold`.

    effect = mean - threshold. Supported: the 95 % interval lies at or above 0. Refuted: it lies
    below 0. Else inconclusive, with the smallest effect this many seeds could have seen.
    `deviation` is the standard deviation over seeds the design is planned for (states the power).
    """

    metric: str
    arm: str
    threshold: float
    smallest_effect: float
    deviation: float


@dataclass(frozen=True)
class Difference:
    """A paired difference by seed, `arm` minus `baseline`, in the claimed `direction`.

    Supported: the 95 % interval excludes 0 in the claimed direction. Refuted: it excludes 0 the
    other way, or two one-sided tests place the effect within plus or minus `smallest_effect`,
    whatever its sign: an effect too small to matter. Else inconclusive. That the estimate itself
    exceeds the smallest effect is not asked for: an effect of just that size is estimated below it
    half of the time, and no number of seeds would give the rule a power above 0.5.

    `arm` is the one that the claim expects to do better: a run that diverged is the worse of its
    pair, whatever the metric (bench/decide.py).
    """

    metric: str
    arm: str
    baseline: str
    direction: Literal["greater", "less"]
    smallest_effect: float
    deviation: float


@dataclass(frozen=True)
class Equivalent:
    """The frameworks agree: every two of them within plus or minus `margin` on shared seeds.

    Two one-sided tests (5 % each) for each pair of frameworks; supported when every pair passes
    (an intersection-union test, which needs no correction); refuted when some pair is shown to lie
    outside the margin, by Holm over the pairs; else inconclusive. `deviation`: of a paired
    difference, for the power.
    """

    metric: str
    arm: str
    margin: float
    deviation: float


@dataclass(frozen=True)
class Within:
    """A law: the mean of `metric` lies within [low, high].

    Two one-sided tests at 5 %. Supported: both pass. Refuted: the mean is shown to lie outside.
    Else inconclusive. `deviation`: over seeds, for the power at the middle.
    """

    metric: str
    arm: str
    low: float
    high: float
    deviation: float


@dataclass(frozen=True)
class Same:
    """Two arms do the same: the paired difference by seed lies within plus or minus `margin`.

    Two one-sided tests at 5 %, as in Within. `deviation`: of a paired difference.
    """

    metric: str
    arm: str
    baseline: str
    margin: float
    deviation: float


Rule = Bound | AtLeast | Difference | Equivalent | Within | Same


@dataclass(frozen=True)
class Hypothesis:
    name: str  # short, lower case, unique within the claim
    statement: str  # one English sentence that can be true or false
    rule: Rule
    role: Literal["claim", "mended"] = "claim"
    setting: str = ""  # what this hypothesis is a setting of, named in a conditional verdict
