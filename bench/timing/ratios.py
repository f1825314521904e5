"""What is said of two contestants that took turns: a ratio of times with an interval.

In round i, with times t_i and b_i, the two are compared by l_i = log(t_i / b_i): what slowed the
machine in that round slowed both. The ratio is exp(median l). Its interval is that of a median,
from the order statistics of the l_i: it assumes no distribution, so that a round in which something
else ran does not widen it.

The floor is what two processes that are the same showed in the same run: the far end of the
interval of their |log ratio|. A ratio is judged only where its interval leaves 1 out and it is
further from 1 than the floor.

A contestant is one process in all rounds. What a process draws once and keeps, its layout of memory
above all, is in no interval; the floor shows one such draw. And each ratio is judged by itself,
whatever their number. That describes a machine; bench/timing/gate is a test.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from bench.ranges import Range

LEVEL = 0.95
ROUNDS = 6  # the interval of a median at this level has ends from here on: 1 - 2 / 2^6 = 0.97
ENOUGH_ROUNDS = Range(ROUNDS, math.inf, open_high=True)
Values = Sequence[float] | np.ndarray


@dataclass(frozen=True)
class Ratio:
    """of times; below 1 where less time is needed."""

    ratio: float
    low: float
    high: float

    def beyond(self, floor: float) -> bool:
        """Whether the interval leaves 1 out, and the ratio is further from 1 than the floor."""
        return not self.low <= 1.0 <= self.high and abs(math.log(self.ratio)) > math.log1p(floor)


def compared(times: Values, baseline: Values) -> Ratio:
    """Of a contestant to a baseline, paired by round. Needs ENOUGH_ROUNDS."""
    middle, low, high = median(np.log(times) - np.log(baseline))
    return Ratio(math.exp(middle), math.exp(low), math.exp(high))


def median(by_round: np.ndarray) -> tuple[float, float, float]:
    """The median over rounds, and the interval that the order of the values gives it.

    So many of n rounds lie below the true median as heads fall in n tosses of a coin, whatever is
    distributed: the interval goes from the k-th smallest to the k-th largest value, with the
    largest k at which P(fewer than k heads) is at most (1 - LEVEL) / 2. Needs ENOUGH_ROUNDS.
    """
    ordered = np.sort(by_round)
    outside = int(stats.binom.ppf((1 - LEVEL) / 2, len(ordered), 0.5)) - 1
    while stats.binom.cdf(outside, len(ordered), 0.5) > (1 - LEVEL) / 2:
        outside -= 1
    return float(np.median(ordered)), float(ordered[outside]), float(ordered[-outside - 1])


def floor(control: Ratio) -> float:
    """How far from 1 the same thing measured twice may be: 0.012 is 1.2 %."""
    return max(1 / control.low, control.high) - 1
