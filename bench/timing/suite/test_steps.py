"""A training step and a forward pass of every net in every framework and variant."""

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

import implementations
from bench.contract import VARIANTS
from bench.timing.conductor import Worker
from bench.timing.loops import CALLS
from bench.timing.nets import NETS

ROUNDS = 10
_reported = 0.0  # CPU seconds per call, summed over the turns that workers have answered for


def reported_cpu_seconds() -> float:
    """The benchmarks' timer: it goes on by what a worker says that one call took."""
    return _reported


@pytest.mark.benchmark(timer=reported_cpu_seconds)
@pytest.mark.parametrize("framework", implementations.names(), scope="module")
@pytest.mark.parametrize("form", VARIANTS, scope="module")
@pytest.mark.parametrize("net", NETS)
@pytest.mark.parametrize("phase", CALLS)
def test_step(
    benchmark: BenchmarkFixture, worker: Worker, net: str, framework: str, form: str, phase: str
) -> None:
    benchmark.group = f"{net} {framework} {phase}"
    ready = worker.prepare(net, phase)
    benchmark.extra_info.update(ready, examples=NETS[net].examples, facts=worker.facts)

    def turn() -> float:
        global _reported
        seconds = worker.turn(ready["steps"]).cpu_seconds
        _reported += seconds
        return seconds

    assert benchmark.pedantic(turn, rounds=ROUNDS, warmup_rounds=1) > 0
