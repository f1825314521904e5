"""Scenes with a class for every pixel, generated from a seed: one kind a file.

    prepare(seed, train, test, side, ...) -> Prepared

x float64 (N, side, side, channels) of mean 0 and variance 1 over the training part, y int64
(N, side, side). The same arguments give the same scenes; training and testing share nothing that
was drawn, nor digits, nor regions of photographs. Noise lies over all of it, so that no pooling
window is flat and a near tie is what it is in photographs: rare.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from bench import dataset
from bench.dataset import Prepared
from bench.errors import UserError

Scenes = tuple[np.ndarray, np.ndarray]  # x, y


def check(train: int, test: int, side: int, smallest: int, largest: int | None = None) -> None:
    """Raise UserError for a number of scenes or a side that cannot be."""
    for what, count in (("training", train), ("test", test)):
        if not _whole(count) or count < 1:
            raise UserError(f"the number of {what} scenes must be 1 or more, got {count!r}")
    sides = f"{smallest} or more" if largest is None else f"{smallest} to {largest}"
    if not _whole(side) or side < smallest or (largest is not None and side > largest):
        raise UserError(f"the side of these scenes must be {sides} pixels, got {side!r}")


def normalized(
    name: str, classes: tuple[str, ...], train: Scenes, test: Scenes, record: Mapping[str, Any]
) -> Prepared:
    """Every channel brought to mean 0 and variance 1 over the training part, in place.

    The record holds both constants, the settings, and the share of pixels of every class.
    """
    (train_x, train_y), (test_x, test_y) = train, test
    mean, deviation = train_x.mean(axis=(0, 1, 2)), train_x.std(axis=(0, 1, 2), ddof=0)
    for x in (train_x, test_x):
        x -= mean
        x /= deviation
    shares = np.bincount(train_y.ravel(), minlength=len(classes)) / train_y.size
    found = {
        "scenes": name,
        "train": len(train_y),
        "test": len(test_y),
        "mean": mean.tolist(),
        "deviation": deviation.tolist(),
        "shares": dict(zip(classes, shares.tolist(), strict=True)),
        **record,
    }
    return Prepared(train_x, train_y, test_x, test_y, found)


def restored(data: Prepared, x: np.ndarray) -> np.ndarray:
    """Normalized scenes as they were drawn, in all their channels: x <- x deviation + mean."""
    mean, deviation = dataset.constants(data)
    return x * deviation + mean


def _whole(number: Any) -> bool:
    return isinstance(number, int | np.integer) and not isinstance(number, bool)
