"""Normalization of data in PyTorch."""

import torch
from torch import Tensor


def statistics(x: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and deviation of every channel, over all other axes. x (B, n) or (B, C, H, W).

    The deviation is the population's, sqrt(sum (x - mean)^2 / m), not that of torch.std, and
    exactly 0 for a channel that is constant, whatever its mean was rounded to.
    """
    others = [axis for axis in range(x.ndim) if axis != 1]
    constant = x.amax(dim=others) == x.amin(dim=others)
    deviation = x.std(dim=others, correction=0)
    return x.mean(dim=others), torch.where(constant, 0, deviation)


def standardize(x: Tensor, mean: Tensor, deviation: Tensor) -> Tensor:
    """(x - mean) / deviation by channel; a constant channel, of deviation 0, is divided by 1."""
    along = [1, -1] + [1] * (x.ndim - 2)
    return (x - mean.view(along)) / torch.where(deviation == 0, 1, deviation).view(along)
