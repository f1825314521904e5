"""Pooling by indices, its way back and the loss of pixels, as in segmentation.py."""

from collections.abc import Sequence

import numpy as np

from implementations.numpy import segmentation
from implementations.numpy.native.blocks import blocks
from implementations.numpy.tape import Node, Workspace


def max_pool_indices(x: Node, choice: np.ndarray | None = None) -> tuple[Node, np.ndarray]:
    """The larger of each row of a window, then the larger of both; of equals the first."""
    if choice is not None:
        return segmentation.max_pool_indices(x, choice)
    work, (batch, rows, columns, channels) = x.tape.workspace, x.value.shape
    shape = (batch, rows // 2, columns // 2, channels)
    value, index = work.empty(shape, x.value.dtype), work.empty(shape, np.dtype(np.int8))
    for block in blocks(x.value):
        a, b, c, d = segmentation._entries(x.value[block])
        upper, lower = value[block], np.maximum(c, d)
        np.maximum(a, b, out=upper)
        above, below = np.greater(b, a).view(np.int8), np.greater(d, c).view(np.int8)
        down = np.greater(lower, upper).view(np.int8)
        index[block] = above + down * (2 + below - above)
        np.maximum(upper, lower, out=upper)

    def backward(delta: np.ndarray) -> None:
        x.add_gradient(_put(delta, index, rows, columns, work))

    return x.tape.output(value, (x,), backward), index


def unpool(x: Node, index: np.ndarray, rows: int, columns: int) -> Node:
    work = x.tape.workspace

    def backward(delta: np.ndarray) -> None:
        gradient = work.zeros(x.value.shape, delta.dtype)
        for block in blocks(delta):
            here = gradient[block]
            for position, entry in enumerate(segmentation._entries(delta[block])):
                here += entry * (index[block] == position)
        x.add_gradient(gradient)

    return x.tape.output(_put(x.value, index, rows, columns, work), (x,), backward)


def pixel_cross_entropy(logits: Node, labels: np.ndarray, weights: Sequence[float]) -> Node:
    flat, dtype = labels.reshape(-1), logits.value.dtype
    pixels, own = np.arange(len(flat)), np.asarray(weights, dtype)[flat]
    scores = np.ascontiguousarray(logits.value.reshape(-1, len(weights)).T)  # a row for each class
    scores -= scores.max(axis=0)
    chosen = scores[flat, pixels]
    exponentials = np.exp(scores, out=scores)
    sums = exponentials.sum(axis=0)
    losses = own * (np.log(sums) - chosen)

    def backward(delta: np.ndarray) -> None:
        share = own * (delta / dtype.type(len(flat)))
        gradient = exponentials * (share / sums)
        gradient[flat, pixels] -= share
        logits.add_gradient(np.ascontiguousarray(gradient.T).reshape(logits.value.shape))

    return logits.tape.output(losses.mean(), (logits,), backward)


def _put(x: np.ndarray, index: np.ndarray, rows: int, columns: int, work: Workspace) -> np.ndarray:
    """Every value at its place in its window, zeros elsewhere; the windows fill an even image."""
    whole = rows % 2 == 0 and columns % 2 == 0
    value = (work.empty if whole else work.zeros)((len(x), rows, columns, x.shape[3]), x.dtype)
    for block in blocks(value):
        for position, target in enumerate(segmentation._entries(value[block])):
            np.multiply(x[block], index[block] == position, out=target)
    return value
