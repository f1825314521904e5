"""How long a reproduction would take with more workers, from what its jobs took here.

python -m bench.scaling results/standard

For every file that a job wrote Snakemake keeps what the job read, when it began and when it ended:
the graph and its weights. A worker does one job at a time; whenever one is free it takes, of the
jobs whose inputs are there, the one with the longest way to the end behind it (Hu 1961, "Parallel
sequencing and assembly line problems"). No schedule is shorter than

    max(critical path, all work / workers)

and this one is at most that plus (1 - 1/workers) of the critical path (Graham 1969, "Bounds on
multiprocessing timing anomalies").

Workers are machines of a cluster, or processors of one machine. In that a job that reads a clock by
which something is judged has the machine to itself: all that are running end first, and nothing
starts beside it. No bound is known for that.

Seconds are wall seconds of the machine that ran the jobs, under
whatever load it had; what a cluster adds to a job (its queue, its start) is not in them.
"""

import argparse
import base64
import heapq
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from bench import claim as claims
from bench import command
from bench.errors import UserError
from bench.progress import duration

TIMING_RULE = "throughput"
METADATA = Path(".snakemake") / "metadata"
WORKERS = (1, 2, *(4**power for power in range(1, 6)))


@dataclass(frozen=True)
class Job:
    """name: its rule, and the first file that it wrote. after: names of the jobs that it reads.

    alone: it reads a clock, and wants the machine to itself.
    """

    name: str
    seconds: float
    after: tuple[str, ...]
    alone: bool = False


def recorded(results: Path, metadata: Path = METADATA) -> list[Job]:
    """The jobs that wrote below a folder of results, or read what these wrote.

    Raises UserError where Snakemake recorded none.
    """
    notes = [(_path(n, metadata), json.loads(n.read_text())) for n in _notes(metadata)]
    finished = [(path, note) for path, note in notes if not note["incomplete"]]
    below = [path for path, _ in finished if Path(path).is_relative_to(results)]
    makers = {path: _key(note) for path, note in finished}
    ours = {makers[path] for path in below}
    ours |= {_key(note) for _, note in finished if set(note["input"]) & set(below)}
    if not ours:
        raise UserError(
            f"no finished job of {results} is recorded in {metadata}: run "
            f"snakemake --cores 2 --config budget={results.name} first, in this folder"
        )
    outputs: dict[Any, list[str]] = {key: [] for key in ours}
    inputs: dict[Any, set[str]] = {key: set() for key in ours}
    times: dict[Any, list[float]] = {key: [] for key in ours}
    alone = {_key(note): _alone(note, results.name) for _, note in finished if _key(note) in ours}
    for path, note in finished:
        if _key(note) in ours:
            outputs[_key(note)].append(path)
            inputs[_key(note)] |= set(note["input"])
            times[_key(note)] += [note["starttime"], note["endtime"]]
    names = {key: f"{key[0]}: {min(paths)}" for key, paths in outputs.items()}
    return [
        Job(
            name,
            max(times[key]) - min(times[key]),
            tuple(sorted(_names(inputs[key], makers, names) - {name})),
            alone[key],
        )
        for key, name in sorted(names.items(), key=lambda item: item[1])
    ]


def tails(jobs: Iterable[Job]) -> dict[str, float]:
    """Seconds from the beginning of each job to the end of all that waits for it.

    Raises UserError for jobs that wait for each other: records of different times.
    """
    found: dict[str, float] = {}
    waiting = {job.name: job for job in jobs}
    followers: dict[str, list[str]] = {name: [] for name in waiting}
    for job in waiting.values():
        for before in job.after:
            followers[before].append(job.name)
    while waiting:
        ready = [n for n in waiting if all(after in found for after in followers[n])]
        if not ready:
            raise UserError(
                f"the records of {', '.join(sorted(waiting))} wait for each other: they are of "
                "different reproductions; run snakemake once more"
            )
        for name in ready:
            behind = max((found[after] for after in followers[name]), default=0.0)
            found[name] = waiting.pop(name).seconds + behind
    return found


