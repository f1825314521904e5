"""Compare one framework with the NumPy reference, and write what was found.

    python -m bench.conformance --framework pytorch --length full --results results/standard
        --out results/standard/conformance/pytorch.json

A comparison that fails is a result: it is written, explained on standard error, and shown in the
report. bench.conformance.gate turns it into an exit code.
"""

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import accounts, command, store, threads
from bench.conformance import cases, lockstep, players
from bench.conformance.lockstep import Report
from bench.ledger import LEDGER, REST
from bench.progress import Reporter

NOTICEABLE = 1e-5  # float32: at which step does the loss first differ by more than this,
FOLLOWED = 200  # followed for so many steps?


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--framework", required=True, choices=players.judged())
    parser.add_argument("--length", choices=("short", "full"), default="full")
    parser.add_argument("--results", type=Path, required=True, help="results/<budget>")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--data-dir", type=Path, default=None)
    arguments = parser.parse_args()
    threads.pin(arguments.threads)
    reporter = Reporter(arguments.results, f"conformance/{arguments.framework}")
    records, failures = compared(
        arguments.framework, arguments.length, arguments.data_dir, reporter.report
    )
    store.write_file(arguments.out, store.canonical(records))
    accounts.close(arguments.results, f"conformance/{arguments.framework}")
    reporter.report(1.0, f"{len(records)} quantities compared, {len(failures)} cases failed")
    for failure in failures:
        print(f"conformance of {arguments.framework} failed: {failure}", file=sys.stderr)
    return 0


def compared(
    framework: str, length: cases.Length, data_dir: Path | None, report: Report
) -> tuple[list[dict[str, Any]], list[str]]:
    """The records of all planned cases, and a sentence for each case that failed."""
    reference, adapter = players.adapters(framework)
    LEDGER.enter(REST)
    planned = cases.cases(length)
    followed = [case for case in planned if case.dtype == "float32" and length == "full"]
    voice = Voice(report, sum(c.effort for c in planned) + sum(map(_drift_effort, followed)))
    records, failures = [], []
    for case in planned:
        found = lockstep.compare(
            reference, adapter, case, framework, data_dir, voice.part(case.effort)
        )
        rows = list(found.records())
        if case in followed:
            say = voice.part(_drift_effort(case))
            step = lockstep.drift(reference, adapter, case, FOLLOWED, NOTICEABLE, data_dir, say)
            for row in rows:
                row["first_step_beyond_1e-5"] = step if row["quantity"] == "loss" else None
        records += rows
        if found.divergence:
            failures.append(f"{case.name}: {found.divergence['sentence']}")
    return records, failures


@dataclass
class Voice:
    """Reports the parts of a job one after another, each by its share of the work."""

    report: Report
    total: float
    done: float = 0.0

    def part(self, effort: float) -> Report:
        start, self.done = self.done, self.done + effort

        def say(fraction: float, text: str) -> None:
            # A job is finished when its file is written: no report before reaches 1.
            self.report(min((start + effort * fraction) / self.total, 0.999), text)

        return say


def _drift_effort(case: cases.Case) -> float:
    return case.effort / case.steps * FOLLOWED


if __name__ == "__main__":
    command.run(main)
