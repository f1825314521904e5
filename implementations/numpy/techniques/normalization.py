"""Normalization of data in NumPy, on plain arrays: nothing here is differentiated."""

import numpy as np


def statistics(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and deviation of every channel, over all other axes. x (B, n) or (B, H, W, C).

    The deviation is the population's, sqrt(sum (x - mean)^2 / m), and exactly 0 for a channel that
    is constant, whatever its mean was rounded to.
    """
    others = tuple(range(x.ndim - 1))
    constant = x.max(axis=others) == x.min(axis=others)
    return x.mean(axis=others), np.where(constant, 0, x.std(axis=others, ddof=0))


def standardize(x: np.ndarray, mean: np.ndarray, deviation: np.ndarray) -> np.ndarray:
    """(x - mean) / deviation by channel; a constant channel, of deviation 0, is divided by 1."""
    return (x - mean) / np.where(deviation == 0, 1, deviation)
