"""Convolution, ReLU and pooling, as in layers.py and techniques/activations.py."""

import math
from collections.abc import Iterator

import numpy as np
from numpy.lib.stride_tricks import as_strided

from implementations.numpy import layers
from implementations.numpy.native import segmentation
from implementations.numpy.native.blocks import BLOCK, blocks, rows, tiled, total
from implementations.numpy.tape import Node


def convolution(x: Node, weight: Node, bias: Node | None, stride: int, padding: int) -> Node:
    """The bias is added, and its gradient summed, row by row."""
    if x.value.shape[3] == 1 and not x.wanted:
        return _of_one_channel(x, weight, bias, stride, padding)
    y = layers.convolution(x, weight, None, stride, padding)
    if bias is None:
        return y
    in_rows, filters = rows(y.value), len(bias.value)
    in_rows += tiled(bias.value, in_rows)

    def backward(delta: np.ndarray) -> None:
        if bias.wanted:
            bias.add_gradient(total(rows(delta).sum(axis=0), filters))
        y.add_gradient(delta)

    return x.tape.output(y.value, (y, bias), backward)


def _of_one_channel(x: Node, weight: Node, bias: Node | None, stride: int, padding: int) -> Node:
    """With a row of the matrix of patches, here turned, for each position in the kernel; and a row
    of ones for the bias, which is one more row of the kernel.

    Such a row is an image, moved; x wants no gradient.
    """
    work, (height, width, _, filters) = x.tape.workspace, weight.value.shape
    batch, sides = len(x.value), ((padding, padding), (padding, padding))
    down, across = layers._output_size(x.value, (height, width), stride, sides)
    kernel = weight.value.reshape(-1, filters)
    matrix = kernel if bias is None else np.vstack([kernel, bias.value])
    value = work.empty((batch, down, across, filters), x.value.dtype)
    size = min(batch, math.ceil(BLOCK / (down * across * len(matrix))))

    def patches() -> Iterator[tuple[slice, np.ndarray]]:
        inner = x.value.shape[1:3]
        outer = (size, inner[0] + 2 * padding, inner[1] + 2 * padding)
        padded = work.zeros(outer, x.value.dtype)
        inside = padded[:, padding : padding + inner[0], padding : padding + inner[1]]
        turned = work.empty((len(matrix), size * down * across), x.value.dtype)
        turned[len(kernel) :] = 1
        moved = turned[: len(kernel)].reshape(height, width, size, down, across)
        by_image, by_row, by_column = padded.strides
        steps = (by_row, by_column, by_image, stride * by_row, stride * by_column)
        view = as_strided(padded, moved.shape, steps)
        for start in range(0, batch, size):
            block = slice(start, min(start + size, batch))
            count = block.stop - start
            inside[:count] = x.value[block, :, :, 0]
            moved[...] = view
            yield block, turned[:, : count * down * across]
        work.give_back(padded)
        work.give_back(turned)

    for block, turned in patches():
        np.matmul(turned.T, matrix, out=value[block].reshape(-1, filters))

    def backward(delta: np.ndarray) -> None:
        gradient = np.zeros_like(matrix)
        for block, turned in patches():
            gradient += turned @ delta[block].reshape(-1, filters)
        if weight.wanted:
            weight.add_gradient(gradient[: len(kernel)].reshape(weight.value.shape))
        if bias is not None and bias.wanted:
            bias.add_gradient(gradient[len(kernel)])

    return x.tape.output(value, (weight,) if bias is None else (weight, bias), backward)


def relu(x: Node) -> Node:
    work = x.tape.workspace
    value = work.empty(x.value.shape, x.value.dtype)
    np.maximum(x.value, 0, out=value)

    def backward(delta: np.ndarray) -> None:
        for block in blocks(delta):
            delta[block] *= value[block] > 0
        x.add_gradient(delta)

    return x.tape.output(value, (x,), backward)


def max_pool(x: Node, window: int, stride: int, choice: np.ndarray | None = None) -> Node:
    """Of 2x2 side by side, where there is a way back: the index of the maximum is found once."""
    if (window, stride) != (2, 2) or choice is not None or not x.wanted:
        return layers.max_pool(x, window, stride, choice)
    return segmentation.max_pool_indices(x)[0]
