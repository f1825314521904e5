"""Calls take turns, are grouped, and their ratios are right: on a clock that the tests move."""

from collections.abc import Callable
from typing import cast

import pytest

from bench.contract import System
from bench.timing import turns


class Machine:
    """A clock that only calls move, and the order in which they were made."""

    def __init__(self, seconds: dict[str, float], drift: float = 1.0) -> None:
        self.seconds, self.drift = seconds, drift
        self.now, self.settling = 0.0, 0.0
        self.made: list[str] = []
        self.settled_after: list[int] = []

    def call(self, name: str) -> Callable[[], None]:
        def made() -> None:
            self.made.append(name)
            self.now += self.seconds[name]

        return made

    def settle(self) -> None:
        self.settled_after.append(len(self.made))
        self.now += self.settling
        self.seconds = {name: taken * self.drift for name, taken in self.seconds.items()}

    def measure(self, rounds: int, at_least: float) -> dict[str, list[float]]:
        calls = {name: self.call(name) for name in self.seconds}
        return turns.measure(calls, self.settle, rounds, at_least, clock=lambda: self.now)


def test_calls_take_turns_in_a_balanced_order() -> None:
    machine = Machine({"a": 1.0, "b": 2.0, "c": 3.0})
    machine.measure(rounds=4, at_least=0.5)
    warm_up, sizing, measured = machine.made[:3], machine.made[3:6], machine.made[6:]
    assert warm_up == sizing == ["a", "b", "c"]
    assert "".join(measured) == "abccba" * 2


def test_every_measurement_is_long_enough_and_settled_once() -> None:
    machine = Machine({"short": 0.001, "long": 0.5})
    found = machine.measure(rounds=2, at_least=0.02)
    last = [b - a for a, b in zip(machine.settled_after, machine.settled_after[1:], strict=False)]
    short, long = last[-1], last[-2]
    assert (short, long) == (last[-4], last[-3])
    assert long == 1
    assert short * 0.001 >= 0.02
    assert found["short"] == pytest.approx([0.001, 0.001])
    assert found["long"] == pytest.approx([0.5, 0.5])


def test_waiting_for_the_device_belongs_to_what_is_measured() -> None:
    machine = Machine({"a": 1.0})
    machine.settling = 0.25
    assert machine.measure(rounds=1, at_least=1.0) == {"a": [1.25]}


def test_settling_waits_for_every_system() -> None:
    waited: list[str] = []

    class Device:
        def __init__(self, name: str) -> None:
            self.name = name

        def synchronize(self) -> None:
            waited.append(self.name)

    settle = turns.settling(cast(System, Device(name)) for name in "ab")
    settle()
    settle()
    assert waited == ["a", "b", "a", "b"]


def test_a_clock_that_ticks_coarsely_makes_groups_larger() -> None:
    machine = Machine({"a": 0.001})
    calls = {"a": machine.call("a")}
    found = turns.measure(
        calls, machine.settle, 3, at_least=0.1, clock=lambda: int(machine.now * 100) / 100
    )
    assert found["a"] == pytest.approx([0.001] * 3, rel=0.11)


def test_ratios_are_paired_by_round() -> None:
    times = {"a": [2.0, 20.0, 2.0], "b": [1.0, 10.0, 4.0]}
    assert turns.log2_ratio(times, "a", "b") == pytest.approx(1.0)
    assert turns.log2_ratio(times, "b", "a") == pytest.approx(-1.0)


def test_a_drift_is_no_difference() -> None:
    """Every measurement is 1 % slower than the one before: one after the other, that is 15 %."""
    machine = Machine({"a": 1.0, "same": 1.0}, drift=1.01)
    times = machine.measure(rounds=20, at_least=0.5)
    assert abs(turns.log2_ratio(times, "same", "a")) < 1e-9
