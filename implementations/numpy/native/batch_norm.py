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
    images, as sums of products with numbers of a channel, so that nothing of x's size is kept:

        y = slope x + (shift - slope mean)                  slope = scale / deviation
        dE/dx = slope delta - steep x + (steep mean - slope mean(delta))
        steep = slope mean(delta (x - mean)) / deviation^2
    """
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
    ones = np.ones(images(x_rows), x_rows.dtype)
    scratch = work.empty((len(ones), x_rows.shape[1]), x_rows.dtype)
    sums = np.zeros_like(x_rows[0])
    for block in blocks(x_rows):
        sums += ones[: len(x_rows[block])] @ x_rows[block]
    mean = total(sums, width) / count
    middle, sums = tiled(mean, x_rows), np.zeros_like(sums)
    for block in blocks(x_rows):
        centered = np.subtract(x_rows[block], middle, out=scratch[: len(x_rows[block])])
        sums += np.einsum("ij,ij->j", centered, centered)
    variance = total(sums, width) / count
    deviation = np.sqrt(variance + epsilon)
    slope = scale.value / deviation
    value = _line(x_rows, slope, shift.value - slope * mean, work)
    work.give_back(scratch)

    def backward(delta: np.ndarray) -> None:
        deltas = rows(delta)
        scratch = work.empty((len(ones), x_rows.shape[1]), x_rows.dtype)
        shifts, scales = np.zeros_like(x_rows[0]), np.zeros_like(x_rows[0])
        for block in blocks(x_rows):
            here = deltas[block]
            centered = np.subtract(x_rows[block], middle, out=scratch[: len(here)])
            shifts += ones[: len(here)] @ here
            scales += np.einsum("ij,ij->j", here, centered)
        by_shift, by_scale = total(shifts, width), total(scales, width) / deviation
        if x.wanted:
            steep = slope * by_scale / deviation / count
            factor, across = tiled(slope, x_rows), tiled(steep, x_rows)
            offset = tiled(steep * mean - slope * by_shift / count, x_rows)
            for block in blocks(x_rows):
                here = deltas[block]
                here *= factor
                here += offset
                here -= np.multiply(x_rows[block], across, out=scratch[: len(here)])
            x.add_gradient(deltas.reshape(x.value.shape))
        work.give_back(scratch)
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
