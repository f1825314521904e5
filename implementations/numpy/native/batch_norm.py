"""Batch norm, as in techniques/batch_norm.py."""

import numpy as np

from bench.errors import UserError
from implementations.numpy.native.blocks import blocks, images, rows, tiled, total
from implementations.numpy.tape import Node, Workspace
from implementations.numpy.techniques import batch_norm as written_out


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
    """At inference one product and one sum, where nothing asks for a way back. In training of
    images, whose way back is through x less its mean, undivided."""
    asked = x.wanted or scale.wanted or shift.wanted
    if x.value.ndim == 2 if training else asked:
        return written_out.batch_norm(
            x, scale, shift, running_mean, running_variance, training, decay, epsilon, unbiased
        )
    x_rows, work, width = rows(x.value), x.tape.workspace, x.value.shape[-1]
    if not training:
        slope = scale.value / np.sqrt(running_variance + epsilon)
        value = _line(x_rows, slope, shift.value - running_mean * slope, work)
        return Node(value.reshape(x.value.shape), x.tape), running_mean, running_variance
    count = x.value.size // width
    if count < 2:
        raise UserError(f"batch norm in training needs two values a channel, got {count}")
    mean = total(x_rows.sum(axis=0), width) / count
    centered = work.empty(x_rows.shape, x_rows.dtype)
    product = work.empty((images(x_rows), x_rows.shape[1]), x_rows.dtype)
    sums, middle = np.zeros_like(x_rows[0]), tiled(mean, x_rows)
    for block in blocks(x_rows):
        here = np.subtract(x_rows[block], middle, out=centered[block])
        sums += np.multiply(here, here, out=product[: len(here)]).sum(axis=0)
    variance = total(sums, width) / count
    deviation = np.sqrt(variance + epsilon)
    value = _line(centered, scale.value / deviation, shift.value, work)

    def backward(delta: np.ndarray) -> None:
        deltas, sums = rows(delta), np.zeros_like(x_rows[0])
        for block in blocks(x_rows):
            here = deltas[block]
            sums += np.multiply(here, centered[block], out=product[: len(here)]).sum(axis=0)
        by_scale = total(sums, width) / deviation
        by_shift = total(deltas.sum(axis=0), width)
        if x.wanted:
            through = tiled(by_scale / deviation / count, x_rows)
            common = tiled(by_shift / count, x_rows)
            slope = tiled(scale.value / deviation, x_rows)
            for block in blocks(x_rows):
                here = deltas[block]
                here -= np.multiply(centered[block], through, out=product[: len(here)])
                here -= common
                here *= slope
            x.add_gradient(deltas.reshape(x.value.shape))
        if scale.wanted:
            scale.add_gradient(by_scale)
        if shift.wanted:
            shift.add_gradient(by_shift)

    estimate = variance * (count / (count - 1)) if unbiased else variance
    new_mean = decay * running_mean + (1 - decay) * mean
    new_variance = decay * running_variance + (1 - decay) * estimate
    y = x.tape.output(value.reshape(x.value.shape), (x, scale, shift), backward)
    return y, new_mean, new_variance


def _line(x: np.ndarray, slope: np.ndarray, offset: np.ndarray, work: Workspace) -> np.ndarray:
    """slope x + offset, by channel."""
    value = work.empty(x.shape, x.dtype)
    slope, offset = tiled(slope, x), tiled(offset, x)
    for block in blocks(x):
        here = np.multiply(x[block], slope, out=value[block])
        here += offset
    return value
