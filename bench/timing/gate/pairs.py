"""Pairs of processes, one of each side, that take turns on one processor.

Both processes of a pair are bound to the same processor while they are timed: two processors of one
machine are not equally fast at one moment (a neighbor on the other thread of a core, a clock of its
own), and two processes that keep to one each would measure that. Turns go

    base head   head base   base head   head base ...

and what is compared is two rounds at a time, in which each side comes first once: a drift of the
machine, and what the first turn does to the second one's caches, cancel. Half of such blocks, the
quarters at either end left out, are averaged: a burst of load spoils the blocks it falls into and
no others.

Batches are small, so that turns are short. Beside a load of 12 on two processors a ratio of LeNet's
steps, from 6 CPU seconds of turns, had a standard error of 2 % with batches of 64 and of 1 % with
batches of 16: what disturbs changes from second to second, and meets both sides of a short block.

glibc gives memory back to the system after some steps and not after others, and takes it again page
by page: a block of two rounds of JAX's LeNet deviated by 5 to 20 %, and pairs of equal commits by 5
to 7 %. Where a framework leaves its memory to glibc as this does (KEEPS), both processes keep what
they had: 4 to 5 %, and 2 to 4 %. What only asks the system for memory more often goes unseen there;
NumPy has a workspace, and PyTorch's native variant keeps its memory by itself, which is seen.

The side that starts first, and the processor, change from pair to pair; the pairs of one framework
lie spread over the whole run, until its benchmarks are settled (intervals.py).
"""

import contextlib
import math
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import psutil
from scipy import stats

from bench.errors import UserError
from bench.timing import conductor
from bench.timing.conductor import Worker
from bench.timing.gate.benchmarks import Benchmark, by_worker
from bench.timing.gate.checkouts import Side

EXAMPLES = 16  # of a batch: turns of 20 to 40 ms
FEWEST, MOST = 8, 64  # rounds of a pair
TRIMMED = 0.25  # of the blocks, at either end
KEEPS = ("jax", "tensorflow")
# Variables that glibc reads: bytes that may lie free at the end of the heap before they are given
# back, and bytes from which on a piece is asked of the system by itself. Before its version 2.35
# that is at most 32 MiB, and more is ignored. Other libraries have no such variables.
KEEPING = {"MALLOC_TRIM_THRESHOLD_": str(1 << 31), "MALLOC_MMAP_THRESHOLD_": str(1 << 25)}
PROCESSORS = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []


@dataclass(frozen=True)
class Pair:
    """One pair of processes in one benchmark: CPU seconds per step, by round."""

    benchmark: Benchmark
    steps: int
    base: list[float]
    head: list[float]
    same_bits: bool  # whether both led to the same parameters

    @property
    def difference(self) -> float:
        """log(head / base)."""
        rounds = np.log(self.head) - np.log(self.base)
        blocks = rounds.reshape(-1, 2).mean(axis=1)
        return float(stats.trim_mean(blocks, TRIMMED))


def measured(
    sides: tuple[Side, Side],
    benchmarks: Sequence[Benchmark],
    pairs: int,
    seconds: float,
    settled: Callable[[Benchmark], bool],
    tell: Callable[[str], None],
) -> Iterator[Pair]:
    """`pairs` of every benchmark, or fewer of one that is settled by then.

    Each side is timed for about `seconds` in each.

    Raises UserError where a side's process refuses or fails.
    """
    for number in range(pairs):
        left = [benchmark for benchmark in benchmarks if not settled(benchmark)]
        for (framework, form), together in by_worker(left).items():
            among = f"{len(left)} of {len(benchmarks)} benchmarks left"
            tell(f"pair {number + 1} of {pairs} at most, {among}: {framework}, {form}")
            yield from _pair(sides, framework, form, together, number, seconds)


def _pair(
    sides: tuple[Side, Side],
    framework: str,
    form: str,
    benchmarks: Sequence[Benchmark],
    number: int,
    seconds: float,
) -> Iterator[Pair]:
    ordered = sides if number % 2 == 0 else sides[::-1]
    # The pool is left last: what its threads wait for ends with the workers.
    with (
        ThreadPoolExecutor(2) as pool,
        _started(ordered[0], framework, form) as first,
        _started(ordered[1], framework, form) as second,
    ):
        workers = (first, second)
        for benchmark in benchmarks:
            try:
                _spread(workers)
                ready = list(
                    pool.map(lambda w, b=benchmark: w.prepare(b.net, examples=EXAMPLES), workers)
                )
                _bound(workers, number)
                steps = max(facts["steps"] for facts in ready)
                yield _timed(workers, benchmark, steps, seconds, swapped=number % 2 == 1)
            except RuntimeError as error:
                raise UserError(f"{benchmark} cannot be timed: {error}") from None


def _timed(
    workers: Sequence[Worker], benchmark: Benchmark, steps: int, seconds: float, swapped: bool
) -> Pair:
    warm = [worker.turn(steps, digest=True) for worker in workers]
    slower = steps * max(turn.cpu_seconds for turn in warm)
    rounds = 2 * math.ceil(min(MOST, max(FEWEST, seconds / slower)) / 2)
    turns = conductor.played(workers, [steps] * len(workers), rounds)
    by_worker = [[turn.cpu_seconds for turn in played] for played in zip(*turns, strict=True)]
    base, head = by_worker[::-1] if swapped else by_worker
    same = warm[0].digest == warm[1].digest
    return Pair(benchmark, steps, base, head, same)


def _started(side: Side, framework: str, form: str) -> Worker:
    environment = KEEPING if framework in KEEPS else {}
    return Worker(framework, form, side.root, environment=environment)


def _spread(workers: Sequence[Worker]) -> None:
    """Let them prepare beside each other."""
    for worker in workers:
        _bind(worker, PROCESSORS)


def _bound(workers: Sequence[Worker], number: int) -> None:
    """Put both on one processor."""
    if PROCESSORS:
        for worker in workers:
            _bind(worker, [PROCESSORS[number % len(PROCESSORS)]])


def _bind(worker: Worker, processors: Sequence[int]) -> None:
    """Every thread by itself: only those that are made later inherit it."""
    if processors:
        for thread in psutil.Process(worker.process.pid).threads():
            with contextlib.suppress(ProcessLookupError):  # it ended meanwhile
                os.sched_setaffinity(thread.id, processors)
