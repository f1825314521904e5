"""Convolution of 3x3 at stride 1 by minimal filtering, with 16 products where the taps take 36.

F(2x2, 3x3) of Winograd (1980, "Arithmetic complexity of computations"), as Lavin and Gray (2016,
"Fast algorithms for convolutional neural networks") use it. A tile Y of 2x2 outputs sees a window d
of 4x4 pixels; windows overlap by two. With the kernel g, and * entry by entry,

    Y = A^T [(G g G^T) * (B^T d B)] A

          1  0 -1  0          1    0    0         1  0
    B^T = 0  1  1  0     G = 1/2  1/2  1/2    A = 1  1
          0 -1  1  0         1/2 -1/2  1/2        1 -1
          0 -1  0  1          0    0    1         0  1

where the last rows of B^T and of A have turned their signs, which Y does not see. Of all channels,
each of the 16 entries is a product of matrices: with U = G g G^T (4, 4, C, K), V = B^T d B and M,

    M_ij = V_ij U_ij        (tiles, K) = (tiles, C) (C, K)

The way back is made of the transposes. With D = A delta A^T,

    dE/dU_ij = V_ij^T D_ij    dE/dg = G^T dE/dU G    dE/dV_ij = D_ij U_ij^T    dE/dd = B dE/dV B^T

and a pixel's gradient is the sum over the windows that hold it. The second row of A is of ones: a
bias is added to M_11, and its gradient is the sum of D_11.

The transforms, which add and subtract alone, are in tiles.py.
"""

from collections.abc import Iterator

import numpy as np

from implementations.numpy.native.blocks import BLOCK
from implementations.numpy.native.shifted import SMALL
from implementations.numpy.native.tiles import Tiles, Windows, across
from implementations.numpy.tape import Node, Workspace

G = np.array([[1, 0, 0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0, 0, 1]])
BOTH = np.kron(G, G)  # G g G^T as one product: (16, 9) (9, C K)
SAVED = 40  # multiplications saved for each number that is transformed: less does not pay
ROW = 256  # numbers of a row of tiles: shorter rows cost a sum more than its numbers do
TILES = 128  # of a batch: for fewer it does not pay to transform the kernel
ENOUGH = 48  # tiles of a block whose products are SMALL
MANY = 256  # tiles of a block whose products are not
CACHED = 5 * BLOCK  # entries of V and M together: with U they stay in a second-level cache


def images(x: np.ndarray, kernel: tuple[int, ...], stride: int, padding: int) -> int:
    """How many images make a block; 0: another way is faster.

    For C K (9 P - 16 T) multiplications less, of an image of P outputs in T tiles, 16 T (C + K)
    numbers of windows and tiles are summed up. Few channels do not pay for that, nor small images
    of odd sides, whose tiles stand over.

    A block is as large as its products are SMALL and its arrays in the cache. Where that is too few
    tiles for a product, as with many channels, it is larger: transforms weigh less there.
    """
    height, width, channels, filters = kernel
    if (height, width, stride) != (3, 3, 1) or padding > 1:
        return 0
    down, along = (across(side, padding) for side in x.shape[1:3])
    tiles, moved = down * along, 16 * down * along * (channels + filters)
    outputs = (x.shape[1] + 2 * padding - 2) * (x.shape[2] + 2 * padding - 2)
    saved = channels * filters * (9 * outputs - 16 * tiles)
    short = along * max(channels, filters) < ROW or len(x) * tiles < TILES
    if short or saved < SAVED * moved:
        return 0
    size = min(SMALL // (tiles * channels * filters), CACHED // moved)
    return min(len(x), size if size * tiles >= ENOUGH else -(-MANY // tiles))


def convolution(x: Node, weight: Node, bias: Node | None, padding: int, size: int) -> Node:
    """In blocks of `size` images: stride 1, 3x3, padding 0 or 1."""
    work, (batch, rows, columns, channels) = x.tape.workspace, x.value.shape
    filters, dtype = weight.value.shape[3], x.value.dtype
    shape = (rows + 2 * padding - 2, columns + 2 * padding - 2, filters)
    kernel = work.empty((16, channels * filters), dtype)
    np.matmul(BOTH.astype(dtype), weight.value.reshape(9, -1), out=kernel)
    kernel = kernel.reshape(16, channels, filters)
    value = work.empty((batch, *shape), dtype)
    for block, windows, tiles in _rooms(x.value, shape, padding, size, work):
        np.matmul(windows.of(x.value[block]), kernel, out=tiles.planes)
        if bias is not None:
            tiles.shifts += bias.value
        tiles.into(value[block])

    def backward(delta: np.ndarray) -> None:
        turned = work.empty((16, filters, channels), dtype)
        turned[...] = kernel.transpose(0, 2, 1)
        through = work.empty(x.value.shape, dtype) if x.wanted else None
        gradient = work.zeros(kernel.shape, dtype)
        product = work.empty(kernel.shape, dtype)
        shift = np.zeros(filters, dtype)
        for block, windows, tiles in _rooms(x.value, shape, padding, size, work):
            tiles.of(delta[block])
            if bias is not None and bias.wanted:
                shift += tiles.shifts.sum(axis=0)
            if weight.wanted:
                pixels = windows.of(x.value[block])
                gradient += np.matmul(pixels.transpose(0, 2, 1), tiles.planes, out=product)
            if through is not None:
                np.matmul(tiles.planes, turned, out=windows.planes)
                windows.into(through[block])
        if weight.wanted:
            taps = work.empty((9, channels * filters), dtype)
            np.matmul(BOTH.T.astype(dtype), gradient.reshape(16, -1), out=taps)
            weight.add_gradient(taps.reshape(weight.value.shape))
        for array in (turned, gradient, product):
            work.give_back(array)
        if bias is not None and bias.wanted:
            bias.add_gradient(shift)
        if through is not None:
            x.add_gradient(through)

    return x.tape.output(value, (x, weight) if bias is None else (x, weight, bias), backward)


def _rooms(
    x: np.ndarray, shape: tuple[int, ...], padding: int, size: int, work: Workspace
) -> Iterator[tuple[slice, Windows, Tiles]]:
    """Blocks of images, each with room for its windows and tiles."""
    whole = len(x) // size * size
    for first, last, images in ((0, whole, size), (whole, len(x), len(x) - whole)):
        if first == last:
            continue
        windows = Windows(images, x.shape[1:], padding, x.dtype, work)
        tiles = Tiles(images, shape, x.dtype, work)
        for start in range(first, last, images):
            yield slice(start, start + images), windows, tiles
        for array in (*windows.arrays, *tiles.arrays):
            work.give_back(array)
