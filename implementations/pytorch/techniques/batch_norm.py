"""Batch normalization in PyTorch, written out.

Ioffe and Szegedy (2015), "Batch normalization: accelerating deep network training by reducing
internal covariate shift", Algorithms 1 and 2.
"""

import torch
from torch import Tensor


def batch_norm(
    x: Tensor,
    scale: Tensor,
    shift: Tensor,
    running_mean: Tensor,
    running_variance: Tensor,
    training: bool,
    decay: float,
    epsilon: float,
    unbiased: bool,
) -> tuple[Tensor, Tensor, Tensor]:
    """y = scale (x - mean) / sqrt(variance + epsilon) + shift; new running statistics.

    x (B, n) or (B, C, H, W); scale, shift and the statistics (n,) or (C,). In training mean and
    variance are those of the m values of a channel, variance = sum (x - mean)^2 / m, and

        running <- decay running + (1 - decay) batch

    where the running variance takes the batch's times m / (m - 1) if it is to be unbiased; no
    gradient flows there. At inference the running statistics normalize, and come back unchanged.
    Raises ValueError for training on one value a channel: it has no variance.
    """
    others = [axis for axis in range(x.ndim) if axis != 1]
    along = [1, -1] + [1] * (x.ndim - 2)  # by channel
    if training:
        count = x.numel() // x.shape[1]
        if count < 2:
            raise ValueError("batch norm in training needs at least two values a channel")
        mean = x.mean(dim=others)
        centered = x - mean.view(along)
        variance = (centered * centered).mean(dim=others)
        with torch.no_grad():
            estimate = variance * (count / (count - 1)) if unbiased else variance
            running_mean = decay * running_mean + (1 - decay) * mean
            running_variance = decay * running_variance + (1 - decay) * estimate
    else:
        centered, variance = x - running_mean.view(along), running_variance
    normalized = centered / torch.sqrt(variance + epsilon).view(along)
    y = scale.view(along) * normalized + shift.view(along)
    return y, running_mean, running_variance
