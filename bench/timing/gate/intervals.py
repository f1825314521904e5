"""From pairs of processes to a verdict, and how often it may be wrong.

d_k = log(head / base) is what pair k of processes found for one benchmark. A process draws its
memory layout once and keeps it, so it is the pair that is repeated, however many steps it makes.
With n pairs of mean d and deviation s, and m benchmarks in the run, or in all the runs that share
them out,

    low  = d - t s / sqrt(n)      t: quantile 1 - ALPHA / m of Student's t with n - 1 degrees
    high = d + t s / sqrt(n)

A benchmark is slower where low > log(1 + allowed). Where its true ratio is at most 1 + allowed,
that happens with probability ALPHA / m at most, if the d_k are independent and normal; and so with
probability ALPHA at most for any of m benchmarks (Bonferroni, under every dependence between them:
those that share processes are dependent). Holm's steps would name more benchmarks once one is
found, but find a first one in exactly the same cases, and give no intervals.

Pairs are made until a benchmark is settled, log(1 + allowed) being above its interval, or until
there are as many as were asked for; only then can it be slower. Who is settled could have become
slower and does not: the probability above can but fall. (The interval of one that is settled early
is a little too narrow, since a narrow one settles.)

Two equal commits lie below the border by log(1 + allowed), so ALPHA is their worst case, under a
noise that makes `allowed` small; and without it base and head can be exchanged, which makes d_k
symmetric whatever its distribution: a heavy tail makes Student's t err less, not more (Efron 1969,
"Student's t-test under symmetry conditions"). proof.py measures both kinds of error.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy import optimize, stats

from bench.errors import UserError

ALPHA = 0.01  # of a whole run: one in a hundred fails without a cause, at most
POWER = 0.95  # with which `detectable` would be seen
WIDEST = 4.0  # deviations of a pair that an interval may reach to one side


@dataclass(frozen=True)
class Judged:
    """Ratios head / base. detectable: the ratio that would have been called slower, with POWER."""

    ratio: float
    low: float
    high: float
    deviation: float  # s, of the logarithm
    detectable: float
    verdict: str  # slower, faster, or as fast


def settled(differences: Sequence[float], allowed: float, benchmarks: int) -> bool:
    """Whether these d_k suffice to say that one of so many benchmarks is not slower."""
    if len(differences) < least_pairs(benchmarks):
        return False
    mean, _, reach = _interval(differences, benchmarks)
    return mean + reach < math.log1p(allowed)


def judge(differences: Sequence[float], allowed: float, benchmarks: int) -> Judged:
    """The verdict on one of so many benchmarks, from its d_k."""
    n, border = len(differences), math.log1p(allowed)
    mean, deviation, reach = _interval(differences, benchmarks)
    low, high = mean - reach, mean + reach
    return Judged(
        ratio=math.exp(mean),
        low=math.exp(low),
        high=math.exp(high),
        deviation=deviation,
        detectable=math.exp(border + _noncentrality(n, benchmarks) * deviation / math.sqrt(n)),
        verdict="slower" if low > border else "faster" if high < 0 else "as fast",
    )


def _interval(differences: Sequence[float], benchmarks: int) -> tuple[float, float, float]:
    """d, s, and how far the interval reaches to each side of d."""
    d, n = np.asarray(differences, float), len(differences)
    deviation = float(d.std(ddof=1))
    return float(d.mean()), deviation, _quantile(n, benchmarks) * deviation / math.sqrt(n)


@cache
def least_pairs(benchmarks: int) -> int:
    """Fewer would give intervals that reach further than WIDEST deviations of one pair."""
    n = 2
    while _quantile(n, benchmarks) / math.sqrt(n) > WIDEST:
        n += 1
    return n


def check_pairs(pairs: int, benchmarks: int) -> None:
    """Raises UserError for fewer pairs than the interval needs."""
    needed = least_pairs(benchmarks)
    if pairs < needed:
        raise UserError(
            f"{pairs} pairs of processes are too few for {benchmarks} benchmarks at once: their "
            f"interval would be wider than anything it is asked for; take {needed} or more"
        )


def _quantile(n: int, benchmarks: int) -> float:
    return float(stats.t.isf(ALPHA / benchmarks, n - 1))


def _noncentrality(n: int, benchmarks: int) -> float:
    """The distance from the border, in standard errors, that is seen with POWER."""
    critical = _quantile(n, benchmarks)

    def shortfall(size: float) -> float:
        return float(stats.nct.sf(critical, n - 1, size)) - POWER

    return float(optimize.root_scalar(shortfall, bracket=(0.0, 10 * critical + 10)).root)
