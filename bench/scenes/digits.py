"""Handwritten digits on pieces of photographs: where is a digit, and is it below five?

    x = (1 - a) 0.6 texture + a,   a = the ink of a digit, 0 to 1        plus a dither
    y = 0 where a <= 1/2: background; 1 on a digit below five, 2 on another

One to three digits of mnist5k, cut to their ink, lie anywhere in a scene, none in another's box: a
second or third one that finds no place in a few tries is left out. Textures are those of
bench/datasets/photographs.py, gray. Training takes the digits that the seed's split trains on and
the left of the photographs, testing the other digits and the right: none of both is in both.
Textures are as bright as 0.6, ink is 1: a threshold finds most of a digit, and only its shape tells
the class.
"""

import functools
from pathlib import Path

import numpy as np

from bench import dataset, scenes
from bench.dataset import Prepared
from bench.datasets import mnist5k, photographs
from bench.instruments import segmentation
from bench.ledger import DATA, LEDGER
from bench.randomness import stream

CLASSES = ("background", "digit below five", "digit from five")
CLASS_WEIGHTS = (0.3, 1.0, 1.0)  # in a loss: most pixels are background
FRAME = 20  # a digit of MNIST, cut to its ink, has no longer side
LARGEST = 153  # the narrowest region for testing, that of coins.png
BRIGHTEST = 0.6
MOST = 3  # digits in a scene
TRIES = 16
DITHER = 1 / 255  # the deviation of the noise: a step of gray


@LEDGER.counted(DATA)
def prepare(
    seed: int, train: int, test: int, side: int = 48, data_dir: Path | None = None
) -> Prepared:
    """Raises UserError for less than one scene, for a side that no digit or no photograph fits, and
    as dataset.load() does."""
    scenes.check(train, test, side, FRAME, LARGEST)
    frames, sizes, labels, textures = _sources(data_dir)
    parts = []
    for part, count, chosen in zip(
        ("train", "test"), (train, test), dataset.split(mnist5k.DATASET, seed), strict=True
    ):
        x = _backgrounds(textures[part], seed, part, count, side)
        y = np.zeros(x.shape, np.int64)
        _write(x, y, frames[chosen], sizes[chosen], labels[chosen], stream(seed, f"scenes/{part}"))
        x += DITHER * stream(seed, f"scenes/{part}/dither").normal(size=x.shape)
        parts.append((x[..., None], y))
    return scenes.normalized("digits", CLASSES, parts[0], parts[1], {"side": side})


@functools.lru_cache(maxsize=2)
def kept(seed: int, train: int, test: int, side: int, data_dir: Path | None) -> Prepared:
    """prepare(), kept for the next arms of the seed: nobody writes into them.

    Raises UserError as prepare() does, and where a part lacks a class.
    """
    data = prepare(seed, train, test, side, data_dir)
    segmentation.check_parts(data, CLASSES)
    return data


@functools.lru_cache(maxsize=1)
def _sources(data_dir: Path | None):
    """Digits in frames at their upper left, (height, width) of each, their values; the regions of
    the photographs by part."""
    images = dataset.load(mnist5k.DATASET.name, data_dir)
    ink = images.x[..., 0] / 255
    inked = [np.any(ink > 0, axis=axis) for axis in (2, 1)]  # rows, columns
    first = np.stack([line.argmax(axis=1) for line in inked], axis=1)
    last = np.stack([line.shape[1] - line[:, ::-1].argmax(axis=1) for line in inked], axis=1)
    padded = np.pad(ink, ((0, 0), (0, FRAME), (0, FRAME)))
    rows, columns = (first[:, axis, None] + np.arange(FRAME) for axis in (0, 1))
    frames = padded[np.arange(len(ink))[:, None, None], rows[:, :, None], columns[:, None, :]]
    paths = dataset.locate(photographs.DATASET, data_dir)
    both = [photographs.regions(paths[name]) for name in photographs.NAMES]
    textures = {"train": [left for left, _ in both], "test": [right for _, right in both]}
    return frames, last - first, images.y, textures


def _backgrounds(
    regions: list[np.ndarray], seed: int, part: str, count: int, side: int
) -> np.ndarray:
    """(count, side, side) pieces of the regions, anywhere in them, none brighter than BRIGHTEST."""
    draws = stream(seed, f"scenes/{part}/textures")
    whose, at = draws.integers(0, len(regions), count), draws.random((count, 2))
    x = np.empty((count, side, side))
    for number, region in enumerate(regions):
        pieces = np.lib.stride_tricks.sliding_window_view(region, (side, side))
        own = whose == number
        rows, columns = (at[own] * pieces.shape[:2]).astype(int).T
        x[own] = pieces[rows, columns]
    return x * (BRIGHTEST / 255)


def _write(
    x: np.ndarray,
    y: np.ndarray,
    frames: np.ndarray,
    sizes: np.ndarray,
    labels: np.ndarray,
    draws: np.random.Generator,
) -> None:
    """One to MOST digits into every scene and its mask, in place."""
    count, side = x.shape[:2]
    digits = draws.integers(1, MOST + 1, count)
    chosen = draws.integers(0, len(frames), (MOST, count))
    at = draws.random((MOST, TRIES, count, 2))
    corners, free = _places(at, sizes[chosen], side)
    rim = ((0, 0), (0, FRAME), (0, FRAME))  # a frame may reach beyond, what is inked does not
    wide, mask = np.pad(x, rim), np.pad(y, rim)
    for number in range(MOST):
        scene = np.flatnonzero((digits > number) & free[number])
        one, corner = chosen[number, scene], corners[number, scene]
        rows, columns = (corner[:, axis, None] + np.arange(FRAME) for axis in (0, 1))
        place = (scene[:, None, None], rows[:, :, None], columns[:, None, :])
        ink = frames[one]
        wide[place] = (1 - ink) * wide[place] + ink
        value = (1 + (labels[one] >= 5))[:, None, None]
        mask[place] = np.where(ink > 0.5, value, mask[place])
    x[...], y[...] = wide[:, :side, :side], mask[:, :side, :side]


def _places(at: np.ndarray, sizes: np.ndarray, side: int) -> tuple[np.ndarray, np.ndarray]:
    """Corners (MOST, count, 2) of boxes in their scenes, and whether they are free.

    at (MOST, TRIES, count, 2) from 0 to 1; sizes (MOST, count, 2). The first try counts whose box
    meets none of those before it.
    """
    corners = (at * (side - sizes[:, None] + 1)).astype(int)
    taken, free = corners[:, 0].copy(), np.ones(sizes.shape[:2], bool)
    for number in range(1, len(at)):
        meets = np.zeros(corners[number].shape[:2], bool)
        for other in range(number):
            above = corners[number] < taken[other] + sizes[other]
            below = taken[other] < corners[number] + sizes[number]
            meets |= (above & below).all(axis=-1)
        first = (~meets).argmax(axis=0)
        taken[number] = np.take_along_axis(corners[number], first[None, :, None], axis=0)[0]
        free[number] = ~meets.all(axis=0)
    return taken, free
