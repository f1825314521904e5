"""Batch normalization in PyTorch, written out.

Ioffe and Szegedy (2015), "Batch normalization: accelerating deep network training by reducing
internal covariate shift", Algorithms 1 and 2.
"""

import torch
from torch import Tensor

from bench.errors import UserError
from implementations.exchange import exchangeable


@exchangeable
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
    """y = scale (x - mean) / sqrt(variance + epsilon) + shift, and the new running statistics.

    x (B, n) or (B, C, H, W), the others (n,) or (C,). In training, over the m values of a channel,

        mean = sum x / m        variance = sum (x - mean)^2 / m
        running <- decay running + (1 - decay) batch

    where the running variance takes sum (x - mean)^2 / (m - 1) if `unbiased`. Gradients flow
    through the statistics of the batch, none into the running ones. At inference the running
    statistics normalize, and come back unchanged.

    Raises UserError for training on one value a channel: it has no variance.
    """
    axes = [axis for axis in range(x.ndim) if axis != 1]
    along = [1, -1] + [1] * (x.ndim - 2)  # by channel
    if training:
        count = x.numel() // x.shape[1]
        if count < 2:
            raise UserError(f"batch norm in training needs two values a channel, got {count}")
        mean = x.mean(dim=axes)
        centered = x - mean.view(along)
        variance = (centered * centered).mean(dim=axes)
        with torch.no_grad():
            estimate = variance * (count / (count - 1)) if unbiased else variance
            running_mean = decay * running_mean + (1 - decay) * mean
            running_variance = decay * running_variance + (1 - decay) * estimate
    else:
        centered, variance = x - running_mean.view(along), running_variance
    normalized = centered / torch.sqrt(variance + epsilon).view(along)
    y = scale.view(along) * normalized + shift.view(along)
    return y, running_mean, running_variance
