"""Primitives in NumPy, each with its derivative, derived by hand.

Images are (batch, height, width, channels), kernels (height, width, in, out), dense weights
(in, out): the canonical layout. Functions take nodes of a tape and return nodes. E is the
objective; delta is its gradient by the layer's output.

Convolutions go through the batch in blocks of a few images, so that the matrix of patches stays in
the cache; no loop runs over pixels, images or channels.
"""

import numpy as np
from numpy.lib.stride_tricks import as_strided

from implementations.exchange import exchangeable
from implementations.numpy.tape import Node, Workspace

BLOCK_BYTES = (
    500_000  # of the matrix of patches: it stays in a second-level cache with all around it
)


@exchangeable
def convolution(x: Node, weight: Node, bias: Node | None, stride: int, padding: int) -> Node:
    """x_ij = b + sum_a sum_b w_ab y_(i+a)(j+b): the deck's convolution, a cross-correlation.

    x (B, H, W, C), weight (h, w, C, K), bias (K,) or None -> (B, H', W', K) with
    H' = floor((H + 2 padding - h) / stride) + 1; `padding` zeros on every side.

    With P the matrix of patches, a row for each output position, P_(ij)(ab) = y_(si+a)(sj+b),
    the forward pass is X = P w. So, with delta = dE/dX,

        dE/dw_ab = sum_ij delta_ij y_(si+a)(sj+b) = (P^T delta)_ab
        dE/db    = sum_ij delta_ij
        dE/dy_ij = sum_a sum_b delta_((i-a)/s)((j-b)/s) w_ab      where (i-a)/s is whole

    The last is a correlation of delta, with s - 1 zeros put between its entries and enough around
    it, with the kernel turned by 180 degrees and its channels exchanged. Where the padding is as
    large as the kernel, outermost entries of delta saw zeros alone, and are cut off.
    """
    work, (height, width, channels, filters) = x.tape.workspace, weight.value.shape
    rows, columns = x.value.shape[1:3]
    sides = ((padding, padding), (padding, padding))
    matrix = weight.value.reshape(-1, filters)
    value = _correlate(x.value, matrix, (height, width), stride, sides, work)
    if bias is not None:
        value += bias.value

    def backward(delta: np.ndarray) -> None:
        if bias is not None and bias.wanted:
            bias.add_gradient(
                np.ones(delta.size // filters, delta.dtype) @ delta.reshape(-1, filters)
            )
        if weight.wanted:
            gradient = np.zeros_like(matrix)
            flat = delta.reshape(len(delta), -1, filters)
            for block, patches in _patches(x.value, (height, width), stride, sides, work):
                gradient += patches.T @ flat[block].reshape(-1, filters)
            weight.add_gradient(gradient.reshape(weight.value.shape))
        if x.wanted:
            spread = _spread(delta, stride)
            turned = weight.value[::-1, ::-1].transpose(0, 1, 3, 2).reshape(-1, channels)
            before = (height - 1 - padding, width - 1 - padding)
            after = (
                rows - spread.shape[1] - before[0] + height - 1,
                columns - spread.shape[2] - before[1] + width - 1,
            )
            spread, around = _seen(spread, tuple(zip(before, after, strict=True)))
            x.add_gradient(
                _correlate(spread, np.ascontiguousarray(turned), (height, width), 1, around, work)
            )

    inputs = (x, weight) if bias is None else (x, weight, bias)
    return x.tape.output(value, inputs, backward)


@exchangeable
def max_pool(x: Node, window: int, stride: int, choice: np.ndarray | None = None) -> Node:
    """x_ij = max over the window.

    x (B, H, W, C) -> (B, H', W', C), H' = floor((H - window) / stride) + 1, no padding. `choice`
    (B, H', W', C) names the entry to take instead of the maximum, counted in row-major order; -1
    leaves it to the maximum.

    dE/dy_ij = sum over the windows whose first maximum, in row-major order, is (i, j) of their
    delta; all other entries get nothing. Where windows overlap, their gradients add.
    """
    work, entries = x.tape.workspace, _windows(x.value, window, stride)
    value = work.empty(entries[0].shape, x.value.dtype)
    np.copyto(value, entries[0])
    for entry in entries[1:]:
        np.maximum(value, entry, out=value)
    if choice is not None:
        for position, entry in enumerate(entries):
            np.copyto(value, entry, where=choice == position)

    def backward(delta: np.ndarray) -> None:
        gradient = work.zeros(x.value.shape, delta.dtype)
        open_ = work.empty(delta.shape, np.dtype(bool))  # windows whose maximum is not yet found
        here = work.empty(delta.shape, np.dtype(bool))
        share = work.empty(delta.shape, delta.dtype)
        open_.fill(True)
        for position, (entry, target) in enumerate(
            zip(entries, _windows(gradient, window, stride), strict=True)
        ):
            np.equal(entry, value, out=here)
            if choice is not None:
                np.logical_or(here & (choice < 0), choice == position, out=here)
            np.logical_and(here, open_, out=here)
            np.logical_xor(open_, here, out=open_)
            np.multiply(delta, here, out=share)
            target += share
        for array in (open_, here, share):
            work.give_back(array)
        x.add_gradient(gradient)

    return x.tape.output(value, (x,), backward)


def max_pool_decision(x: np.ndarray, window: int, stride: int) -> tuple[np.ndarray, np.ndarray]:
    """Position of the first maximum in each window, and its distance to the runner-up."""
    entries = np.stack(_windows(x, window, stride), axis=-1)
    top = np.partition(entries, -2, axis=-1)
    return entries.argmax(axis=-1), top[..., -1] - top[..., -2]


def average_pool(x: Node, window: int, stride: int) -> Node:
    """x_ij = mean over the window.

    x (B, H, W, C) -> (B, H', W', C), H' = floor((H - window) / stride) + 1, no padding.

    dE/dy_ij = sum over the windows that hold (i, j) of their delta / window^2
    """
    entries = _windows(x.value, window, stride)
    value = sum(entries[1:], entries[0]) / window**2

    def backward(delta: np.ndarray) -> None:
        gradient = np.zeros_like(x.value)
        share = delta / window**2
        for target in _windows(gradient, window, stride):
            target += share
        x.add_gradient(gradient)

    return x.tape.output(value, (x,), backward)


def flatten(x: Node) -> Node:
    """(B, H, W, C) -> (B, H * W * C): in height, width, channel order. dE/dx = delta, reshaped."""

    def backward(delta: np.ndarray) -> None:
        x.add_gradient(delta.reshape(x.value.shape))

    return x.tape.output(x.value.reshape(len(x.value), -1), (x,), backward)


@exchangeable
def dense(x: Node, weight: Node, bias: Node | None) -> Node:
    """x W + b. x (B, n), weight (n, m), bias (m,) or None -> (B, m).

    dE/dW = x^T delta        dE/db = sum over the batch of delta        dE/dx = delta W^T
    """

    def backward(delta: np.ndarray) -> None:
        if weight.wanted:
            weight.add_gradient(x.value.T @ delta)
        if bias is not None and bias.wanted:
            bias.add_gradient(delta.sum(axis=0))
        if x.wanted:
            x.add_gradient(delta @ weight.value.T)

    product = x.value @ weight.value
    if bias is None:
        return x.tape.output(product, (x, weight), backward)
    return x.tape.output(product + bias.value, (x, weight, bias), backward)


def softmax_cross_entropy(logits: Node, labels: np.ndarray) -> Node:
    """E = -(1/B) sum_b log softmax(logits_b)[labels_b]. logits (B, K), labels (B,) -> scalar.

    dE/dlogits_bk = (softmax(logits_b)_k - [k = labels_b]) / B
    """
    rows = np.arange(len(labels))
    shifted = logits.value - logits.value.max(axis=1, keepdims=True)
    exponentials = np.exp(shifted)
    sums = exponentials.sum(axis=1, keepdims=True)
    losses = np.log(sums[:, 0]) - shifted[rows, labels]

    def backward(delta: np.ndarray) -> None:
        gradient = exponentials / sums
        gradient[rows, labels] -= 1
        logits.add_gradient(gradient * (delta / logits.value.dtype.type(len(labels))))

    return logits.tape.output(losses.mean(), (logits,), backward)


def _correlate(
    x: np.ndarray,
    matrix: np.ndarray,
    kernel: tuple[int, int],
    stride: int,
    sides: tuple[tuple[int, int], ...],
    work: Workspace,
) -> np.ndarray:
    """The matrix of patches times `matrix` (h * w * C, K) -> (B, H', W', K)."""
    shape = (len(x), *_output_size(x, kernel, stride, sides), matrix.shape[1])
    value = work.empty(shape, x.dtype)
    flat = value.reshape(len(x), -1, matrix.shape[1])
    for block, patches in _patches(x, kernel, stride, sides, work):
        np.matmul(patches, matrix, out=flat[block].reshape(-1, matrix.shape[1]))
    return value


def _patches(x: np.ndarray, kernel, stride: int, sides, work: Workspace):
    """Yield (block of images, its matrix of patches (positions, h * w * C)).

    One strided copy a block: for a fixed row of the kernel, its w columns and all channels lie
    side by side in a padded image.
    """
    batch, channels = len(x), x.shape[3]
    rows, columns = _output_size(x, kernel, stride, sides)
    width = kernel[1] * channels
    image_bytes = rows * columns * kernel[0] * width * x.itemsize
    size = max(1, min(batch, BLOCK_BYTES // image_bytes))
    padded_shape = (size, x.shape[1] + sum(sides[0]), x.shape[2] + sum(sides[1]), channels)
    padded = work.zeros(padded_shape, x.dtype)
    patches = work.empty((size, rows, columns, kernel[0], width), x.dtype)
    by_image, by_row, by_column, by_channel = padded.strides
    view = as_strided(
        padded,
        patches.shape,
        (by_image, stride * by_row, stride * by_column, by_row, by_channel),
    )
    inside = padded[
        :, sides[0][0] : sides[0][0] + x.shape[1], sides[1][0] : sides[1][0] + x.shape[2]
    ]
    for start in range(0, batch, size):
        block = slice(start, min(start + size, batch))
        count = block.stop - start
        inside[:count] = x[block]
        patches[:count] = view[:count]
        yield block, patches[:count].reshape(count * rows * columns, -1)
    work.give_back(padded)
    work.give_back(patches)


def _output_size(x: np.ndarray, kernel, stride: int, sides) -> tuple[int, int]:
    rows = (x.shape[1] + sum(sides[0]) - kernel[0]) // stride + 1
    return rows, (x.shape[2] + sum(sides[1]) - kernel[1]) // stride + 1


def _spread(delta: np.ndarray, stride: int) -> np.ndarray:
    """Put stride - 1 zeros between the entries of the two spatial axes."""
    if stride == 1:
        return delta
    batch, rows, columns, filters = delta.shape
    shape = (batch, (rows - 1) * stride + 1, (columns - 1) * stride + 1, filters)
    spread = np.zeros(shape, delta.dtype)
    spread[:, ::stride, ::stride] = delta
    return spread


def _seen(
    spread: np.ndarray, around: tuple[tuple[int, int], ...]
) -> tuple[np.ndarray, tuple[tuple[int, int], ...]]:
    """delta and the zeros around it; fewer than none are so many rows or columns cut off."""
    rows, columns = (
        slice(max(0, -before), side - max(0, -after))
        for side, (before, after) in zip(spread.shape[1:3], around, strict=True)
    )
    zeros = tuple((max(0, before), max(0, after)) for before, after in around)
    return spread[:, rows, columns], zeros


def _windows(x: np.ndarray, window: int, stride: int) -> list[np.ndarray]:
    """(B, H, W, C) -> window * window views (B, H', W', C), in row-major order."""
    rows = (x.shape[1] - window) // stride + 1
    columns = (x.shape[2] - window) // stride + 1
    return [
        x[:, a : a + stride * (rows - 1) + 1 : stride, b : b + stride * (columns - 1) + 1 : stride]
        for a in range(window)
        for b in range(window)
    ]
