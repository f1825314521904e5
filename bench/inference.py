"""The statistics of the verdicts: intervals fit for few seeds, equivalence, families, power.

All are two-sided at 95 % unless said otherwise, and deterministic: what is drawn comes from
bench.randomness.
"""

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import optimize, stats

from bench.randomness import stream

LEVEL = 0.95
ALPHA = 1 - LEVEL
BOOTSTRAP_FROM = 10  # distinct seeds: a bootstrap of 3 values covers 75 % instead of 95 %
RESAMPLES = 9_999
SIMULATIONS = 20_000
WANTED_POWER = 0.8


@dataclass(frozen=True)
class Interval:
    mean: float
    low: float
    high: float


def interval(values: Sequence[float], level: float = LEVEL) -> Interval:
    """The mean with its interval: Student's t below ten values, BCa bootstrap from there on.

    t: mean +- t_(n-1) s / sqrt(n). BCa: Efron (1987), "Better bootstrap confidence intervals".
    One value has no interval: (-inf, inf). Values that are all equal have no width.
    """
    x = np.asarray(values, float)
    mean = float(x.mean())
    if len(x) == 1:
        return Interval(mean, -math.inf, math.inf)
    if np.ptp(x) == 0:
        return Interval(mean, mean, mean)
    if len(x) >= BOOTSTRAP_FROM:
        found = stats.bootstrap(
            (x,),
            np.mean,
            confidence_level=level,
            n_resamples=RESAMPLES,
            method="BCa",
            rng=stream(0, "bootstrap"),
        ).confidence_interval
        return Interval(mean, float(found.low), float(found.high))
    half = float(stats.t.ppf((1 + level) / 2, len(x) - 1) * standard_error(x))
    return Interval(mean, mean - half, mean + half)


def standard_error(values: Sequence[float] | np.ndarray) -> float:
    """s / sqrt(n), s with n - 1."""
    x = np.asarray(values, float)
    return float(x.std(ddof=1) / math.sqrt(len(x)))


def p_greater(values: Sequence[float], null: float) -> float:
    """One-sided p of "the mean is above null", by Student's t."""
    x = np.asarray(values, float)
    if len(x) < 2:
        return 1.0
    error = standard_error(x)
    if error == 0:
        return 0.0 if x.mean() > null else 1.0
    return float(stats.t.sf((x.mean() - null) / error, len(x) - 1))


def p_less(values: Sequence[float], null: float) -> float:
    return p_greater([-value for value in values], -null)


def p_two_sided(values: Sequence[float], null: float = 0.0) -> float:
    return min(1.0, 2 * min(p_greater(values, null), p_less(values, null)))


def p_equivalent(values: Sequence[float], margin: float) -> float:
    """Two one-sided tests (Schuirmann, 1987): p of "the mean lies within plus or minus margin"."""
    return max(p_greater(values, -margin), p_less(values, margin))


def p_outside(values: Sequence[float], margin: float) -> float:
    """p of "the mean lies outside of plus or minus margin", two sides."""
    return min(1.0, 2 * min(p_greater(values, margin), p_less(values, -margin)))


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's (1979) adjusted p values: p_(i) (m - i + 1), made monotone, at most 1."""
    order = np.argsort(p_values)
    adjusted, running = [0.0] * len(p_values), 0.0
    for rank, index in enumerate(order):
        running = max(running, min(1.0, p_values[index] * (len(p_values) - rank)))
        adjusted[index] = running
    return adjusted


def cochran_q(groups: Sequence[Sequence[float]]) -> float | None:
    """p that all groups have one mean: Q = sum w_i (m_i - m)^2 ~ chi^2_(k-1), w_i = 1 / se_i^2.

    None where it cannot be asked: fewer than two groups with at least two differing values. Seeds that
    groups share make them alike, so that the test errs on the side of agreement.
    """
    usable = [np.asarray(g, float) for g in groups if len(g) >= 2 and np.ptp(g) > 0]
    if len(usable) < 2:
        return None
    weights = np.array([1 / standard_error(group) ** 2 for group in usable])
    means = np.array([group.mean() for group in usable])
    pooled = (weights * means).sum() / weights.sum()
    return float(stats.chi2.sf((weights * (means - pooled) ** 2).sum(), len(usable) - 1))


def superiority(differences: Sequence[float]) -> float:
    """The share of paired seeds in which the first arm is ahead; ties count half."""
    x = np.asarray(differences, float)
    return float(((x > 0) + 0.5 * (x == 0)).mean())


def detectable(n: int, deviation: float, power: float = WANTED_POWER) -> float | None:
    """The smallest effect that a two-sided t test of n values finds with this power.

    By the noncentral t: P(t_(n-1, effect sqrt(n) / deviation) > t_crit) = power.
    """
    if n < 2:
        return None
    if deviation == 0:
        return 0.0
    critical = stats.t.ppf(1 - ALPHA / 2, n - 1)

    def shortfall(size: float) -> float:
        return float(stats.nct.sf(critical, n - 1, size)) - power

    return float(optimize.brentq(shortfall, 0.0, 1000.0)) * deviation / math.sqrt(n)


@functools.cache
def power_of_level(n: int, effect: float, deviation: float) -> float:
    """How often n values around `effect` have a 95 % interval at or above 0, by simulation."""
    if n < 2:
        return 0.0
    x = stream(0, "power of a level").normal(effect, deviation, (SIMULATIONS, n))
    half = stats.t.ppf(1 - ALPHA / 2, n - 1) * x.std(axis=1, ddof=1) / math.sqrt(n)
    return float((x.mean(axis=1) - half >= 0).mean())


@functools.cache
def power_of_equivalence(n: int, frameworks: int, margin: float, deviation: float) -> float:
    """How often every pair of equal frameworks passes both one-sided tests, by simulation.

    `deviation` is that of a paired difference: each framework has deviation / sqrt(2) of its own.
    """
    if n < 2 or frameworks < 2:
        return 0.0
    own = deviation / math.sqrt(2)
    x = stream(0, "power of equivalence").normal(0, own, (SIMULATIONS, n, frameworks))
    critical = stats.t.ppf(1 - ALPHA, n - 1)
    passed = np.ones(SIMULATIONS, bool)
    for first in range(frameworks):
        for second in range(first + 1, frameworks):
            difference = x[..., first] - x[..., second]
            half = critical * difference.std(axis=1, ddof=1) / math.sqrt(n)
            passed &= np.abs(difference.mean(axis=1)) + half < margin
    return float(passed.mean())
