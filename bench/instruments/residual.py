"""What a residual block adds to what it is given: how large, and how much of it was there before.

    y = relu(F(x) + S(x))        F the branch, S(x) the shortcut

    ratio      log2( rms F(x) / rms S(x) )      over examples, pixels and channels
    response   log2( mean over channels of the deviation of F(x) )
    explained  1 - min_A  sum |F - A x|^2 / sum |F|^2    F and x centered by channel

rms = sqrt(mean of squares). A is a matrix (channels, channels) that acts on every pixel alike: what
it explains of the branch is a mixture of the channels that came in, the same at every pixel. Only
blocks that keep the shape have it. The response is what figure 7 of He, Zhang, Ren and Sun (2016),
"Deep residual learning for image recognition", shows of a layer behind its batch norm; it is 0 with
initial weights, whatever the depth.

The plain twin of a block has F as well, and x in the place of the shortcut where that fits.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bench.dataset import Prepared
from bench.instruments.signal import size
from bench.spec import Spec

QUANTITIES = ("ratio", "response", "explained")
CROPPED = 2  # of the rim of MNIST's images, whose digits lie within 20 x 20 of the 28 x 28 pixels


@dataclass(frozen=True)
class Added:
    """One block, numbered from 1. Not-a-number where it has no such quantity."""

    block: int
    ratio: float
    response: float
    explained: float


def added(spec: Spec, maps: Mapping[str, np.ndarray]) -> list[Added]:
    """Of every block of a residual net with batch norm, or its plain twin. maps: its trace."""
    rows = []
    entering = maps["pool1" if spec.options["pooled"] else "relu1"]
    for number, block in enumerate(spec.options["blocks"], start=1):
        last = len(block.branch)
        branch = maps[f"{block.name}/bn{last}"]
        kept = branch.shape == entering.shape
        shortcut = maps.get(f"{block.name}/shortcut", entering if kept else None)
        rows.append(
            Added(
                number,
                math.nan if shortcut is None else math.log2(size(branch) / size(shortcut)),
                math.log2(branch.astype(float).std(axis=(0, 1, 2)).mean()),
                explained(branch, entering) if kept else math.nan,
            )
        )
        entering = maps[f"{block.name}/relu{last}"]
    return rows


def mean(rows: Sequence[Added], quantity: str) -> float:
    """Of one quantity over the blocks that have it."""
    there = [x for x in (getattr(row, quantity) for row in rows) if math.isfinite(x)]
    return float(np.mean(there))


def explained(branch: np.ndarray, entering: np.ndarray) -> float:
    """The share of the branch's variance that a mixture of the entering channels has.

    Both (examples, height, width, channels), of the same pixels.
    """
    f, x = (a.reshape(-1, a.shape[-1]).astype(np.float64) for a in (branch, entering))
    f, x = f - f.mean(axis=0), x - x.mean(axis=0)
    mixture = x @ np.linalg.lstsq(x, f, rcond=None)[0]
    return float((mixture**2).sum() / (f**2).sum())


def small(data: Prepared) -> Prepared:
    """MNIST's images of 28 x 28 without a rim of 2 pixels, averaged by 2 x 2: 12 x 12.

    Half of a side and a quarter of it are whole, which the three stages of a residual net ask for.
    """
    return Prepared(
        _small(data.train_x), data.train_y, _small(data.test_x), data.test_y, data.record
    )


def _small(x: np.ndarray) -> np.ndarray:
    x = x[:, CROPPED:-CROPPED, CROPPED:-CROPPED]
    examples, height, width, channels = x.shape
    return x.reshape(examples, height // 2, 2, width // 2, 2, channels).mean(axis=(2, 4))
