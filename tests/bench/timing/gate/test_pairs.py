"""What a pair of processes comes to, and that both take turns on one processor."""

import math
import os
from typing import cast

import psutil
import pytest

from bench.closure import ROOT
from bench.timing.conductor import Turn, Worker
from bench.timing.gate import pairs
from bench.timing.gate.benchmarks import Benchmark
from bench.timing.gate.checkouts import Side
from bench.timing.gate.pairs import Pair

MLP = Benchmark("numpy", "native", "mlp")


def test_a_drift_and_the_order_of_turns_cancel() -> None:
    """Every turn is 1 % slower than the one before, and whoever comes second loses 5 %."""
    times: dict[str, list[float]] = {"base": [], "head": []}
    for turn in range(16):
        order = ("base", "head") if turn % 2 == 0 else ("head", "base")
        for place, side in enumerate(order):
            times[side].append(1.01 ** (2 * turn + place) * 1.05**place)
    assert Pair(MLP, 1, times["base"], times["head"], True).difference == pytest.approx(0.0)


def test_a_burst_of_load_spoils_nothing() -> None:
    base, head = [1.0] * 16, [1.1] * 16
    head[4] = head[5] = 7.0
    assert Pair(MLP, 1, base, head, True).difference == pytest.approx(math.log(1.1))


class Scripted:
    def __init__(self, name: str, seconds: float, made: list[str]) -> None:
        self.name, self.seconds, self.made = name, seconds, made

    def turn(self, steps: int, digest: bool = False) -> Turn:
        self.made.append(self.name)
        return Turn(self.seconds, self.seconds, None, "digest" if digest else None)


@pytest.mark.parametrize("swapped", [False, True])
def test_the_side_that_starts_first_is_not_taken_for_the_other(swapped: bool) -> None:
    made: list[str] = []
    base, head = Scripted("b", 0.1, made), Scripted("h", 0.2, made)
    workers = cast(list[Worker], [head, base] if swapped else [base, head])
    pair = pairs._timed(workers, MLP, 1, 0.8, swapped)
    assert pair.difference == pytest.approx(math.log(2))
    assert "".join(made)[2:10] == ("hbbh" if swapped else "bhhb") * 2
    assert len(pair.base) == len(pair.head) == pairs.FEWEST


def test_real_processes_of_one_checkout_lead_to_the_same_bits() -> None:
    side = Side("base", "0" * 40, ROOT)
    told: list[str] = []
    settled = iter([False, False, True])
    asked = (3, 0.01, lambda benchmark: next(settled), told.append)
    found = list(pairs.measured((side, side), [MLP], *asked))
    assert [pair.benchmark for pair in found] == [MLP, MLP], "no third pair of who is settled"
    assert all(pair.same_bits and min(pair.base + pair.head) > 0 for pair in found)
    assert told == [f"pair {n} of 3 at most, 1 of 1 benchmarks left: numpy, native" for n in (1, 2)]


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="threads cannot be bound here")
def test_both_are_bound_to_one_processor_and_may_prepare_on_all() -> None:
    with Worker("numpy", "native") as first, Worker("numpy", "native") as second:
        workers = (first, second)
        assert [worker.prepare("mlp")["steps"] > 0 for worker in workers] == [True, True]
        for number in range(2):
            pairs._bound(workers, number)
            bound = [os.sched_getaffinity(worker.process.pid) for worker in workers]
            assert bound[0] == bound[1] == {pairs.PROCESSORS[number % len(pairs.PROCESSORS)]}
        pairs._spread(workers)
        assert os.sched_getaffinity(first.process.pid) == set(pairs.PROCESSORS)


@pytest.mark.parametrize("framework", ["numpy", "jax"])
def test_both_sides_keep_their_memory_where_glibc_has_it(framework: str) -> None:
    """Not where a framework keeps it by itself: whether it does is a difference to be seen."""
    with pairs._started(Side("base", "0" * 40, ROOT), framework, "native") as worker:
        given = psutil.Process(worker.process.pid).environ()
    assert (pairs.KEEPING.items() <= given.items()) == (framework == "jax")
