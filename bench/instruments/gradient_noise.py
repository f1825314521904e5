"""How noisy the gradient of a mini-batch is, and how that falls with the batch's size.

With g_i the gradient of one example of a population of N, and G_B the mean of B of them drawn with
replacement,

    tr Σ       = (1/N) Σ_i |g_i|² - |ḡ|²                  exact
    tr cov G_B = tr Σ / B                                 what the law says
    estimate   = (1/(K - 1)) Σ_k |G_k - mean G|²          from K drawn batches, unbiased
    noise scale = tr Σ / |ḡ|²                             the batch at which noise equals gradient

Without replacement the covariance has the further factor (N - B)/(N - 1). McCandlish, Kaplan,
Amodei and the OpenAI Dota team (2018), "An empirical model of large-batch training", equation 2.9.

|G|² runs over all parameters. Sums are kept, not gradients, and in float64: the estimate subtracts
numbers of like size.
"""

import math
from collections.abc import Iterable, Mapping

import numpy as np

from bench.contract import Arrays, System
from bench.randomness import stream


class Moments:
    """The mean and the total variance of vectors, in one pass (Welford, 1962)."""

    def __init__(self) -> None:
        self.count = 0
        self.mean: dict[str, np.ndarray] = {}
        self.squares = 0.0  # Σ |G - mean|²

    def add(self, gradient: Arrays) -> None:
        """Gradients by parameter name; all have the same names."""
        self.count += 1
        for name, array in gradient.items():
            value = np.asarray(array, np.float64)
            mean = self.mean.setdefault(name, np.zeros_like(value))
            gap = value - mean
            mean += gap / self.count
            self.squares += float(np.vdot(gap, value - mean))

    def variance(self, lost: int = 0) -> float:
        """The trace of the covariance; lost=1 for the unbiased estimate from a sample."""
        return self.squares / (self.count - lost) if self.count > lost else math.nan

    def size(self) -> float:
        """|mean|²."""
        return float(sum(np.vdot(mean, mean) for mean in self.mean.values()))


def of_examples(system: System, update: str, x: np.ndarray, y: np.ndarray) -> Moments:
    """Exact: the gradient of every example of the population, one after the other."""
    singles = ({"x": x[n : n + 1], "y": y[n : n + 1]} for n in range(len(y)))
    return _moments(system, update, singles)


def of_batches(
    system: System, update: str, x: np.ndarray, y: np.ndarray, size: int, draws: int, seed: int
) -> Moments:
    """The gradients of so many batches, drawn from the population with replacement."""
    chosen = stream(seed, f"gradient noise/{size}").integers(0, len(y), (draws, size))
    return _moments(system, update, ({"x": x[rows], "y": y[rows]} for rows in chosen))


def slope(variances: Mapping[int, float]) -> float:
    """Least squares slope of log variance by log batch size; -1 is the law.

    Not-a-number where a variance is not above 0.
    """
    if not all(math.isfinite(v) and v > 0 for v in variances.values()):
        return math.nan
    sizes = np.log(list(variances))
    return float(np.polyfit(sizes, np.log(list(variances.values())), 1)[0])


def _moments(system: System, update: str, batches: Iterable[Arrays]) -> Moments:
    found = Moments()
    for batch in batches:
        found.add(system.differentiate(update, system.stage(batch)).gradients)
    return found
