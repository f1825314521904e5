"""How well a map of classes is found: which pixels, and where their regions end.

    IoU_k = |truth = k and found = k| / |truth = k or found = k|

over all pixels of all images at once. A class that is in neither has no IoU: it is not-a-number,
and left out of the mean over classes. One that is found where it never is has an IoU of 0.

    boundary F1 = 2 P R / (P + R)

for each image, then the mean: P is the share of boundary pixels found that lie within a tolerance
of one of the truth's, R the other way about. Csurka, Larlus and Perronnin (2013), "What is a good
evaluation measure for semantic segmentation?"
"""

from collections.abc import Sequence

import numpy as np
from scipy import ndimage

from bench import ranges
from bench.dataset import Prepared
from bench.errors import UserError
from bench.ranges import NOT_NEGATIVE


def confusion(truth: np.ndarray, found: np.ndarray, classes: int) -> np.ndarray:
    """(classes, classes): how many pixels of each class, by row, were found to be which, by column.

    Raises UserError for masks of another size, without a pixel, and for a label that is no class.
    """
    _check_sizes(truth, found)
    for what, labels in (("the scenes'", truth), ("those found", found)):
        if not np.issubdtype(labels.dtype, np.integer):
            raise UserError(f"labels must be whole numbers, {what} are {labels.dtype}")
        if labels.min() < 0 or labels.max() >= classes:
            ends = f"{labels.min()} to {labels.max()}"
            raise UserError(
                f"labels of {classes} classes are 0 to {classes - 1}, {what} are {ends}"
            )
    pairs = truth.astype(np.int64).ravel() * classes + found.ravel()
    return np.bincount(pairs, minlength=classes**2).reshape(classes, classes)


def class_iou(counts: np.ndarray) -> np.ndarray:
    """IoU of every class, of a confusion(); not-a-number for a class in neither."""
    both = np.diag(counts)
    either = counts.sum(axis=0) + counts.sum(axis=1) - both
    return np.where(either > 0, both / np.maximum(either, 1), np.nan)


def mean_iou(counts: np.ndarray) -> float:
    """Over the classes that are in the truth or found."""
    return float(np.nanmean(class_iou(counts)))


def accuracy(counts: np.ndarray) -> float:
    """The share of pixels whose class is right."""
    return float(np.trace(counts) / counts.sum())


def check_present(counts: np.ndarray, names: Sequence[str]) -> None:
    """Raises UserError, with their names, for classes that no pixel of the truth has."""
    missing = [name for name, count in zip(names, counts.sum(axis=1), strict=True) if count == 0]
    if missing:
        raise UserError(
            f"no pixel of the scenes is of class {', '.join(missing)} (classes: "
            f"{', '.join(names)}): nothing can be said about it, take more scenes"
        )


def check_parts(data: Prepared, names: Sequence[str]) -> None:
    """check_present() of the training and of the held-out scenes."""
    for truth in (data.train_y, data.test_y):
        check_present(confusion(truth, truth, len(names)), names)


def foreground_iou(truth: np.ndarray, found: np.ndarray, background: int = 0) -> float:
    """Of all classes but the background taken as one; not-a-number where there is none in both.

    Raises UserError for masks of another size, or without a pixel.
    """
    _check_sizes(truth, found)
    own, theirs = truth != background, found != background
    either = np.count_nonzero(own | theirs)
    return np.count_nonzero(own & theirs) / either if either else float("nan")


def boundary_f1(
    truth: np.ndarray, found: np.ndarray, tolerance: float, background: int = 0
) -> float:
    """Of the foreground of maps (N, height, width); the tolerance is a distance in pixels.

    A boundary pixel belongs to the foreground and one of the four beside it does not; the rim of an
    image is no boundary. An image without any boundary, in truth and found, is left out; with one
    in but one of the two it counts 0. Not-a-number where no image is left. Raises UserError for
    masks of another size, or without a pixel, and for a negative tolerance.
    """
    _check_sizes(truth, found)
    ranges.number("the tolerance", tolerance, NOT_NEGATIVE)
    scores = []
    for own, theirs in zip(truth != background, found != background, strict=True):
        edges = _boundary(own), _boundary(theirs)
        if not (edges[0].any() or edges[1].any()):
            continue
        if not (edges[0].any() and edges[1].any()):
            scores.append(0.0)
            continue
        recall, precision = (
            float((ndimage.distance_transform_edt(~there)[here] <= tolerance).mean())
            for here, there in (edges, edges[::-1])
        )
        total = precision + recall
        scores.append(2 * precision * recall / total if total else 0.0)
    return float(np.mean(scores)) if scores else float("nan")


def _boundary(mask: np.ndarray) -> np.ndarray:
    return mask & ~ndimage.binary_erosion(mask, border_value=1)


def _check_sizes(truth: np.ndarray, found: np.ndarray) -> None:
    if truth.shape != found.shape:
        raise UserError(
            f"the masks found are of size {found.shape}, those of the scenes {truth.shape}"
        )
    if truth.size == 0:
        raise UserError(f"masks of size {truth.shape} hold no pixel")
