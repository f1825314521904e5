"""Logistic regression on binary features of which some are rare: the problem Adagrad is made for.

Feature i of n is 1 with probability

    p_i = min(1/2, c i^-a),        c such that sum_i p_i = active

so that whatever the exponent a, an example has `active` ones on average: a = 0 makes all features
equally frequent, a larger one makes a few frequent and the others rare, as the words of a text are
(Zipf). The label is 1 with probability 1 / (1 + exp(-(x - p) w)), with true weights w drawn from
N(0, 1): a rare feature says as much as a frequent one where it is there.
"""

import dataclasses

import numpy as np
from scipy import optimize

from bench.randomness import stream


@dataclasses.dataclass(frozen=True)
class Sample:
    """x (N, features) of 0 and 1 in float64, y (N,) of 0 and 1."""

    x: np.ndarray
    y: np.ndarray


def probabilities(features: int, exponent: float, active: float) -> np.ndarray:
    """p_i for i = 1 ... features. Raises ValueError where so many ones cannot be had."""
    if not 0 < active <= features / 2:
        raise ValueError(f"active must be in (0, {features / 2:g}], got {active:g}")
    powers = np.arange(1, features + 1) ** -float(exponent)

    def excess(log_scale: float) -> float:
        return float(np.minimum(0.5, np.exp(log_scale) * powers).sum() - active)

    ends = np.log(active / powers.sum()), np.log(0.5 / powers.min())
    scale = optimize.brentq(excess, ends[0] - 1e-9, ends[1] + 1e-9)
    return np.minimum(0.5, np.exp(scale) * powers)


def draw(
    seed: int, examples: int, features: int, exponent: float, active: float
) -> tuple[Sample, Sample]:
    """So many examples to train on, and as many to test on, of one true model."""
    p = probabilities(features, exponent, active)
    # One name for all exponents: they share true weights and the draws behind x.
    weights = stream(seed, "sparse features/weights").normal(size=features)
    draws = stream(seed, "sparse features/examples")
    x = (draws.random((2 * examples, features)) < p).astype(np.float64)
    chance = 1 / (1 + np.exp(-(x - p) @ weights))
    y = (draws.random(2 * examples) < chance).astype(np.int64)
    return Sample(x[:examples], y[:examples]), Sample(x[examples:], y[examples:])
