"""The transforms of winograd.py, as sums of long rows of memory.

Images are taken apart into their even and odd rows and columns. The pixels of a window are then in
different parts, at the same place or at the next, and the windows of a row of tiles are summed at
once; so are the planes of a transform that lie one behind another. Where a side of the outputs is
odd, the last tiles stand over, and see zeros.

Views and steps are put together once for all blocks of images: a sum of some thousand numbers takes
no longer than to cut its views.
"""

from collections.abc import Callable
from functools import partial

import numpy as np

from implementations.numpy.tape import Workspace

Steps = list[Callable[[], object]]


class Windows:
    """The windows of a few images, and the way back to their pixels. With T tiles down and across:

    parts    (2, 2, images, T + 1, T + 1, C)   padded images, by parity of row and column
    half     (4, 2, images, T + 1, T, C)       transformed along the columns
    planes   (16, images T T, C)               V, or dE/dV
    """

    def __init__(
        self, images: int, shape: tuple[int, ...], padding: int, dtype: np.dtype, work: Workspace
    ) -> None:
        rows, columns, channels = shape
        down, along = across(rows, padding), across(columns, padding)
        self.parts = work.zeros((2, 2, images, down + 1, along + 1, channels), dtype)
        self.through = work.empty(self.parts.shape, dtype)
        half = work.empty((4, 2, images, down + 1, along, channels), dtype)
        windows = work.empty((4, 4, images, down, along, channels), dtype)
        one = work.empty((4, images, down, along, channels), dtype)
        two = work.empty((2, images, down + 1, along, channels), dtype)
        self.arrays = self.parts, self.through, half, windows, one, two
        self.planes = windows.reshape(16, -1, channels)
        self.places = [
            ((a, b, slice(None), u, v), (slice(None), h, w))
            for a, (u, h) in enumerate(_parities(rows, padding))
            for b, (v, w) in enumerate(_parities(columns, padding))
        ]
        # First the axis along which windows overlap: of the columns, then of the rows.
        by_column = half.transpose(0, 4, 1, 2, 3, 5)
        by_row = half.transpose(1, 3, 0, 2, 4, 5)
        of_row = windows.transpose(0, 3, 1, 2, 4, 5)
        self.there = [
            *_windows(self.parts.transpose(1, 4, 0, 2, 3, 5), by_column),
            *_windows(by_row, of_row),
        ]
        self.back = [
            *_pixels(of_row, one.transpose(2, 0, 1, 3, 4), by_row),
            *_pixels(
                by_column,
                two.transpose(3, 0, 1, 2, 4),
                self.through.transpose(1, 4, 0, 2, 3, 5),
            ),
        ]

    def of(self, x: np.ndarray) -> np.ndarray:
        """B^T d B of the images."""
        for here, there in self.places:
            self.parts[here] = x[there]
        for step in self.there:
            step()
        return self.planes

    def into(self, gradient: np.ndarray) -> None:
        """B dE/dV B^T, summed over the windows that hold a pixel; dE/dV is lost."""
        for step in self.back:
            step()
        for here, there in self.places:
            gradient[there] = self.through[here]


class Tiles:
    """The tiles of a few images' outputs: planes (16, images T T, K), M or D."""

    def __init__(
        self, images: int, shape: tuple[int, ...], dtype: np.dtype, work: Workspace
    ) -> None:
        rows, columns, filters = shape
        tiles = work.zeros((4, 4, images, (rows + 1) // 2, (columns + 1) // 2, filters), dtype)
        self.arrays = (tiles,)
        self.planes = tiles.reshape(16, -1, filters)
        self.shifts = self.planes[5]  # M_11, or D_11

        def inside(i: int, j: int, a: int, b: int) -> np.ndarray:
            """Of a plane, what does not stand over: the outputs in row a, column b of a tile."""
            return tiles[i, j, :, : (rows + 1 - a) // 2, : (columns + 1 - b) // 2]

        places = [(a, b) for a in (0, 1) for b in (0, 1)]
        self.corners = [(inside(3 * a, 3 * b, a, b), _every(a, b)) for a, b in places]
        self.ends = [(inside(a, b, a, b), inside(a, b + 2, a, b), _every(a, b)) for a, b in places]
        upper, outer = tiles[:2], tiles[::3]
        self.there = [
            partial(np.add, tiles[0], tiles[1], tiles[0]),
            partial(np.add, tiles[0], tiles[2], tiles[0]),
            partial(np.subtract, tiles[1], tiles[2], tiles[1]),
            partial(np.add, tiles[1], tiles[3], tiles[1]),
            partial(np.add, upper[:, 0], upper[:, 1], upper[:, 0]),
            partial(np.subtract, upper[:, 1], upper[:, 2], upper[:, 1]),
        ]
        self.back = [
            partial(np.add, outer[:, 0], outer[:, 3], outer[:, 1]),
            partial(np.subtract, outer[:, 0], outer[:, 3], outer[:, 2]),
            partial(np.add, tiles[0], tiles[3], tiles[1]),
            partial(np.subtract, tiles[0], tiles[3], tiles[2]),
        ]

    def of(self, delta: np.ndarray) -> None:
        """A delta A^T."""
        for corner, outputs in self.corners:
            corner[...] = delta[outputs]
        for step in self.back:
            step()

    def into(self, value: np.ndarray) -> None:
        """A^T M A; M is lost."""
        for step in self.there:
            step()
        for one, two, outputs in self.ends:
            np.add(one, two, out=value[outputs])


def _windows(parts: np.ndarray, into: np.ndarray) -> Steps:
    """B^T along the first axis of even and odd parts."""
    even, odd = parts
    return [
        partial(np.subtract, even[:-1], even[1:], into[0]),
        partial(np.add, odd[:-1], even[1:], into[1]),
        partial(np.subtract, even[1:], odd[:-1], into[2]),
        partial(np.subtract, odd[1:], odd[:-1], into[3]),
    ]


def _pixels(windows: np.ndarray, spare: np.ndarray, into: np.ndarray) -> Steps:
    """B along the first axis: each pixel is in two windows, the outermost ones are in one."""
    (one, two, three, four), (even, odd) = windows, into
    return [
        partial(np.subtract, two, three, spare),
        partial(np.add, two, three, two),
        partial(np.subtract, spare, four, spare),
        partial(np.subtract, two, one, two),
        partial(np.copyto, even[0], one[0]),
        partial(np.add, two[:-1], one[1:], even[1:-1]),
        partial(np.copyto, even[-1], two[-1]),
        partial(np.copyto, odd[0], spare[0]),
        partial(np.add, spare[1:], four[:-1], odd[1:-1]),
        partial(np.copyto, odd[-1], four[-1]),
    ]


def across(side: int, padding: int) -> int:
    """How many tiles stand along the outputs of a side."""
    return (side + 2 * padding - 1) // 2


def _parities(side: int, padding: int) -> list[tuple[slice, slice]]:
    """Of the padded side's even and odd pixels: where the image stands, and what of it."""
    starts = [(padding - parity + 1) // 2 for parity in (0, 1)]
    pixels = [2 * start + parity - padding for parity, start in enumerate(starts)]
    return [
        (slice(start, start + (side - pixel + 1) // 2), slice(pixel, side, 2))
        for start, pixel in zip(starts, pixels, strict=True)
    ]


def _every(a: int, b: int) -> tuple[slice, slice, slice]:
    return slice(None), slice(a, None, 2), slice(b, None, 2)
