"""The statistics of the verdicts: intervals fit for few seeds, equivalence, families.

All are two-sided at 95 % unless said otherwise, and deterministic: what is drawn comes from
bench.randomness.

Values may be infinite: a run that diverged is worse than any number. A test then is the limit of
itself when the infinite values stand for one number V and V grows: the finite values no longer
count, and the signs (-1, 0, 1) of all are what is tested. So one diverged run of six decides
nothing (t = -1), five of six do (t = -5). For a statement that the infinite values speak for ("the
mean is below", where some are -inf) the finite ones may decide too: to leave the others out is
cautious.
"""

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import optimize, special, stats

from bench.randomness import stream

LEVEL = 0.95
ALPHA = 1 - LEVEL
BOOTSTRAP_FROM = 10  # distinct seeds: a bootstrap of 3 values covers 75 % instead of 95 %
RESAMPLES = 9_999
WANTED_POWER = 0.8
ROUNDING = 1e-12  # values that differ by less, relative to the largest, are equal

Values = Sequence[float] | np.ndarray


@dataclass(frozen=True)
class Interval:
    mean: float
    low: float
    high: float


def interval(values: Values, level: float = LEVEL) -> Interval:
    """The mean with its interval: Student's t below ten values, BCa bootstrap from there on.

    One value has no interval: (-inf, inf). Values that are all equal have no width. With infinite
    values the mean is infinite (not-a-number where they cancel), and so is at least one end.
    """
    x = np.asarray(values, float)
    if np.isinf(x).any():
        return _unbounded(x, level)
    if len(x) < BOOTSTRAP_FROM or standard_error(x) == 0:
        return t_interval(x, level)
    low, high = bca_bounds(x[None], level)
    return Interval(float(x.mean()), float(low[0]), float(high[0]))


def t_interval(values: Values, level: float = LEVEL) -> Interval:
    """Student's t: mean +- t_(n-1) s / sqrt(n)."""
    x = np.asarray(values, float)
    if np.isinf(x).any():
        return _unbounded(x, level)
    mean = float(x.mean())
    if len(x) == 1:
        return Interval(mean, -math.inf, math.inf)
    half = float(stats.t.ppf((1 + level) / 2, len(x) - 1) * standard_error(x))
    return Interval(mean, mean - half, mean + half)


def _unbounded(x: np.ndarray, level: float) -> Interval:
    """The interval of values of which some are infinite: see the module's docstring."""
    signs, finite = t_interval(_signs(x), level), x[np.isfinite(x)]
    low = math.inf if signs.low > 0 else -math.inf
    high = -math.inf if signs.high < 0 else math.inf
    if len(finite) > 1 and (x > -math.inf).all():
        low = max(low, interval(finite, level).low)
    if len(finite) > 1 and (x < math.inf).all():
        high = min(high, interval(finite, level).high)
    return Interval(math.copysign(math.inf, signs.mean) if signs.mean else math.nan, low, high)


def bca_bounds(
    samples: np.ndarray, level: float = LEVEL, resamples: int = RESAMPLES
) -> tuple[np.ndarray, np.ndarray]:
    """BCa bootstrap interval of the mean of each row. samples (samples, n), no row all equal.

    Efron (1987), "Better bootstrap confidence intervals": the bootstrap's quantiles at
    Phi(z0 + (z0 + z) / (1 - a (z0 + z))), with bias z0 and acceleration a = skewness / (6 sqrt(n)).
    For the level, z is not the normal's quantile but t_(n-1) sqrt(n / (n - 1)), which mends the
    bootstrap's narrowness at few values: Hesterberg (2015), "What teachers should know about the
    bootstrap". Of ten normal values the plain form covers 90 %, this one 95 %.
    """
    count, n = samples.shape
    mean = samples.mean(axis=1, keepdims=True)
    centered = samples - mean
    acceleration = (centered**3).sum(axis=1) / (6 * (centered**2).sum(axis=1) ** 1.5)
    drawn = np.sort(centered @ _resampling(n, resamples).T, axis=1)
    below = 0.5 * ((drawn < 0).mean(axis=1) + (drawn <= 0).mean(axis=1))
    bias = special.ndtri(below)
    expanded = stats.t.ppf((1 + level) / 2, n - 1) * math.sqrt(n / (n - 1))
    bounds = []
    for z in (-expanded, expanded):
        shifted = bias + z
        quantile = special.ndtr(bias + shifted / (1 - acceleration * shifted))
        place = quantile * (resamples - 1)
        left = np.clip(place.astype(int), 0, resamples - 2)
        weight, rows = place - left, np.arange(count)
        ends = drawn[rows, left] * (1 - weight) + drawn[rows, left + 1] * weight
        bounds.append(mean[:, 0] + ends)
    return bounds[0], bounds[1]


