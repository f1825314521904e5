"""Convolution that keeps the size of images, without a matrix of patches.

The rows of an image lie one behind another, zeros between them, so that a step in the kernel is a
step along this line: one pixel, or one row of L pixels. The numbers of w pixels side by side are
side by side as well. So every w-th window of one row of the kernel is a row of a matrix that is
there already, from the first pixel on; the windows between are rows of the matrices from the second
to the w-th pixel on. With these windows P_p = (y_p .. y_(p+w-1)) of the line y, the kernel's rows
w_a, and delta on such a line,

    X_p = sum_a P_(p+aL) w_a        dE/dw_a = sum_p P_(p+aL)^T delta_p

dE/dy is the first with the turned kernel, as in layers.py. A product takes three pixels' numbers
where one of patches takes nine (of a 3x3 kernel), and nothing is copied nine times.
"""

import numpy as np
from numpy.lib.stride_tricks import as_strided

from implementations.numpy.native.blocks import BLOCK
from implementations.numpy.tape import Node, Workspace

SMALL = 1_000_000  # multiplications of a product: up to there OpenBLAS leaves matrices unpacked
IMAGES = 3  # of a block, at least: less is not worth the calls
ZEROS = 1.2  # pixels with zeros over pixels without: more is not worth the work


class Line:
    """A few images as one line: w // 2 zeros behind every row, h // 2 rows of zeros behind every
    image, and enough before the first and behind the last."""

    def __init__(
        self, shape: tuple[int, ...], kernel: tuple[int, int], dtype: np.dtype, work: Workspace
    ) -> None:
        images, rows, columns, channels = shape
        self.height, self.width = kernel
        self.rows, self.columns = rows + self.height // 2, columns + self.width // 2
        self.margin = self.height // 2 * self.columns + self.width // 2
        self.pixels = images * self.rows * self.columns
        around = 2 * self.margin + self.width
        self.line = work.zeros((self.pixels + around, channels), dtype)
        self.inside = self.images(self.line[self.margin :])[:, :rows, :columns]

    def images(self, pixels: np.ndarray) -> np.ndarray:
        """(pixels, C) -> (images, rows with zeros, columns with zeros, C)."""
        return pixels[: self.pixels].reshape(-1, self.rows, self.columns, pixels.shape[1])

    def put(self, x: np.ndarray) -> None:
        """As many images as there are, and zeros in place of those that were."""
        self.inside[: len(x)] = x
        self.inside[len(x) :] = 0
        self.pixels = len(x) * self.rows * self.columns

    @property
    def steps(self) -> int:
        """Windows that begin at every w-th pixel."""
        return -(-self.pixels // self.width)

    def windows(self, first: int) -> np.ndarray:
        """(h, steps, w C): for each row of the kernel, from pixel `first` of its row on."""
        by_pixel, by_channel = self.line.strides
        width = self.width * self.line.shape[1]
        return as_strided(
            self.line[first:],
            (self.height, self.steps, width),
            (self.columns * by_pixel, self.width * by_pixel, by_channel),
        )

    def centers(self, first: int) -> np.ndarray:
        """(steps, C): the pixels in the middle of those windows."""
        start = self.margin + first
        return self.line[start : start + self.steps * self.width : self.width]


def images(x: np.ndarray, kernel: tuple[int, ...]) -> int:
    """How many images make a block; 0: another way is faster."""
    height, width, channels, filters = kernel
    _, rows, columns, _ = x.shape
    pixels = (rows + height // 2) * (columns + width // 2)
    largest = max(height * filters, channels, height * channels, filters)
    size = min(SMALL // (pixels * channels * filters), 4 * BLOCK // (pixels * largest))
    size = min(size, len(x))
    return size if size >= IMAGES and pixels <= ZEROS * rows * columns else 0


def convolution(x: Node, weight: Node, size: int) -> Node:
    """In blocks of `size` images: stride 1, odd sides of the kernel, half of them as padding."""
    work, shape = x.tape.workspace, weight.value.shape
    height, width, channels, filters = shape
    value = work.empty((*x.value.shape[:3], filters), x.value.dtype)
    kernel = weight.value.reshape(height, -1, filters)
    line = Line((size, *x.value.shape[1:]), shape[:2], x.value.dtype, work)
    products = _products(line, filters, work)
    for start in range(0, len(value), size):
        line.put(x.value[start : start + size])
        _correlate(line, kernel, products, value[start : start + size])
    _end(work, line.line, products)

    def backward(delta: np.ndarray) -> None:
        turned = weight.value[::-1, ::-1].transpose(0, 1, 3, 2).reshape(height, -1, channels)
        inputs = Line((size, *x.value.shape[1:]), shape[:2], delta.dtype, work)
        deltas = Line((size, *delta.shape[1:]), shape[:2], delta.dtype, work)
        products = _products(deltas, channels, work)
        through = work.empty(x.value.shape, delta.dtype) if x.wanted else None
        gradient = np.zeros((height, filters, width * channels), delta.dtype)
        for start in range(0, len(delta), size):
            block = slice(start, start + size)
            deltas.put(delta[block])
            if through is not None:
                _correlate(deltas, turned, products, through[block])
            if weight.wanted:
                inputs.put(x.value[block])
                for first in range(width):
                    gradient += deltas.centers(first).T @ inputs.windows(first)
        _end(work, inputs.line, deltas.line, products)
        if weight.wanted:
            turned = gradient.transpose(0, 2, 1)
            weight.add_gradient(np.ascontiguousarray(turned).reshape(shape))
        if through is not None:
            x.add_gradient(through)

    return x.tape.output(value, (x, weight), backward)


def _products(line: Line, filters: int, work: Workspace) -> np.ndarray:
    """Room for the products of the windows with every row of a kernel."""
    return work.empty((line.height, line.steps * line.width, filters), line.line.dtype)


def _correlate(line: Line, kernel: np.ndarray, products: np.ndarray, out: np.ndarray) -> None:
    """The kernel (h, w C, K) on the images of a line, into out (images, H, W, K)."""
    for first in range(line.width):
        into = products[:, first : first + line.width * line.steps : line.width]
        np.matmul(line.windows(first), kernel, out=into)
    rows, columns = out.shape[1:3]
    one, two, *others = (line.images(product)[:, :rows, :columns] for product in products)
    np.add(one, two, out=out)
    for term in others:
        out += term


def _end(work: Workspace, *arrays: np.ndarray) -> None:
    for array in arrays:
        work.give_back(array)
