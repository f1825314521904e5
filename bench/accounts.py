"""Where the CPU time of a reproduction went: every job's, by stage (bench/ledger.py).

    python -m bench.accounts results/standard [--by claim|framework|job]

A run keeps its own seconds in its costs.json. A job keeps what it spent beside its runs, imports
above all, in results/<budget>/accounts/<job>.json; where one process computes several jobs, its
imports are the first one's. Together they are accounts.csv, a row a job. A run that was found
finished is told with the seconds with which it was made, and so is a net that was timed before. The
steps of throughput are made for the clock alone.
"""

import argparse
import csv
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from bench import command, ledger, store
from bench.errors import UserError
from bench.ledger import INSIDE, LEDGER, STAGES

SCHEMA_VERSION = 1
ALL = "all"
COLUMNS = ("job", "claim", "framework", *STAGES, "cpu_seconds")
KINDS = ("conformance", "mutants", "atlas", "throughput")  # of jobs that have no runs


def close(results: Path, job: str, before: Mapping[str, float] | None = None) -> None:
    """Write down what a job spent outside of its runs: `before`, and since the ledger was last
    taken."""
    spent = ledger.added([before or {}, LEDGER.take()])
    note = {"schema_version": SCHEMA_VERSION, "job": job, "cpu_seconds": spent}
    store.write_file(_path(results, job), store.canonical(note))


def rows(results: Path) -> Iterator[dict[str, Any]]:
    """A row for every job that is finished, its runs and the rest of it together."""
    known = results / "jobs.json"
    for job in store.read(known)["weights"] if known.is_file() else ():
        path = _path(results, job)
        if not path.is_file():
            continue
        runs = (store.read(run / "costs.json")["stages"] for run in _runs(results, job))
        spent = ledger.added([store.read(path)["cpu_seconds"], *runs])
        first, _, second = job.partition("/")
        if first == "search":
            framework = store.read(results / "search" / f"{second}.json")["framework"]
            claim = second
        else:
            claim, framework = first, second
        names = {"job": job, "claim": claim, "framework": framework}
        yield {**names, **spent, "cpu_seconds": sum(spent.values())}


def shares(rows: Iterable[Mapping[str, Any]], by: str | None = None) -> list[dict[str, Any]]:
    """What each group took, the heaviest first, and all of them last: CPU seconds, the share
    inside of framework steps, and that of every stage."""
    groups: dict[str, list[Mapping[str, Any]]] = {}
    everything = list(rows)
    for row in everything:
        if by:
            groups.setdefault(row[by], []).append(row)
    sums = {name: _summed(members) for name, members in groups.items()}
    heaviest = sorted(sums, key=lambda name: -sum(sums[name].values()))
    found = []
    for name, spent in [*((n, sums[n]) for n in heaviest), (ALL, _summed(everything))]:
        total = sum(spent.values())
        parts = {stage: seconds / total if total else 0.0 for stage, seconds in spent.items()}
        inside = sum(parts[stage] for stage in INSIDE)
        found.append({"name": name, "cpu_seconds": total, "inside": inside, **parts})
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description="Where the CPU time of a reproduction went.")
    parser.add_argument("results", type=Path, help="results/<budget>")
    parser.add_argument("--by", choices=("claim", "framework", "job"), default="framework")
    arguments = parser.parse_args()
    path = arguments.results / "accounts.csv"
    if not path.is_file():
        raise UserError(f"{path} is not there: finish a reproduction first")
    with path.open(newline="") as handle:
        show(shares(csv.DictReader(handle), arguments.by), arguments.by)
    return 0


def show(found: list[dict[str, Any]], by: str) -> None:
    """A table for a terminal, or for a file."""
    from rich.console import Console
    from rich.table import Table

    table = Table(title="Shares of the CPU time by stage", box=None)
    table.add_column(by)
    for title in ("CPU s", "inside steps", *(stage.replace("_", " ") for stage in STAGES)):
        table.add_column(title, justify="right")
    for row in found:
        parts = [f"{row[column]:.1%}" for column in ("inside", *STAGES)]
        table.add_row(row["name"], f"{row['cpu_seconds']:.1f}", *parts)
    Console(width=140).print(table)


def _summed(rows: Iterable[Mapping[str, Any]]) -> dict[str, float]:
    return ledger.added({stage: float(row[stage]) for stage in STAGES} for row in rows)


def _path(results: Path, job: str) -> Path:
    return results / "accounts" / f"{job.replace('/', '.')}.json"


def _runs(results: Path, job: str) -> Iterator[Path]:
    """The folders of a job's runs, as they are planned or were searched; those that are whole."""
    first, _, second = job.partition("/")
    if first in KINDS:
        return
    if first == "search":
        home = store.folder(results, second, "search")
        tried = store.read(results / "search" / f"{second}.json")["tried"]
        names = [store.run_name(f"{t['arm']}-{t['value']:g}", t["seed"]) for t in tried]
    else:
        home = store.folder(results, first, second)
        planned = store.read(results / "plan.json")
        mine = [run for run in planned if (run["claim"], run["framework"]) == (first, second)]
        names = [store.run_name(run["arm"], run["seed"]) for run in mine]
    yield from (home / name for name in names if store.is_whole(home / name))


if __name__ == "__main__":
    command.run(main)
