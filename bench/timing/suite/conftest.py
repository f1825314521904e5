"""The worker that a benchmark asks, and what a saved run says of the machine."""

import contextlib
import os
from collections.abc import Iterator
from typing import Any

import pytest

from bench import machine, packages, threads
from bench.timing.conductor import Worker


@pytest.fixture(scope="module")
def worker(framework: str, form: str) -> Iterator[Worker]:
    """One process a framework and form, which its benchmarks share one after another."""
    if packages.installed(framework) is None:
        pytest.skip(f"{packages.package(framework)} is not installed")
    with Worker(framework, form) as started:
        yield started


def pytest_configure() -> None:
    os.environ.update(threads.variables(1))


@pytest.hookimpl(optionalhook=True)
def pytest_benchmark_update_machine_info(config: pytest.Config, machine_info: dict[str, Any]):
    """What does not change from run to run: where it differs, a comparison says so."""
    machine_info["description"] = machine.description()
    with contextlib.suppress(KeyError):
        # py-cpuinfo's clock of the moment, by which no two runs would be of one machine
        for name in [name for name in machine_info["cpu"] if name.startswith("hz_actual")]:
            del machine_info["cpu"][name]
