"""A race of fake nets on a clock that only their steps move."""

import itertools
import math
from collections.abc import Mapping
from typing import Any, cast

import pytest

from bench.contract import System
from bench.timing.race import Racer, loss_at_most, race


class Track:
    now = 0.0

    def __init__(self) -> None:
        self.made: list[str] = []


class FakeNet:
    """Its loss falls by `progress` a step; a step takes `seconds`."""

    def __init__(self, track: Track, name: str, progress: float, seconds: float) -> None:
        self.track, self.name, self.progress, self.seconds = track, name, progress, seconds
        self.loss = 1.0

    def stage(self, batch: Any) -> Any:
        self.track.now += 1000.0  # must not be counted
        return batch

    def update(self, update: str, batch: Any, learning_rate: float) -> None:
        self.track.made.append(self.name)
        self.track.now += self.seconds / 2

    def synchronize(self) -> None:
        self.track.now += self.seconds / 2

    def read(self) -> Mapping[str, float]:
        self.track.now += 1000.0
        self.loss -= self.progress
        return {"cross_entropy": self.loss}


def run(*nets: tuple[str, float, float], target: float, horizon: int = 100, window: int = 1):
    track = Track()
    racers = {
        name: Racer(cast(System, FakeNet(track, name, *how)), itertools.repeat({}), 0.1)
        for name, *how in nets
    }
    race(racers, horizon, loss_at_most(target, window), clock=lambda: track.now)
    return racers, track


def test_fewer_steps_can_take_longer() -> None:
    racers, _ = run(("quick", 0.125, 1.0), ("thorough", 0.25, 3.0), target=0.5)
    assert [len(racers[name].seconds) for name in ("quick", "thorough")] == [4, 2]
    assert [racers[name].spent() for name in ("quick", "thorough")] == [4.0, 6.0]
    assert racers["quick"].seconds == [1.0, 2.0, 3.0, 4.0]


def test_racers_take_turns_and_leave_when_they_arrive() -> None:
    _, track = run(("a", 0.125, 1.0), ("b", 0.25, 1.0), target=0.5)
    assert "".join(track.made) == "abba" + "aa"


def test_the_target_counts_as_steps_to_counts_it() -> None:
    racers, _ = run(("a", 0.0625, 1.0), target=0.5, window=4)
    racer = racers["a"]
    assert len(racer.seconds) == racer.fit.steps_to(0.5, window=4).steps
    assert racer.arrived


def test_one_that_never_arrives_costs_the_whole_horizon() -> None:
    racers, _ = run(("lost", -0.1, 2.0), ("broken", math.nan, 1.0), target=0.5, horizon=7)
    assert not racers["lost"].arrived
    assert not racers["lost"].fit.diverged
    assert racers["lost"].spent() == pytest.approx(14.0)
    assert not racers["broken"].arrived
    assert len(racers["broken"].seconds) == 1
    assert math.isnan(racers["broken"].spent())
