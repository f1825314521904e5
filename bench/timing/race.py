"""Nets that are trained in turns until each is where it was to go: who needs less CPU time?

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


Arrived = Callable[[str, Racer], bool]  # whether one is there, asked after each of its steps


def race(
    racers: Mapping[str, Racer],
    horizon: int,
    arrived: Arrived,
    report: Callable[[int], None] = lambda step: None,
    clock: Callable[[], float] = time.process_time,
) -> None:
    """Train all until each has arrived, or made so many steps.

    One whose loss is no longer finite stops there.
    """
    for step in range(1, horizon + 1):
        running = [
            name for name, racer in racers.items() if not (racer.arrived or racer.fit.diverged)
        ]
        for name in turns.order(running, step - 1):
            racer = racers[name]
            racer.step(clock)
            racer.arrived = not racer.fit.diverged and arrived(name, racer)
        report(step)


def loss_at_most(target: float, window: int = 10) -> Arrived:
    """The mean loss of the last `window` steps is at most `target`."""

    def arrived(name: str, racer: Racer) -> bool:
        last = racer.fit.losses[-window:]
        return len(last) == window and at_most(last, target)

    return arrived
