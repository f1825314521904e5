"""Batches that are rows of one data set.

What a spec says of a batch (check_batch of bench/spec.py) is true of some rows where it is true of
all of them. So who is handed such batches can check the data set, once, and not every batch.
"""

from collections.abc import Iterable, Iterator

import numpy as np


class Rows(Iterator[dict[str, np.ndarray]]):
    """x and y of one choice of rows after another; `whole` is what they are chosen from.

    chosen: arrays of indices, one a batch.
    """

    def __init__(self, x: np.ndarray, y: np.ndarray, chosen: Iterable[np.ndarray]) -> None:
        self.whole = {"x": x, "y": y}
        self._batches = ({"x": x.take(c, axis=0), "y": y.take(c, axis=0)} for c in chosen)

    def __iter__(self) -> Iterator[dict[str, np.ndarray]]:
        """The generator itself: a loop is spared a call for every batch."""
        return self._batches

    def __next__(self) -> dict[str, np.ndarray]:
        return next(self._batches)
