"""Plant every bug in one framework, one at a time, and see whether conformance turns red.

    python -m tests.meta.kill --framework pytorch --results results/standard --out FILE.json

A kill is a numeric deviation beyond its tolerance, in the quantity expected, with the unmutated
comparison green in the same process. A crash is not a kill, and neither is a tensor of another
shape or not-a-number: those are found without comparing anything.
"""

import argparse
import contextlib
import importlib
import math
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest import mock

from bench import accounts, command, store, threads
from bench.conformance import players
from bench.ledger import LEDGER, REST
from bench.progress import Reporter
from tests.meta.catalogue import CONTROL, MUTANTS, Mutant
from tests.meta.scenarios import SCENARIOS, Lockstep

# Every bug has a net of its own, compiled for a few steps: XLA is not to take pains over it.
QUICKLY = "--xla_backend_optimization_level=0"


def main() -> int:
    parser = argparse.ArgumentParser(description="Plant bugs in a framework folder.")
    parser.add_argument("--framework", required=True, choices=players.judged())
    parser.add_argument("--results", type=Path, required=True, help="results/<budget>")
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    threads.pin(1)
    os.environ.setdefault("XLA_FLAGS", QUICKLY)
    reporter = Reporter(arguments.results, f"mutants/{arguments.framework}")
    records = []
    for position, record in enumerate(judged(arguments.framework)):
        records.append(record)
        reporter.report(min((position + 1) / len(MUTANTS), 0.999), record["mutant"])
    store.write_file(arguments.out, store.canonical(records))
    accounts.close(arguments.results, f"mutants/{arguments.framework}")
    survived = [record["mutant"] for record in records if not record["killed"]]
    reporter.report(1.0, f"{len(records) - len(survived)} of {len(records)} planted bugs caught")
    for name in survived:
        print(f"{arguments.framework}: '{name}' was not caught", file=sys.stderr)
    return 0


def judged(
    framework: str, mutants: Sequence[Mutant] = MUTANTS, control: Mutant = CONTROL
) -> Iterator[dict[str, Any]]:
    """A record for each mutant. Raises AssertionError if the control, no bug, counts as a kill."""
    reference, adapter = players.adapters(framework)
    LEDGER.enter(REST)
    healthy: dict[str, bool] = {}
    for mutant in (control, *mutants):
        scenario = SCENARIOS[mutant.scenario]
        if mutant.scenario not in healthy:
            quantities = scenario(reference, adapter, framework)
            healthy[mutant.scenario] = all(q.excess <= 1 for q in quantities.values())
        found, note = None, None
        try:
            with planted(framework, adapter, mutant):
                found = scenario(reference, adapter, framework)[mutant.quantity]
        except Exception as error:  # whatever a wrong net raises: it is told and kills nothing
            note = f"crashed: {type(error).__name__}: {error}".splitlines()[0]
        if found and not math.isfinite(found.largest):
            note = "another shape or not-a-number: nothing was compared"
        if not healthy[mutant.scenario]:
            note = "the healthy comparison is red"
        record = {
            "schema_version": 1,
            "mutant": mutant.name,
            "framework": framework,
            "killed": note is None and found is not None and found.excess > 1,
            "by": {
                "scenario": mutant.scenario,
                "quantity": mutant.quantity,
                "times_tolerance": found.excess if found else None,
                "deviation": found.largest if found else None,
                "tensor": found.tensor if found else None,
                "step": _counted_from_1(found.first_beyond) if found else None,
            },
            "control_passed": healthy[mutant.scenario],
            "seen": mutant.seen,
            "note": note,
        }
        if mutant is not control:
            yield record
        elif record["killed"]:
            raise AssertionError("a bug was reported where none was planted")


def _counted_from_1(step: int | None) -> int | None:
    return None if step is None else step + 1


@contextlib.contextmanager
def planted(framework: str, adapter: ModuleType, mutant: Mutant) -> Iterator[None]:
    """Replace one function of the framework's folder for as long as the block runs."""
    if mutant.name == "batches in another order":
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
