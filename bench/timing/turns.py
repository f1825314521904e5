"""Costs of calls that are compared with each other: measured in turns, on the process's CPU clock.

A machine is not the same from second to second: frequency, caches, other processes. What is
measured one after the other takes such a drift for a difference. Here the calls take turns within
every round, and every second round runs in the opposite order,

    A B C   C B A   A B C   ...

so that each call meets the same drift, and its place in the order is balanced over the rounds. What
is compared is paired by round, and the median leaves out rounds in which something else happened.

The same call under two names (an A/A control) shows how large a ratio is without a cause.
"""

import math
import time
from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

import numpy as np

from bench.contract import System
from bench.ledger import LEDGER, STEPS

GROWTH = 10  # a group grows by at most this factor between two attempts at its size
T = TypeVar("T")


@LEDGER.counted(STEPS)  # inside, no clock is read for the account
def measure(
    calls: Mapping[str, Callable[[], object]],
    settle: Callable[[], None],
    rounds: int = 20,
    at_least: float = 0.02,
    clock: Callable[[], float] = time.process_time,
) -> dict[str, list[float]]:
    """Seconds per call, by name and round.

    settle() waits for the device, and is part of every measurement, once at its end: settling() of
    the systems that the calls belong to. Each call is made once and settled before any clock is
    read, for what the first call alone does (compiling); then it is grouped: as many calls to a
    measurement as take `at_least` seconds together. `clock` counts the CPU seconds of all threads
    of this process.
    """
    for call in calls.values():
        call()
        settle()

    def seconds(call: Callable[[], object], times: int) -> float:
        before = clock()
        for _ in range(times):
            call()
        settle()
        return clock() - before

    groups = {
        name: group(lambda n, c=call: seconds(c, n), at_least) for name, call in calls.items()
    }
    found: dict[str, list[float]] = {name: [] for name in calls}
    for turn in range(rounds):
        for name in order(list(calls), turn):
            found[name].append(seconds(calls[name], groups[name]) / groups[name])
    return found


def settling(systems: Iterable[System]) -> Callable[[], None]:
    """Wait for all of them: what one left running would be put on the next one's account."""
    waited_for = list(systems)

    def settle() -> None:
        for system in waited_for:
            system.synchronize()

    return settle


def order(names: list[T], turn: int) -> list[T]:
    """The names, or places, in the order of a round: forwards, then backwards."""
    return names if turn % 2 == 0 else names[::-1]


def group(seconds: Callable[[int], float], at_least: float) -> int:
    """How many calls last at least so long: the first try that does."""
    times = 1
    while (taken := seconds(times)) < at_least:
        factor = 1.2 * at_least / taken if taken > 0 else GROWTH
        times = math.ceil(times * min(GROWTH, max(2.0, factor)))
    return times


def log2_ratio(times: Mapping[str, list[float]], a: str, b: str) -> float:
    """The median over rounds of log2(a / b): 1 where a takes twice as long."""
    return float(np.median(np.log2(times[a]) - np.log2(times[b])))
