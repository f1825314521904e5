"""What this machine can do at most, measured beside the nets by the same clock in the same rounds.

gemm     C = A B of 1024 x 1024 numbers in float32 by NumPy's BLAS: 2 n^3 operations
stream   y <- y + s x in float32 by SciPy's BLAS: STREAM's triad with its sum in place. As STREAM
         counts them, 2 numbers read and 1 written for each entry: 12 bytes. In place nothing is
         fetched only to be overwritten, so that what is counted is what is moved

Both are loops that a worker times (bench/timing/worker.py, a "framework" named machine), as one
form each; threads are those that the worker was given. For a call of a given intensity, operations
a byte (bench/operations.py), the machine attains at most

    min(gemm, intensity x stream)

which is the roofline. Rates are medians over the rounds, as the nets' times are: whatever slowed a
round slowed both, and a fraction of the best round would compare a net on this machine with a
machine that no net met. A fraction above 1 is possible: a library may multiply faster than NumPy's
BLAS does, and whatever stays in a cache is not bound by the memory.
"""

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.linalg import blas

from bench import machine, ranges
from bench.contract import Arrays
from bench.timing.loops import Loop

SIDE = 1024  # of the matrices: 12 MiB in all, and far beyond what a call costs by itself
PIECE = 1 << 22  # entries that a step of the stream goes over: a few milliseconds
TIMES_CACHE = 2  # an array is so many times as large as the last cache; STREAM asks for 4 of each
UNKNOWN_CACHE = 64 << 20  # bytes, where the system does not tell
SHARE = 8  # of the memory that is free, one array takes at most this part

GEMM_OPERATIONS = 2 * SIDE**3  # of a step
STREAM_BYTES = 3 * 4 * PIECE  # of a step


@dataclass(frozen=True)
class Limits:
    gemm: float  # operations a second
    stream: float  # bytes a second

    def attainable(self, intensity: float) -> float:
        """Operations a second of what does so many for each byte."""
        return min(self.gemm, intensity * self.stream)


def limits(gemm_seconds: Sequence[float], stream_seconds: Sequence[float]) -> Limits:
    """From the seconds that a step of each took, round by round."""
    return Limits(
        GEMM_OPERATIONS / float(np.median(gemm_seconds)),
        STREAM_BYTES / float(np.median(stream_seconds)),
    )


@functools.cache
def build(form: str) -> Loop:
    """The loop of a limit, the same one for every net. Raises UserError for an unknown one."""
    return FORMS[ranges.choice("limit of the machine", form, FORMS)]()


class _Unchanging:
    """No batch, no parameters, nothing to wait for, nothing to compare with a reference."""

    def stage(self, batches: Sequence[Arrays]) -> None: ...

    def load(self, parameters: Arrays) -> None:
        """A step outside of the clock: the first one after others computed is slower by a tenth."""
        self.steps(1)

    def steps(self, count: int) -> None:
        raise NotImplementedError

    def synchronize(self) -> None: ...

    def found(self) -> Arrays:
        return {}

    def close(self) -> None: ...


class Gemm(_Unchanging):
    def __init__(self) -> None:
        draws = np.random.default_rng(0)
        self.a, self.b = (draws.random((SIDE, SIDE), np.float32) for _ in range(2))
        self.c = np.empty_like(self.a)

    def steps(self, count: int) -> None:
        for _ in range(count):
            np.matmul(self.a, self.b, out=self.c)


class Stream(_Unchanging):
    """Piece by piece through arrays that no cache holds; the next step goes on where one ended."""

    def __init__(self, entries: int | None = None) -> None:
        """entries: of an array; None: as many as this machine asks for."""
        pieces = max(1, (entries or array_entries()) // PIECE)
        # Written to once, not only reserved: the first touch of a page is the system's work.
        self.x, self.y = (np.full(pieces * PIECE, value, np.float32) for value in (1.0, 0.0))
        self.place = 0

    def steps(self, count: int) -> None:
        for _ in range(count):
            blas.saxpy(self.x, self.y, n=PIECE, a=1.0, offx=self.place, offy=self.place)
            self.place = (self.place + PIECE) % len(self.x)


FORMS: dict[str, type[Gemm] | type[Stream]] = {"gemm": Gemm, "stream": Stream}


def array_entries() -> int:
    """Of one array: beyond the last cache, where there is memory for it.

    A smaller one would lie in the cache in part, which makes the limit higher, not lower.
    """
    cache, free = machine.last_level_cache(), machine.available_memory()
    wanted = TIMES_CACHE * (cache or UNKNOWN_CACHE)
    return min(wanted, free // SHARE if free else wanted) // 4
