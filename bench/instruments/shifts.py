"""How much a net's answer changes when its image is moved by a few pixels.

    change(f, x, s) = |f(x) - f(shift_s x)| / |f(x)|        Euclidean norms, one number an image

Invariance is change 0. Features of another size are compared by the same relative number.
"""

from collections.abc import Iterator

import numpy as np

DIRECTIONS = ((1, 0), (-1, 0), (0, 1), (0, -1))  # down, up, right, left


def moved(x: np.ndarray, down: int, right: int, background: float) -> np.ndarray:
    """Images (B, H, W, C) moved by whole pixels; what comes in is background, what leaves is lost.

    y_ij = x_(i - down)(j - right)
    """
    height, width = x.shape[1:3]
    y = np.full_like(x, background)
    to_rows, from_rows = _overlap(down, height)
    to_columns, from_columns = _overlap(right, width)
    y[:, to_rows, to_columns] = x[:, from_rows, from_columns]
    return y


def four_ways(x: np.ndarray, pixels: int, background: float) -> Iterator[np.ndarray]:
    """The images moved by so many pixels: down, up, right, left; once where they do not move."""
    for down, right in DIRECTIONS if pixels else DIRECTIONS[:1]:
        yield moved(x, pixels * down, pixels * right, background)


def relative_change(before: np.ndarray, after: np.ndarray) -> float:
    """The mean over images of |before - after| / |before|; images without any feature are left out.

    Not-a-number where no image has one.
    """
    before, after = (part.reshape(len(part), -1).astype(np.float64) for part in (before, after))
    size = np.linalg.norm(before, axis=1)
    there = size > 0
    if not there.any():
        return float("nan")
    gap = np.linalg.norm(before - after, axis=1)
    return float((gap[there] / size[there]).mean())


def _overlap(distance: int, side: int) -> tuple[slice, slice]:
    """Where a side's pixels go, and where they come from."""
    kept = max(side - abs(distance), 0)
    ahead, behind = slice(side - kept, side), slice(0, kept)
    return (ahead, behind) if distance >= 0 else (behind, ahead)
