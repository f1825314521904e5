"""How arrays are cut for the cache, and vectors of channels laid along rows of images."""

from collections.abc import Iterator

import numpy as np

BLOCK = 65_536  # entries of an array: a few of them fit a second-level cache


def rows(x: np.ndarray) -> np.ndarray:
    """(B, H, W, C) -> (B * H, W * C); (B, n) as it is."""
    return x.reshape(-1, x.shape[2] * x.shape[3]) if x.ndim == 4 else x


def tiled(channels: np.ndarray, like: np.ndarray) -> np.ndarray:
    """(C,) -> (W * C,), a row of `like`: the same for every pixel."""
    pixels = like.shape[1] // len(channels)
    return channels if pixels == 1 else np.tile(channels.astype(like.dtype, copy=False), pixels)


def total(row: np.ndarray, channels: int) -> np.ndarray:
    """(W * C,) -> (C,): the sum over the pixels of a row."""
    return row.reshape(-1, channels).sum(axis=0)


def images(x: np.ndarray) -> int:
    """How many entries of the first axis make a block."""
    return max(1, BLOCK * len(x) // max(x.size, 1))


def blocks(x: np.ndarray) -> Iterator[slice]:
    """Pieces of the first axis."""
    for start in range(0, len(x), images(x)):
        yield slice(start, start + images(x))
