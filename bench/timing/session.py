"""What was measured of a net in one call: everyone's turns, and what they have in common."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bench.timing import checked, contestants, ratios
from bench.timing.conductor import Clock, Turn
from bench.timing.contestants import Contestant
from bench.timing.limits import Limits


@dataclass
class Measured:
    """One contestant in one call."""

    contestant: Contestant
    facts: Mapping[str, Any]  # of its start: versions, device, import
    first: Mapping[str, Any] = field(default_factory=dict)  # of building and the first step
    turns: list[Turn] = field(default_factory=list)
    peak_memory_mib: float = 0.0
    check: checked.Check | None = None  # None: a limit of the machine
    absent: str | None = None  # why it was not timed

    @property
    def clock(self) -> Clock:
        return self.facts["clock"]

    def times(self, clock: Clock | None = None) -> list[float]:
        """Seconds per step, by round, on the clock that judges or another one."""
        return [getattr(turn, clock or self.clock) for turn in self.turns]

    @property
    def repeats(self) -> bool:
        """Whether every round led to the same, to the last bit."""
        return len({turn.digest for turn in self.turns}) == 1


@dataclass
class Session:
    """All contestants in one call of a net, measured in the same rounds."""

    net: str
    call: str
    threads: int
    measured: list[Measured]
    baseline: Measured
    control: Measured
    limits: Limits
    machine: Mapping[str, Any]

    @property
    def floor(self) -> float:
        """How far from 1 a ratio is without a cause."""
        return ratios.floor(ratios.compared(self.control.times(), self.baseline.times()))

    def fastest_library(self, framework: str) -> Measured | None:
        """The fastest of a framework's forms out of the box that computed the right thing."""
        own = contestants.library_forms(framework)
        timed = [
            m
            for m in self.measured
            if m.contestant.framework == framework and m.contestant.form in own
            if m.check and m.check.correct
        ]
        return min(timed, key=lambda m: ratios.compared(m.times(), self.baseline.times()).ratio,
                   default=None)  # fmt: skip
