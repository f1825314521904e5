"""Overlaps and boundaries, by maps that can be counted by hand."""

import math

import numpy as np
import pytest

from bench.errors import UserError
from bench.instruments import segmentation

TRUTH = np.array([[[0, 0, 1], [0, 2, 2]]])
FOUND = np.array([[[0, 1, 1], [0, 2, 0]]])
NAMES = ("grass", "road", "roof", "tree")


def square(side: int, top: int, left: int, size: int) -> np.ndarray:
    mask = np.zeros((1, side, side), int)
    mask[0, top : top + size, left : left + size] = 1
    return mask


def test_every_pixel_is_counted_once() -> None:
    counts = segmentation.confusion(TRUTH, FOUND, 4)
    assert counts.tolist() == [[2, 1, 0, 0], [0, 1, 0, 0], [1, 0, 1, 0], [0, 0, 0, 0]]
    assert segmentation.accuracy(counts) == pytest.approx(4 / 6)
    iou = segmentation.class_iou(counts)
    np.testing.assert_allclose(iou[:3], [2 / 4, 1 / 2, 1 / 2])
    # The fourth class is in neither: it has no IoU, and is no part of the mean.
    assert math.isnan(iou[3])
    assert segmentation.mean_iou(counts) == pytest.approx(0.5)


def test_a_class_found_where_it_never_is_counts_zero() -> None:
    found = np.where(FOUND == 1, 3, FOUND)
    iou = segmentation.class_iou(segmentation.confusion(TRUTH, found, 4))
    np.testing.assert_allclose(iou, [0.5, 0.0, 0.5, 0.0])


def test_the_mean_is_over_all_pixels_and_not_over_images() -> None:
    """One image that is wrong on a single pixel of a rare class weighs as its pixels do."""
    truth = np.zeros((2, 4, 4), int)
    truth[0], truth[1, 0, 0] = 1, 1
    found = truth.copy()
    found[1, 0, 0] = 0
    iou = segmentation.class_iou(segmentation.confusion(truth, found, 2))
    np.testing.assert_allclose(iou, [15 / 16, 16 / 17])


def test_classes_that_no_pixel_has_are_named() -> None:
    counts = segmentation.confusion(TRUTH, np.where(FOUND == 1, 3, FOUND), 4)
    with pytest.raises(UserError, match=r"no pixel of the scenes is of class tree \(classes: gra"):
        segmentation.check_present(counts, NAMES)
    segmentation.check_present(segmentation.confusion(TRUTH, FOUND, 3), NAMES[:3])


def test_the_foreground_is_one_class() -> None:
    assert segmentation.foreground_iou(TRUTH, FOUND) == pytest.approx(2 / 4)
    swapped = np.where(TRUTH == 1, 2, np.where(TRUTH == 2, 1, 0))
    assert segmentation.foreground_iou(TRUTH, swapped) == 1.0
    empty = np.zeros_like(TRUTH)
    assert segmentation.foreground_iou(TRUTH, empty) == 0.0
    assert math.isnan(segmentation.foreground_iou(empty, empty))


@pytest.mark.parametrize(("tolerance", "expected"), [(0, 0.5), (1, 1.0), (1.5, 1.0)])
def test_a_square_that_is_moved_by_a_pixel(tolerance: float, expected: float) -> None:
    """The boundary of a square of 3 pixels are 8 of its 9; moved by one, 4 of them are shared."""
    truth, found = square(9, 2, 2, 3), square(9, 2, 3, 3)
    assert segmentation.boundary_f1(truth, found, tolerance) == pytest.approx(expected)


def test_precision_and_recall_are_told_apart() -> None:
    """A second square that is not there: all of the truth's boundary is found, half of it is."""
    truth = square(12, 1, 1, 3)
    found = truth + square(12, 7, 7, 3)
    assert segmentation.boundary_f1(truth, found, 1) == pytest.approx(2 * 0.5 * 1 / 1.5)
    assert segmentation.boundary_f1(found, truth, 1) == pytest.approx(2 * 0.5 * 1 / 1.5)


def test_a_diagonal_is_further_than_one_pixel() -> None:
    truth, found = square(9, 2, 2, 1), square(9, 3, 3, 1)
    assert segmentation.boundary_f1(truth, found, 1) == 0.0
    assert segmentation.boundary_f1(truth, found, 1.42) == 1.0


def test_the_rim_of_an_image_is_no_boundary() -> None:
    half = np.zeros((1, 6, 6), int)
    half[0, :, :3] = 1
    assert np.argwhere(segmentation._boundary(half[0] > 0))[:, 1].tolist() == [2] * 6


def test_images_without_a_boundary_are_left_out_and_missed_ones_count() -> None:
    empty, full = np.zeros((1, 9, 9), int), np.ones((1, 9, 9), int)
    here = square(9, 2, 2, 3)
    assert math.isnan(segmentation.boundary_f1(empty, full, 1))
    assert segmentation.boundary_f1(here, empty, 1) == 0.0
    truth, found = np.concatenate([here, here, empty]), np.concatenate([here, empty, empty])
    assert segmentation.boundary_f1(truth, found, 1) == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: segmentation.confusion(TRUTH, FOUND[:, :, :2], 3),
            r"found are of size \(1, 2, 2\), those of the scenes \(1, 2, 3\)",
        ),
        (lambda: segmentation.foreground_iou(TRUTH, FOUND[0]), r"of size \(2, 3\), those"),
        (lambda: segmentation.boundary_f1(TRUTH, FOUND[0], 1), r"of size \(2, 3\), those"),
        (lambda: segmentation.confusion(TRUTH, FOUND, 2), "are 0 to 1, the scenes' are 0 to 2"),
        (
            lambda: segmentation.confusion(TRUTH, FOUND - 1, 3),
            "of 3 classes are 0 to 2, those found are -1 to 1",
        ),
        (lambda: segmentation.confusion(TRUTH, FOUND * 1.0, 3), "those found are float64"),
        (lambda: segmentation.confusion(TRUTH[:0], FOUND[:0], 3), r"\(0, 2, 3\) hold no pixel"),
        (lambda: segmentation.boundary_f1(TRUTH, FOUND, -1), r"tolerance must be .* got -1"),
    ],
)
def test_what_cannot_be_compared_is_refused(call, message: str) -> None:
    with pytest.raises(UserError, match=message):
        call()