@functools.cache
def _resampling(n: int, resamples: int) -> np.ndarray:
    """How often each of n values is drawn, divided by n: (resamples, n), the same on every call."""
    draws = stream(n, "bootstrap").multinomial(n, np.full(n, 1 / n), resamples)
    return draws / n


def standard_error(values: Values) -> float:
    """s / sqrt(n), s with n - 1; exactly 0 for values that are equal but for rounding."""
    x = np.asarray(values, float)
    if np.ptp(x) <= ROUNDING * np.abs(x).max():
        return 0.0
    return float(x.std(ddof=1) / math.sqrt(len(x)))


def p_greater(values: Values, null: float) -> float:
    """One-sided p of "the mean is above null", by Student's t."""
    x = np.asarray(values, float)
    if len(x) < 2:
        return 1.0
    if np.isinf(x).any():
        spoken_for = p_greater(x[np.isfinite(x)], null) if (x > -math.inf).all() else 1.0
        return min(spoken_for, p_greater(_signs(x), 0.0))
    error, excess = standard_error(x), float(x.mean()) - null
    if error == 0:
        return 0.0 if excess > ROUNDING * max(abs(null), np.abs(x).max()) else 1.0
    return float(stats.t.sf(excess / error, len(x) - 1))


def p_less(values: Values, null: float) -> float:
    return p_greater(-np.asarray(values, float), -null)


def p_two_sided(values: Values, null: float = 0.0) -> float:
    return min(1.0, 2 * min(p_greater(values, null), p_less(values, null)))


def p_equivalent(values: Values, margin: float) -> float:
    """Two one-sided tests (Schuirmann, 1987): p of "the mean lies within plus or minus margin"."""
    return max(p_greater(values, -margin), p_less(values, margin))


def p_outside(values: Values, margin: float) -> float:
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


def cochran_q(groups: Sequence[Values]) -> float | None:
    """p that all groups have one mean, by Q = sum_i w_i (m_i - m)^2 with weights w_i = n_i / s^2.

    s^2 is pooled over the groups (the same experiment has the same deviation everywhere), and
    Q / (k - 1) is compared with F_(k-1, N-k), which knows that s was estimated. With a deviation
    for each group and chi^2, as where groups are large, four groups of three values would "differ"
    in 26 of 100 cases without a difference. Seeds that groups share make them alike: the test then
    errs on the side of agreement. None with fewer than two groups, or one value in each.
    """
    samples = [np.asarray(group, float) for group in groups if len(group)]
    total = sum(len(sample) for sample in samples)
    if len(samples) < 2 or total == len(samples):
        return None
    if any(np.isinf(sample).any() for sample in samples):
        samples = [_signs(sample) for sample in samples]
    everything = np.concatenate(samples)
    scale = ROUNDING * float(np.abs(everything).max())
    if np.ptp(everything) <= scale:
        return 1.0
    if all(np.ptp(sample) <= scale for sample in samples):
        return 0.0  # each framework always finds its own number
    return float(stats.f_oneway(*samples).pvalue)


def superiority(differences: Values) -> float:
    """The share of paired seeds in which the first arm is ahead; ties count half."""
    x = np.asarray(differences, float)
    return float(((x > 0) + 0.5 * (x == 0)).mean())


def detectable(values: Values, power: float = WANTED_POWER) -> float | None:
    """The smallest effect that a two-sided t test of as many values finds with this power.

    By the noncentral t, with the values' own deviation: P(t_(n-1, effect sqrt(n) / s) > t_crit) =
    power. None for fewer than two values, or where one is infinite.
    """
    n = len(values)
    if n < 2 or np.isinf(values).any():
        return None
    return _noncentrality(n, power) * standard_error(values)


@functools.cache
def _noncentrality(n: int, power: float) -> float:
    """The effect, in standard errors, that a two-sided t test of n values finds with this power."""
    critical = stats.t.ppf(1 - ALPHA / 2, n - 1)

    def shortfall(size: float) -> float:
        return float(stats.nct.sf(critical, n - 1, size)) - power

    return float(optimize.root_scalar(shortfall, bracket=(0.0, 1000.0)).root)


def detectable_margin(values: Values, power: float = WANTED_POWER) -> float | None:
    """The smallest margin within which as many values would be shown to be, if they are equal.

    (t_(0.95) + t_((1 + power) / 2)) s / sqrt(n), as sample sizes of equivalence trials are planned.
    """
    n = len(values)
    if n < 2 or np.isinf(values).any():
        return None
    size = stats.t.ppf(1 - ALPHA, n - 1) + stats.t.ppf((1 + power) / 2, n - 1)
    return float(size) * standard_error(values)


def _signs(x: np.ndarray) -> np.ndarray:
    """What is left of values of which some are infinite: -1, 0 for the finite ones, 1."""
    return np.where(np.isinf(x), np.sign(x), 0.0)