def critical_path(jobs: list[Job]) -> list[Job]:
    """The chain of jobs, each waiting for the one before, that takes longest."""
    by_name, left = {job.name: job for job in jobs}, tails(jobs)
    chain: list[Job] = []
    choices = [job.name for job in jobs if not job.after]
    while choices:
        chain.append(by_name[max(choices, key=lambda name: left[name])])
        choices = [job.name for job in jobs if chain[-1].name in job.after]
    return chain


def makespan(jobs: list[Job], workers: int, shared: bool = False) -> float:
    """Seconds until all are done. Raises UserError for less than one worker.

    shared: the workers are processors of one machine, which some jobs want to themselves.
    """
    if workers < 1:
        raise UserError(f"a reproduction needs 1 worker or more, got {workers}")
    left, by_name = tails(jobs), {job.name: job for job in jobs}
    missing = {job.name: set(job.after) for job in jobs}
    running: list[tuple[float, str]] = []
    now = 0.0
    while missing or running:
        ready = sorted((n for n in missing if not missing[n]), key=lambda n: (-left[n], n))
        if shared:
            ready = _beside(ready, [name for _, name in running], by_name)
        for name in ready[: workers - len(running)]:
            del missing[name]
            heapq.heappush(running, (now + by_name[name].seconds, name))
        now, done = heapq.heappop(running)
        for before in missing.values():
            before.discard(done)
    return now


def _beside(ready: list[str], running: list[str], jobs: Mapping[str, Job]) -> list[str]:
    """Of those that could start, those that may: one that wants the machine waits for all others
    that are ready, as Snakemake lets it wait."""
    if any(jobs[name].alone for name in running):
        return []
    together = [name for name in ready if not jobs[name].alone]
    return together if together or running else ready[:1]


def main() -> int:
    parser = argparse.ArgumentParser(
        description="How long the recorded reproduction would take with more workers."
    )
    parser.add_argument("results", type=Path, help="results/<budget>, as it was run here")
    parser.add_argument("--workers", type=int, nargs="+", default=WORKERS)
    arguments = parser.parse_args()
    jobs = recorded(arguments.results)
    work, chain = sum(job.seconds for job in jobs), critical_path(jobs)
    table = Table(
        "workers", "time", "times as fast as one", "of the workers busy", "in one machine"
    )
    for workers in arguments.workers:
        seconds, shared = makespan(jobs, workers), makespan(jobs, workers, shared=True)
        gain = work / seconds
        row = str(workers), duration(seconds), f"{gain:.2f}", f"{gain / workers:.0%}"
        table.add_row(*row, duration(shared))
    console = Console()
    console.print(f"{len(jobs)} jobs, {duration(work)} of work")
    console.print(table)
    console.print(f"critical path, {duration(sum(job.seconds for job in chain))}:")
    for job in chain:
        console.print(f"  {duration(job.seconds):>8}  {job.name}", highlight=False)
    return 0


def _notes(metadata: Path) -> list[Path]:
    return sorted(p for p in metadata.rglob("*") if p.is_file()) if metadata.is_dir() else []


def _path(note: Path, metadata: Path) -> str:
    """The file that a note is about: Snakemake names it by the path in base 64, and cuts a long
    name into folders that begin with "@"."""
    parts = note.relative_to(metadata).parts
    return base64.urlsafe_b64decode("".join(part.removeprefix("@") for part in parts)).decode()


def _alone(note: Mapping[str, Any], budget: str) -> bool:
    """Whether the rule asked for all processors: as bench/rules and bench/groups.py do."""
    if note["rule"] == TIMING_RULE:
        return True
    if not note["rule"].startswith("runs") or budget == "smoke":
        return False
    named = set(re.findall(r"--claim (\S+)", note["shellcmd"])) & set(claims.names())
    return any(claims.get(claim).clocked for claim in named)


def _key(note: Mapping[str, Any]) -> tuple[str, tuple[str, ...], int]:
    """What the files of one job have in common; their times differ by milliseconds."""
    return note["rule"], tuple(note["log"]), note["job_hash"]


def _names(inputs: set[str], makers: Mapping[str, Any], names: Mapping[Any, str]) -> set[str]:
    keys = {makers[path] for path in inputs if path in makers}
    return {names[key] for key in keys if key in names}


if __name__ == "__main__":
    command.run(main)
