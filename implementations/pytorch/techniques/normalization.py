"""Normalization of data in PyTorch: every channel to mean 0 and deviation 1."""

import torch
from torch import Tensor


def statistics(x: Tensor) -> tuple[Tensor, Tensor]:
    """mean = sum x / m and deviation = sqrt(sum (x - mean)^2 / m), over the m values of a channel.

    x (B, n) or (B, C, H, W) -> twice (n,) or (C,). Of the population: divided by m, not by m - 1.
    The deviation of a constant channel is exactly 0, whatever its mean was rounded to.
    """
    axes = [axis for axis in range(x.ndim) if axis != 1]
    constant = x.amax(dim=axes) == x.amin(dim=axes)
    deviation = x.std(dim=axes, correction=0)
    return x.mean(dim=axes), torch.where(constant, 0, deviation)


def standardize(x: Tensor, mean: Tensor, deviation: Tensor) -> Tensor:
    """(x - mean) / deviation. x (B, n) or (B, C, H, W), mean and deviation (n,) or (C,).

    A constant channel, whose deviation is 0, is divided by 1.
    """
    along = [1, -1] + [1] * (x.ndim - 2)
    return (x - mean.view(along)) / torch.where(deviation == 0, 1, deviation).view(along)
