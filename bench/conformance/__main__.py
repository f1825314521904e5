"""Compare one framework with the NumPy reference, and write what was found.

    python -m bench.conformance --framework pytorch --length full --results results/standard
        --out results/standard/conformance/pytorch.json

A comparison that fails is a result: it is written, explained on standard error, and shown in the
report. bench.conformance.gate turns it into an exit code.
"""

import argparse
import importlib
import sys
from pathlib import Path

from bench import command, store, threads
from bench.conformance import cases, lockstep
from bench.progress import Reporter

NOTICEABLE = 1e-5  # float32: at which step does the loss first differ by more than this,
FOLLOWED = 200  # followed for so many steps?


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--framework", required=True)
    parser.add_argument("--length", choices=("short", "full"), default="full")
    parser.add_argument("--results", type=Path, required=True, help="results/<budget>")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--data-dir", type=Path, default=None)
    arguments = parser.parse_args()
    threads.pin(arguments.threads)
    adapter = importlib.import_module(f"implementations.{arguments.framework}.adapter")
    reference = importlib.import_module("implementations.numpy.adapter")
    reporter = Reporter(arguments.results, f"conformance/{arguments.framework}")
    planned = cases.cases(arguments.length)
    effort = [case.steps * case.batch_size * case.spec().parameter_count for case in planned]
    records, failures = [], []
    for position, case in enumerate(planned):
        done, share = sum(effort[:position]) / sum(effort), effort[position] / sum(effort)

        def report(fraction: float, text: str, done: float = done, share: float = share) -> None:
            reporter.report(min(done + share * fraction, 0.999), text)

        found = lockstep.compare(
            reference, adapter, case, arguments.framework, arguments.data_dir, report
        )
        rows = list(found.records())
        if case.dtype == "float32" and arguments.length == "full":
            step = lockstep.drift(
                reference, adapter, case, FOLLOWED, NOTICEABLE, arguments.data_dir
            )
            for row in rows:
                row["first_step_beyond_1e-5"] = step if row["quantity"] == "loss" else None
        records += rows
        if found.divergence:
            failures.append(f"{case.name}: {found.divergence['sentence']}")
    store.write_file(arguments.out, store.canonical(records))
    reporter.report(1.0, f"{len(planned)} comparisons, {len(failures)} failed")
    for failure in failures:
        print(f"conformance of {arguments.framework} failed: {failure}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    command.run(main)
