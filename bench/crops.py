"""Random crops and flips of the images of batches, by whole pixels: nothing is interpolated.

    padded   so many rows and columns of zeros on every side
    cropped  at an offset (row, column), drawn uniformly from 0 to twice the padding
    flipped  left to right with probability 1/2

as Lee, Xie, Gallagher, Zhang and Tu (2015), "Deeply-supervised nets", and after them He, Zhang, Ren
and Sun (2016) train on small images. Every image has draws of its own, anew in each step. That is
the affine augmentation of techniques/augmentation.py for whole pixels, without its interpolation,
which would take longer than a small net's step.
"""

from collections.abc import Iterator

import numpy as np

from bench import ranges
from bench.contract import Arrays
from bench.randomness import stream


def cropped(seed: int, given: Iterator[Arrays], padding: int) -> Iterator[dict[str, np.ndarray]]:
    """The batches with their images x (B, H, W, C) cropped and flipped by the seed's draws.

    Raises UserError for a padding that is negative or not whole.
    """
    ranges.whole("padding", padding, ranges.NOT_NEGATIVE)
    for step, batch in enumerate(given):
        draws = stream(seed, "crops", step)
        offsets = draws.integers(0, 2 * padding + 1, (len(batch["x"]), 2))
        flips = draws.random(len(batch["x"])) < 0.5
        yield {**batch, "x": crop(batch["x"], padding, offsets, flips)}


def crop(x: np.ndarray, padding: int, offsets: np.ndarray, flips: np.ndarray) -> np.ndarray:
    """x (B, H, W, C), offsets (B, 2) of rows and columns, flips (B,). Of the same shape as x."""
    rim = (padding, padding)
    padded = np.pad(x, ((0, 0), rim, rim, (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, x.shape[1:3], axis=(1, 2))
    found = windows[np.arange(len(x)), offsets[:, 0], offsets[:, 1]].transpose(0, 2, 3, 1)
    return np.where(flips[:, None, None, None], found[:, :, ::-1], found)
