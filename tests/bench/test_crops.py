"""Crops by hand, and beside the framework's own affine augmentation."""

import itertools
from typing import Any

import numpy as np
import pytest

from bench import crops
from bench.errors import UserError
from bench.randomness import stream
from implementations.numpy.techniques import augmentation


def test_a_crop_by_hand() -> None:
    x = np.arange(1.0, 5.0).reshape(1, 2, 2, 1)
    kept, corner, flipped = (
        crops.crop(x, 1, np.array([offset]), np.array([flip]))[0, :, :, 0].tolist()
        for offset, flip in (((1, 1), False), ((0, 2), False), ((1, 0), True))
    )
    assert kept == [[1, 2], [3, 4]]
    assert corner == [[0, 0], [2, 0]]
    assert flipped == [[1, 0], [3, 0]]


def test_a_crop_is_the_affine_augmentation_by_whole_pixels() -> None:
    draws = stream(0, "test of crops")
    x = draws.normal(size=(9, 6, 5, 3))
    offsets = np.array(list(itertools.product((0, 1, 4), repeat=2)))
    found = crops.crop(x, 2, offsets, np.zeros(9, bool))
    expected = augmentation.affine(x, np.zeros(9), np.ones(9), 2.0 - offsets)
    assert np.array_equal(found, expected)


def test_every_offset_and_both_sides_are_drawn_anew_in_each_step() -> None:
    x = np.arange(1.0, 10.0).reshape(1, 3, 3, 1).repeat(400, axis=0)
    first, second = crops.cropped(3, iter([{"x": x, "y": x[:, 0]}] * 2), 1)
    again = next(crops.cropped(3, iter([{"x": x}]), 1))
    assert np.array_equal(first["x"], again["x"])
    assert not np.array_equal(first["x"], second["x"])
    assert np.array_equal(first["y"], x[:, 0])
    pictures = {image.tobytes() for image in first["x"]}
    assert len(pictures) == 3 * 3 * 2  # none of the padded image's crops is its own mirror


def test_without_padding_images_are_only_flipped() -> None:
    x = np.arange(4.0).reshape(1, 1, 4, 1).repeat(50, axis=0)
    found = next(crops.cropped(0, iter([{"x": x}]), 0))["x"]
    assert {tuple(image.ravel()) for image in found} == {(0, 1, 2, 3), (3, 2, 1, 0)}


@pytest.mark.parametrize("padding", [-1, 0.5, 1.0])
def test_a_padding_of_no_whole_number_of_pixels_is_refused(padding: Any) -> None:
    with pytest.raises(UserError, match=r"padding must be a whole number in .* got"):
        next(crops.cropped(0, iter([{"x": np.zeros((1, 2, 2, 1))}]), padding))
