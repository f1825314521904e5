"""Convolution, as in layers.py: with a matrix of patches, without one (shifted.py), or with fewer
products (winograd.py)."""

import math
from collections.abc import Iterator

import numpy as np
from numpy.lib.stride_tricks import as_strided

from implementations.numpy import layers
from implementations.numpy.native import shifted, winograd
from implementations.numpy.native.blocks import BLOCK, rows, tiled, total
from implementations.numpy.tape import Node


def convolution(x: Node, weight: Node, bias: Node | None, stride: int, padding: int) -> Node:
    """The bias is added, and its gradient summed, row by row."""
    if x.value.shape[3] == 1 and not x.wanted:
        return _of_one_channel(x, weight, bias, stride, padding)
    size = winograd.images(x.value, weight.value.shape, stride, padding)
    if size:
        return winograd.convolution(x, weight, bias, padding, size)
    y = _unbiased(x, weight, stride, padding)
    if bias is None:
        return y
    in_rows, filters = rows(y.value), len(bias.value)
    in_rows += tiled(bias.value, in_rows)

    def backward(delta: np.ndarray) -> None:
        if bias.wanted:
            bias.add_gradient(total(rows(delta).sum(axis=0), filters))
        y.add_gradient(delta)

    return x.tape.output(y.value, (y, bias), backward)


def _unbiased(x: Node, weight: Node, stride: int, padding: int) -> Node:
    height, width, channels, filters = weight.value.shape
    if stride == 1 and height == width == 2 * padding + 1 > 1:
        size = shifted.images(x.value, weight.value.shape)
        if size:
            return shifted.convolution(x, weight, size)
    if not x.wanted:
        return layers.convolution(x, weight, None, stride, padding)
    if stride > 1:
        return _of_stride(x, weight, stride, padding)
    if filters > channels or padding >= min(height, width):
        return layers.convolution(x, weight, None, stride, padding)
    return _of_patches(x, weight, padding)


def _of_stride(x: Node, weight: Node, stride: int, padding: int) -> Node:
    """The gradient of the matrix of patches, each entry added to the pixel that it came from:

        dE/dP = delta w^T        dE/dy_ij = sum of the entries of dE/dP that hold y_ij

    No zeros are put between the entries of delta, which are most of the entries where it is done.
    """
    work, (height, width, channels, filters) = x.tape.workspace, weight.value.shape
    y = layers.convolution(Node(x.value, x.tape), weight, None, stride, padding)
    batch, down, across = y.value.shape[:3]
    inner = tuple(slice(padding, padding + side) for side in x.value.shape[1:3])

    def backward(delta: np.ndarray) -> None:
        y.add_gradient(delta)
        turned = np.ascontiguousarray(weight.value.reshape(-1, filters).T)
        size = min(batch, math.ceil(BLOCK / (down * across * turned.shape[1])))
        parts = work.empty((size, down, across, height, width, channels), delta.dtype)
        outer = (size, *(side + 2 * padding for side in x.value.shape[1:3]), channels)
        padded = work.empty(outer, delta.dtype)
        through = work.empty(x.value.shape, delta.dtype)
        for start in range(0, batch, size):
            here = delta[start : start + size]
            flat = parts[: len(here)].reshape(-1, turned.shape[1])
            np.matmul(here.reshape(-1, filters), turned, out=flat)
            padded.fill(0)
            for a in range(height):
                for b in range(width):
                    rows = slice(a, a + stride * (down - 1) + 1, stride)
                    columns = slice(b, b + stride * (across - 1) + 1, stride)
                    padded[: len(here), rows, columns] += parts[: len(here), :, :, a, b]
            through[start : start + size] = padded[: len(here), *inner]
        work.give_back(parts)
        work.give_back(padded)
        x.add_gradient(through)

    return x.tape.output(y.value, (x, y), backward)


def _of_patches(x: Node, weight: Node, padding: int) -> Node:
    """Of stride 1. On the way back the patches of delta serve both gradients.

    With Q_(ij)(ab) = delta_(i-a)(j-b), and w_ab^T with its channels exchanged,

        dE/dy_ij = sum_ab Q_(ij)(ab) w_ab^T        dE/dw_ab = sum_ij y_ij^T Q_(ij)(ab)

    where the matrix holds the rows and columns of the kernel in reverse.
    """
    work, (height, width, channels, filters) = x.tape.workspace, weight.value.shape
    kernel, ahead = (height, width), ((padding, padding), (padding, padding))
    matrix = weight.value.reshape(-1, filters)
    value = layers._correlate(x.value, matrix, kernel, 1, ahead, work)

    def backward(delta: np.ndarray) -> None:
        turned = weight.value[::-1, ::-1].transpose(0, 1, 3, 2).reshape(-1, channels)
        behind = tuple((side - 1 - padding, side - 1 - padding) for side in kernel)
        through = work.empty(x.value.shape, delta.dtype)
        gradient = np.zeros((channels, height * width * filters), delta.dtype)
        into, given = (a.reshape(len(a), -1, channels) for a in (through, x.value))
        for block, patches in layers._patches(delta, kernel, 1, behind, work):
            np.matmul(patches, turned, out=into[block].reshape(-1, channels))
            if weight.wanted:
                gradient += given[block].reshape(-1, channels).T @ patches
        if weight.wanted:
            by_tap = gradient.reshape(channels, height, width, filters)[:, ::-1, ::-1]
            weight.add_gradient(np.ascontiguousarray(by_tap.transpose(1, 2, 0, 3)))
        x.add_gradient(through)

    return x.tape.output(value, (x, weight), backward)


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
