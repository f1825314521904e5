"""Native NumPy's minimal filtering against the convolution that is written out."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest

from bench.randomness import stream
from implementations.numpy import layers
from implementations.numpy.native import convolution, tiles, winograd
from implementations.numpy.tape import Node, Tape
from tests.implementations.ways import WANTED, Shape, answers, largest_error

Way = Callable[..., Node]

SIDES = [(8, 8), (9, 8), (8, 7), (5, 9), (3, 4), (4, 3), (3, 3)]
WINDOW = np.array([[1, 0, -1, 0], [0, 1, 1, 0], [0, -1, 1, 0], [0, -1, 0, 1]])  # B^T
OUTPUT = np.array([[1, 1, 1, 0], [0, 1, -1, 1]])  # A^T


def written_out(x: Node, weight: Node, bias: Node | None, padding: int = 1) -> Node:
    return layers.convolution(x, weight, bias, 1, padding)


def filtered(x: Node, weight: Node, bias: Node | None, padding: int = 1) -> Node:
    return winograd.convolution(x, weight, bias, padding, size=3)


def without_bias(way: Way) -> Way:
    return lambda x, weight, bias, padding=1: way(x, weight, None, padding)


def error(filtered: Way, written_out: Way, image: Shape, *given: Any, padding: int = 1) -> float:
    """Of six filters; given: what is wanted."""
    kernel = (3, 3, image[3], 6)
    ways = (partial(way, padding=padding) for way in (filtered, written_out))
    return largest_error(*(answers(way, image, kernel, *given) for way in ways))


@pytest.mark.parametrize("padding", [0, 1])
@pytest.mark.parametrize("sides", SIDES)
def test_the_written_out_convolution(sides: tuple[int, int], padding: int) -> None:
    """Of 7 images in blocks of 3, the last holds one."""
    image = (7, *sides, 5)
    for wanted in (*WANTED, (True, True, False)):
        assert error(filtered, written_out, image, wanted, padding=padding) < 1e-13
    unbiased = without_bias(filtered), without_bias(written_out)
    assert error(*unbiased, image, padding=padding) < 1e-13


@pytest.mark.parametrize("sides", [(1, 1), (1, 4), (2, 2)])
def test_images_of_a_tile(sides: tuple[int, int]) -> None:
    assert error(filtered, written_out, (4, *sides, 5)) < 1e-13


def test_transforms_are_the_matrices() -> None:
    """Of one window and its tile: B^T d B and A delta A^T."""
    draws, work = stream(0, "transforms"), Tape().workspace
    windows = tiles.Windows(1, (4, 4, 1), 0, np.dtype("float64"), work)
    room = tiles.Tiles(1, (2, 2, 1), np.dtype("float64"), work)
    d, delta = draws.normal(size=(4, 4)), draws.normal(size=(2, 2))
    found = windows.of(d.reshape(1, 4, 4, 1)).reshape(4, 4)
    np.testing.assert_allclose(found, WINDOW @ d @ WINDOW.T, atol=1e-15)
    room.of(delta.reshape(1, 2, 2, 1))
    np.testing.assert_allclose(room.planes.reshape(4, 4), OUTPUT.T @ delta @ OUTPUT, atol=1e-15)


def test_a_wrong_sign_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    turned = winograd.G * np.array([[1], [1], [1], [-1]])
    monkeypatch.setattr(winograd, "BOTH", np.kron(turned, turned))
    assert error(filtered, written_out, (7, 8, 8, 5)) > 0.1


def test_rounding_in_float32_is_as_small_as_that_of_products() -> None:
    shapes = (8, 14, 14, 64), (3, 3, 64, 128)
    exact = answers(written_out, *shapes)
    errors = [
        largest_error(answers(way, *shapes, dtype="float32"), exact)
        for way in (filtered, written_out)
    ]
    assert errors[0] < 4 * errors[1]


@pytest.mark.parametrize(
    ("image", "kernel", "stride", "padding", "size"),
    [
        ((64, 14, 14, 64), (3, 3, 64, 128), 1, 1, 2),  # small products
        ((64, 4, 4, 512), (3, 3, 512, 512), 1, 1, 64),  # many channels
        ((3, 8, 8, 512), (3, 3, 512, 512), 1, 1, 0),  # too few tiles for the kernel
        ((5, 8, 8, 512), (3, 3, 512, 512), 1, 1, 0),
        ((9, 8, 8, 512), (3, 3, 512, 512), 1, 1, 9),  # no more images than there are
        ((64, 32, 32, 16), (3, 3, 16, 16), 1, 1, 0),  # few channels
        ((64, 5, 5, 64), (3, 3, 64, 64), 1, 1, 0),  # tiles that stand over
        ((64, 4, 4, 64), (3, 3, 64, 64), 1, 1, 0),  # short rows
        ((64, 14, 14, 64), (3, 3, 64, 128), 2, 1, 0),
        ((64, 14, 14, 64), (3, 3, 64, 128), 1, 2, 0),
        ((64, 14, 14, 64), (5, 5, 64, 128), 1, 1, 0),
        ((64, 2, 2, 64), (3, 3, 64, 128), 1, 0, 0),  # no outputs
    ],
)
def test_where_it_is_taken(
    image: Shape, kernel: Shape, stride: int, padding: int, size: int
) -> None:
    assert winograd.images(np.empty(image, "float32"), kernel, stride, padding) == size


def test_the_primitive_takes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """And adds the bias once."""
    taken: list[int] = []
    way = winograd.convolution

    def noted(x: Node, weight: Node, bias: Node | None, padding: int, size: int) -> Node:
        taken.append(size)
        return way(x, weight, bias, padding, size)

    monkeypatch.setattr(winograd, "convolution", noted)
    x, weight, bias = (
        Node(stream(0, "primitive").normal(size=shape), Tape())
        for shape in ((7, 14, 14, 64), (3, 3, 64, 128), (128,))
    )
    found = convolution.convolution(x, weight, bias, 1, 1).value
    assert taken == [2]
    expected = written_out(x, weight, bias, 1).value
    assert np.abs(found - expected).max() < 1e-13 * np.abs(expected).max()
