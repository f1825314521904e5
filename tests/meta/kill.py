"""Plant every bug in one framework, one at a time, and see whether conformance turns red.

    python -m tests.meta.kill --framework pytorch --results results/standard --out FILE.json

A kill is a numeric deviation beyond its tolerance, in the quantity expected, with the unmutated
comparison green in the same process. A crash is not a kill.
"""

import argparse
import contextlib
import importlib
import math
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest import mock

from bench import command, store, threads
from bench.progress import Reporter
from tests.meta.catalogue import CONTROL, MUTANTS, Mutant
from tests.meta.scenarios import SCENARIOS, Lockstep


def main() -> int:
    parser = argparse.ArgumentParser(description="Plant bugs in a framework folder.")
    parser.add_argument("--framework", required=True)
    parser.add_argument("--results", type=Path, required=True, help="results/<budget>")
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    threads.pin(1)
    reporter = Reporter(arguments.results, f"mutants/{arguments.framework}")
    records = []
    for position, record in enumerate(judged(arguments.framework)):
        records.append(record)
        reporter.report(min((position + 1) / len(MUTANTS), 0.999), record["mutant"])
    store.write_file(arguments.out, store.canonical(records))
    survived = [record["mutant"] for record in records if not record["killed"]]
    reporter.report(1.0, f"{len(records) - len(survived)} of {len(records)} planted bugs caught")
    for name in survived:
        print(f"{arguments.framework}: '{name}' was not caught", file=sys.stderr)
    return 0


def judged(framework: str, mutants: tuple[Mutant, ...] = MUTANTS) -> Iterator[dict[str, Any]]:
    """A record for each mutant; the control that plants nothing is checked and left out."""
    reference = importlib.import_module("implementations.numpy.adapter")
    adapter = importlib.import_module(f"implementations.{framework}.adapter")
    healthy: dict[str, float] = {}
    for mutant in mutants:
        scenario = SCENARIOS[mutant.scenario]
        if mutant.scenario not in healthy:
            healthy[mutant.scenario] = max(scenario(reference, adapter, framework).values())
        with planted(framework, adapter, mutant):
            excess = scenario(reference, adapter, framework).get(mutant.quantity, 0.0)
        control = healthy[mutant.scenario] <= 1
        record = {
            "schema_version": 1,
            "mutant": mutant.name,
            "framework": framework,
            "killed": control and excess > 1,
            "by": {
                "scenario": mutant.scenario,
                "quantity": mutant.quantity,
                "times_tolerance": excess if math.isfinite(excess) else None,
            },
            "control_passed": control,
            "seen": mutant.seen,
        }
        if mutant.name != CONTROL:
            yield record
        elif record["killed"]:
            raise AssertionError("a bug was reported where none was planted")


@contextlib.contextmanager
def planted(framework: str, adapter: ModuleType, mutant: Mutant) -> Iterator[None]:
    """Replace one function of the framework's folder for as long as the block runs."""
    if mutant.name == CONTROL:
        yield
    elif mutant.name == "batches in another order":
        with mock.patch.object(adapter.System, "stage", _swapped(adapter, mutant)):
            yield
    else:
        mutations = importlib.import_module(f"tests.meta.mutants.{framework}")
        where, replacement = mutations.PATCHES[mutant.name]
        module, _, name = where.rpartition(".")
        home = importlib.import_module(f"implementations.{framework}.{module}")
        with mock.patch.object(home, name, replacement):
            yield


def _swapped(adapter: ModuleType, mutant: Mutant) -> Any:
    """A stage() that hands out every two batches in the other order."""
    scenario = SCENARIOS[mutant.scenario]
    assert isinstance(scenario, Lockstep)
    batches = list(scenario.case.batches(None))
    other = iter(
        [batch for pair in zip(batches[1::2], batches[::2], strict=True) for batch in pair]
    )
    stage = adapter.System.stage
    return lambda system, batch: stage(system, next(other))


if __name__ == "__main__":
    command.run(main)
