"""How often a rule's own design finds what it looks for, by simulation.

The design is the number of seeds that are planned and the deviation that the rule names. It is the
power of the rule alone: judged with the other hypotheses of its claim, Holm's correction asks for
more.
"""

import functools
import math
from collections.abc import Iterator

import numpy as np
from scipy import stats

from bench import inference
from bench.inference import ALPHA, BOOTSTRAP_FROM
from bench.randomness import stream

SIMULATIONS = 20_000
BATCH = 500
BATCHES_OF_BOOTSTRAPS = 8
RESAMPLES = 1_999


@functools.cache
def of_level(n: int, effect: float, deviation: float) -> float:
    """How often n values around `effect` are found to lie at or above 0."""
    if n < 2:
        return 0.0
    return float(np.mean([found.mean() for found, _ in _designs(n, effect, deviation)]))


@functools.cache
def of_difference(n: int, effect: float, deviation: float) -> float:
    """How often n paired differences around `effect` are found to be above 0, and not too small.

    Too small: shown by two one-sided tests to lie within plus or minus `effect`.
    """
    if n < 2:
        return 0.0
    critical = stats.t.ppf(1 - ALPHA, n - 1)
    shares = []
    for found, x in _designs(n, effect, deviation):
        half = critical * x.std(axis=1, ddof=1) / math.sqrt(n)
        shares.append((found & (np.abs(x.mean(axis=1)) + half >= effect)).mean())
    return float(np.mean(shares))


@functools.cache
def of_equivalence(n: int, frameworks: int, margin: float, deviation: float) -> float:
    """How often every pair of equal frameworks passes both one-sided tests.

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


def _designs(n: int, effect: float, deviation: float) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Batches of simulated designs: whether each is found to be above 0, and its values."""
    draws = stream(0, "power of a mean")
    critical = stats.t.ppf(1 - ALPHA / 2, n - 1)
    bootstraps = n >= BOOTSTRAP_FROM
    for _ in range(BATCHES_OF_BOOTSTRAPS if bootstraps else SIMULATIONS // BATCH):
        x = draws.normal(effect, deviation, (BATCH, n))
        found = x.mean(axis=1) - critical * x.std(axis=1, ddof=1) / math.sqrt(n) >= 0
        if bootstraps:  # the interval and the t test behind Holm's p must both say so
            found &= inference.bca_bounds(x, resamples=RESAMPLES)[0] >= 0
        yield found, x
