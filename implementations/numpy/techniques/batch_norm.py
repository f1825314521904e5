"""Batch normalization in NumPy, with its derivative, derived by hand.

Ioffe and Szegedy (2015), "Batch normalization: accelerating deep network training by reducing
internal covariate shift", Algorithms 1 and 2.
"""

import numpy as np

from bench.errors import UserError
from implementations.exchange import exchangeable
from implementations.numpy.tape import Node


@exchangeable
def batch_norm(
    x: Node,
    scale: Node,
    shift: Node,
    running_mean: np.ndarray,
    running_variance: np.ndarray,
    training: bool,
    decay: float,
    epsilon: float,
    unbiased: bool,
) -> tuple[Node, np.ndarray, np.ndarray]:
    """y = scale (x - mean) / sqrt(variance + epsilon) + shift, and the new running statistics.

    x (B, n) or (B, H, W, C), the others (n,) or (C,). In training, over the m values of a channel,

        mean = sum x / m        variance = sum (x - mean)^2 / m
        running <- decay running + (1 - decay) batch

    where the running variance takes sum (x - mean)^2 / (m - 1) if `unbiased`. Gradients flow
    through the statistics of the batch, none into the running ones. At inference the running
    statistics normalize, and come back unchanged.

    With delta = dE/dy and xhat = (x - mean) / sqrt(variance + epsilon),

        dE/dscale = sum delta xhat        dE/dshift = sum delta
        dE/dx = scale / sqrt(variance + epsilon) (delta - mean(delta) - xhat mean(delta xhat))

    The last two terms are what the batch's statistics pass on; at inference they are not there.

    Raises UserError for training on one value a channel: it has no variance.
    """
    count = x.value.size // x.value.shape[-1]
    if training:
        if count < 2:
            raise UserError(f"batch norm in training needs two values a channel, got {count}")
        mean = _sum(x.value) / count
        centered = x.value - mean
        variance = _sum(centered * centered) / count
        estimate = variance * (count / (count - 1)) if unbiased else variance
        new_mean = decay * running_mean + (1 - decay) * mean
        new_variance = decay * running_variance + (1 - decay) * estimate
    else:
        new_mean, new_variance = running_mean, running_variance
        centered, variance = x.value - running_mean, running_variance
    deviation = np.sqrt(variance + epsilon)
    normalized = centered / deviation

    def backward(delta: np.ndarray) -> None:
        by_scale, by_shift = _sum(delta * normalized), _sum(delta)
        if x.wanted:
            through = (by_shift + normalized * by_scale) / count if training else 0
            x.add_gradient(scale.value / deviation * (delta - through))
        if scale.wanted:
            scale.add_gradient(by_scale)
        if shift.wanted:
            shift.add_gradient(by_shift)

    value = scale.value * normalized + shift.value
    return x.tape.output(value, (x, scale, shift), backward), new_mean, new_variance


def _sum(x: np.ndarray) -> np.ndarray:
    """Over every axis but the last: first over the pixels of an image, then over images."""
    return x.reshape(len(x), -1, x.shape[-1]).sum(axis=1).sum(axis=0)
