"""Native NumPy's ways of a convolution against the one that is written out, in float64."""

from functools import partial

import numpy as np
import pytest

from bench.randomness import stream
from implementations.numpy import layers
from implementations.numpy.native import convolution, shifted
from implementations.numpy.tape import Node, Tape
from tests.implementations.ways import WANTED, Shape, answers, largest_error

# Batches do not come out even: a last block holds fewer images.
SHIFTED = [
    ((7, 32, 32, 16), (3, 3, 16, 16), 3),
    ((13, 24, 21, 8), (3, 3, 8, 14), 11),
    ((31, 40, 32, 3), (5, 5, 3, 4), 9),
]
OTHERS: list[tuple[Shape, Shape, int, int]] = [  # image, kernel, stride, padding
    ((5, 8, 8, 6), (3, 3, 6, 6), 1, 1),
    ((5, 9, 7, 4), (2, 3, 4, 2), 1, 1),
    ((5, 9, 9, 4), (3, 3, 4, 2), 1, 2),
    ((5, 9, 8, 4), (3, 3, 4, 6), 1, 0),
    ((70, 9, 9, 4), (1, 1, 4, 3), 1, 0),
    ((70, 16, 15, 5), (3, 3, 5, 7), 2, 1),
    ((5, 9, 11, 4), (2, 3, 4, 6), 3, 1),
    ((9, 12, 12, 4), (1, 1, 4, 6), 2, 0),
    ((5, 7, 6, 4), (2, 3, 4, 3), 1, 4),
    ((5, 7, 6, 4), (2, 3, 4, 3), 2, 4),
]


def compared(image: Shape, kernel: Shape, stride: int, padding: int) -> None:
    for wanted in WANTED:
        ways = (
            answers(partial(way.convolution, stride=stride, padding=padding), image, kernel, wanted)
            for way in (convolution, layers)
        )
        assert largest_error(*ways) < 1e-13


@pytest.mark.parametrize(("image", "kernel", "size"), SHIFTED)
def test_without_patches(image: Shape, kernel: Shape, size: int) -> None:
    assert shifted.images(np.empty(image), kernel) == size
    assert image[0] % size
    compared(image, kernel, 1, kernel[0] // 2)


@pytest.mark.parametrize(("image", "kernel", "stride", "padding"), OTHERS)
def test_with_patches(image: Shape, kernel: Shape, stride: int, padding: int) -> None:
    compared(image, kernel, stride, padding)


def test_what_was_in_a_longer_block_is_in_no_shorter_one() -> None:
    """Zeros stand behind the last image, not the image that was there before."""
    kernel = (3, 3, 16, 16)
    x = stream(0, "blocks").normal(size=(5, 32, 32, 16))
    weight, size = stream(1, "blocks").normal(size=kernel), shifted.images(x, kernel)
    assert len(x) > size > len(x) % size > 0
    ways = []
    for start, stop in ((0, len(x)), (size, len(x))):
        tape = Tape()
        w = Node(weight, tape, True)
        y = shifted.convolution(Node(x[start:stop], tape), w, size)
        constant = np.ones_like(y.value)
        constant[: size - start] = 0
        tape.backward([y.dot(constant)])
        ways.append((y.value[size - start :], w.gradient))
    for one, two in zip(*ways, strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-12, atol=1e-11)
