"""Nets that are trained in turns until each reaches a training loss: who needs less CPU time?

Step n of every racer comes before step n + 1 of any, and the order of the racers reverses from step
to step, so that a drift of the machine meets all of them (bench/timing/turns.py). Batches are
staged and losses are read outside of the clock; the first step of a compiled net contains the
compilation, so racers are to be warm.
"""

import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from bench.contract import Arrays, System
from bench.ledger import DATA, LEDGER, STEPS
from bench.timing import turns
from bench.training import TRAIN, Fit, at_most


@dataclass
class Racer:
    """A system with its weights loaded, its batches and rate; what it did so far."""

    system: System
    batches: Iterator[Arrays]
    rate: float
    fit: Fit = field(default_factory=Fit)
    seconds: list[float] = field(default_factory=list)  # from the start to the end of each step
    arrived: bool = False

    def step(self, clock: Callable[[], float]) -> None:
        with LEDGER.during(DATA):
            batch = next(self.batches)
        staged = self.system.stage(batch)
        with LEDGER.during(STEPS):  # here and not inside, where its clock would be on the racer's
            before = clock()
            self.system.update(TRAIN, staged, self.rate)
            self.system.synchronize()
            taken = clock() - before
        self.seconds.append((self.seconds[-1] if self.seconds else 0.0) + taken)
        self.fit.losses.append(sum(self.system.read().values()))
        self.fit.diverged = not math.isfinite(self.fit.losses[-1])

    def spent(self) -> float:
        """CPU seconds up to the target, or up to the horizon where it was not reached.

        Not-a-number for one that diverged.
        """
        return math.nan if self.fit.diverged else self.seconds[-1]


def race(
    racers: Mapping[str, Racer],
    target: float,
    horizon: int,
    window: int = 10,
    clock: Callable[[], float] = time.process_time,
) -> None:
    """Train all until the mean loss of each one's last `window` steps is at most `target`.

    One whose loss is no longer finite stops there.
    """
    for turn in range(horizon):
        running = [
            name for name, racer in racers.items() if not (racer.arrived or racer.fit.diverged)
        ]
        for name in turns.order(running, turn):
            racer = racers[name]
            racer.step(clock)
            last = racer.fit.losses[-window:]
            racer.arrived = len(last) == window and at_most(last, target)
