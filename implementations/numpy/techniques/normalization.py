"""Normalization of data in NumPy: every channel to mean 0 and deviation 1."""

import numpy as np


def statistics(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """mean = sum x / m and deviation = sqrt(sum (x - mean)^2 / m), over the m values of a channel.

    x (B, n) or (B, H, W, C) -> twice (n,) or (C,). Of the population: divided by m, not by m - 1.
    The deviation of a constant channel is exactly 0, whatever its mean was rounded to.
    """
    axes = tuple(range(x.ndim - 1))
    constant = x.max(axis=axes) == x.min(axis=axes)
    return x.mean(axis=axes), np.where(constant, 0, x.std(axis=axes, ddof=0))


def standardize(x: np.ndarray, mean: np.ndarray, deviation: np.ndarray) -> np.ndarray:
    """(x - mean) / deviation. x (B, n) or (B, H, W, C), mean and deviation (n,) or (C,).

    A constant channel, whose deviation is 0, is divided by 1.
    """
    return (x - mean) / np.where(deviation == 0, 1, deviation)
