"""What numbers and names may be: a mistake is told with the name and what is allowed."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from bench.errors import UserError, unknown


@dataclass(frozen=True)
class Range:
    """From `low` to `high`; an end that is open does not belong to it."""

    low: float
    high: float
    open_low: bool = False
    open_high: bool = False

    def __contains__(self, value: float) -> bool:
        above = value > self.low if self.open_low else value >= self.low
        below = value < self.high if self.open_high else value <= self.high
        return above and below

    def __str__(self) -> str:
        left, right = "(["[not self.open_low], ")]"[not self.open_high]
        return f"{left}{self.low:g}, {self.high:g}{right}"


FRACTION = Range(0, 1, open_high=True)  # what is kept of a memory from step to step
PROBABILITY = Range(0, 1, open_low=True)  # of keeping a unit: one that is never kept is no unit
NOT_NEGATIVE = Range(0, math.inf, open_high=True)
POSITIVE = Range(0, math.inf, open_low=True, open_high=True)
AT_LEAST_ONE = Range(1, math.inf, open_high=True)
FEW = 512  # whole numbers: Python's own min() is through before NumPy's reduction has begun


def labels(classes: int) -> Range:
    """The numbers of so many classes, counted from 0."""
    return Range(0, classes - 1)


def number(what: str, value: Any, allowed: Range) -> float:
    """The number. Raises UserError for one that is outside of the range, or no number."""
    real = isinstance(value, int | float) and not isinstance(value, bool)
    if not real or value not in allowed:
        raise UserError(f"{what} must be a number in {allowed}, got {value!r}")
    return float(value)


def whole(what: str, value: Any, allowed: Range) -> int:
    """The number. Raises UserError for one that is outside of the range, or not whole."""
    if not isinstance(value, int) or isinstance(value, bool) or value not in allowed:
        raise UserError(f"{what} must be a whole number in {allowed}, got {value!r}")
    return value


def image(inputs: Any) -> tuple[int, int, int]:
    """Rows, columns and channels. Raises UserError for anything but three whole numbers."""
    sizes = tuple(inputs) if isinstance(inputs, tuple | list) else ()
    if len(sizes) != 3 or any(type(size) is not int for size in sizes):
        raise UserError(f"images need three whole numbers (height, width, channels), got {inputs}")
    return sizes


def entries(what: str, values: np.ndarray, allowed: Range) -> None:
    """Raises UserError for an array one of whose numbers is outside of the range, or is none."""
    if not values.size:
        return
    if values.size <= FEW and values.dtype.kind in "iu":
        numbers = values.ravel().tolist()
        ends = min(numbers), max(numbers)
    else:
        # reduce() is what min() and max() call, which cost a small step more than the reducing.
        ends = [end.reduce(values, axis=None).item() for end in (np.minimum, np.maximum)]
    for value in ends:
        if value not in allowed:
            raise UserError(f"{what} must be numbers in {allowed}, got {value:g}")


def choice(what: str, value: str, known: Iterable[str]) -> str:
    """The name. Raises UserError for one that is not known."""
    names = list(known)
    if value not in names:
        raise UserError(unknown(what, value, names))
    return value
