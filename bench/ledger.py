"""Where the CPU time of a process goes, stage by stage.

    imports      from the start of the process until its framework is there, and later modules
    building     nets and their updates, before anything is computed
    first_steps  the first call of every function and shape of batch, with its compilation
    steps        whatever else a framework computes: updates, evaluations, gradients
    staging      batches and weights on their way to the device, and weights on their way back
    data         data sets, batches, masks and initial weights: read, generated and drawn
    rest         instruments, statistics, files, and all that has no other name

Stages nest, and the innermost has the time. The clock counts the CPU seconds of all threads: what a
framework computes in the background is on the account of the stage that runs meanwhile. Training
reads the loss of every update at once (bench/training.py), which waits for it.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import wraps
from typing import ParamSpec, TypeVar

IMPORTS, BUILDING, FIRST, STEPS = "imports", "building", "first_steps", "steps"
STAGING, DATA, REST = "staging", "data", "rest"
STAGES: tuple[str, ...] = (IMPORTS, BUILDING, FIRST, STEPS, STAGING, DATA, REST)
INSIDE = (FIRST, STEPS)  # what a framework computes: these are what a reproduction is for

P = ParamSpec("P")
T = TypeVar("T")


class Ledger:
    """CPU seconds by stage, since the start of the process or since they were last taken."""

    def __init__(self, clock: Callable[[], float] = time.process_time) -> None:
        self.clock = clock
        self.stage = IMPORTS
        self.since = 0.0  # the clock of a process starts with it
        self.seconds = dict.fromkeys(STAGES, 0.0)

    def enter(self, stage: str) -> str:
        """Book what was spent on the stage so far, and go on with another; the former is answered.

        Called around every step: where the stage stays what it is, no clock is read.
        """
        former = self.stage
        if stage != former:
            now = self.clock()
            self.seconds[former] += now - self.since
            self.stage, self.since = stage, now
        return former

    @contextmanager
    def during(self, stage: str) -> Iterator[None]:
        """Within the block, the time is that of a stage."""
        former = self.enter(stage)
        try:
            yield
        finally:
            self.enter(former)

    def counted(self, stage: str) -> Callable[[Callable[P, T]], Callable[P, T]]:
        """A decorator: the time of every call is that of a stage."""

        def decorate(function: Callable[P, T]) -> Callable[P, T]:
            @wraps(function)
            def call(*arguments: P.args, **named: P.kwargs) -> T:
                with self.during(stage):
                    return function(*arguments, **named)

            return call

        return decorate

    def each(self, stage: str, entries: Iterable[T]) -> Iterator[T]:
        """The entries; what it takes to make the next one is the time of a stage."""
        iterator = iter(entries)
        while True:
            former = self.enter(stage)
            try:
                entry = next(iterator)
            except StopIteration:
                return
            finally:
                self.enter(former)
            yield entry

    def book(self, spent: Mapping[str, float]) -> None:
        """Add what another process spent for this one, by stage."""
        self.seconds = added([self.seconds, spent])

    def take(self) -> dict[str, float]:
        """The seconds of every stage up to now, which begin anew from 0."""
        now = self.clock()
        self.seconds[self.stage] += now - self.since
        self.since = now
        taken, self.seconds = self.seconds, dict.fromkeys(STAGES, 0.0)
        return taken


def added(accounts: Iterable[Mapping[str, float]]) -> dict[str, float]:
    """The sum of some accounts, by stage."""
    total = dict.fromkeys(STAGES, 0.0)
    for account in accounts:
        for stage, seconds in account.items():
            total[stage] += seconds
    return total


LEDGER = Ledger()  # of this process
