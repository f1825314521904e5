"""What is running, how far it is, and an honest time left.

Every job keeps one small file, <results>/progress/<job>.json, and now and then says a line on
standard error about the whole reproduction, so that a terminal and a plain log show the same.
The time left comes from work and not from counting jobs, which are very unequal: each job weighs
the CPU seconds it took before (here, or on the reference machine), and the speed is this
reproduction's own so far. Nothing is said before there is a speed to say it from.

`python -m bench.progress results/standard` follows a running reproduction live.
"""

import argparse
import os
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from bench import command, store

EVERY_SECONDS = 10.0
# A speed is a speed when so much was done: of everything, and of one job (imports and compilation
# come first, and say nothing of the rest).
ENOUGH, ENOUGH_OF_A_JOB = 0.01, 0.1


@dataclass(frozen=True)
class Overview:
    """The state of a reproduction at one moment."""

    done: float  # of the total weight, 0 to 1
    finished: int
    jobs: int
    running: list[str] = field(default_factory=list)
    seconds_left: float | None = None

    def line(self) -> str:
        left = "time left: not known yet"
        if self.seconds_left is not None:
            left = f"about {duration(self.seconds_left)} left"
        if self.finished == self.jobs:
            left = "all computed"
        return f"[{100 * self.done:3.0f} %] {self.finished} of {self.jobs} jobs done, {left}"


def duration(seconds: float) -> str:
    """37 s, 4 min, 1 h 20 min: as precise as an estimate deserves."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"


def overview(results: Path, now: float) -> Overview:
    """Read the plan and every job's file.

    time left = max(remaining weight / speed, longest remaining job / its own speed), speed being
    weight done since this start divided by the time since then. None before enough was done.
    """
    start = store.read(results / "jobs.json")
    remaining, gained, longest, running, finished, total = 0.0, 0.0, 0.0, [], 0, 0.0
    for job, weight in start["weights"].items():
        total += weight
        path = results / "progress" / f"{job.replace('/', '.')}.json"
        note = store.read(path) if path.is_file() else {"fraction": 0.0, "updated": 0.0}
        fresh = note["updated"] >= start["started"]
        fraction = note["fraction"] if fresh or note["fraction"] >= 1.0 else 0.0
        finished += fraction >= 1.0
        remaining += weight * (1 - fraction)
        if fresh:
            gained += weight * (fraction - note["kept"])
        if fresh and 0 <= fraction < 1.0:
            running.append(f"{job}: {note['text']}")
            worked, spent = fraction - note["kept"], note["updated"] - note["started"]
            if worked >= ENOUGH_OF_A_JOB:
                longest = max(longest, (1 - fraction) * spent / worked)
    elapsed = now - start["started"]
    told = gained > ENOUGH * total
    left = max(remaining * elapsed / gained, longest) if told else None
    return Overview(
        1 - remaining / total if total else 1.0, finished, len(start["weights"]), running, left
    )


def _of_children() -> float:
    """CPU seconds of the processes that this one started and waited for."""
    spent = os.times()
    return spent.children_user + spent.children_system


class Reporter:
    """One job's voice. report(fraction, text) may be called as often as wanted.

    spent: CPU seconds that this process gave to other jobs before. Imports are the first job's.
    """

    def __init__(self, results: Path, job: str, spent: float = 0.0) -> None:
        self.results, self.job, self.spent = results, job, spent
        self.path = results / "progress" / f"{job.replace('/', '.')}.json"
        self.started = time.time()
        self.children = _of_children()
        self.kept = 0.0  # the part that an earlier attempt had done already
        self.last_written = self.last_said = 0.0

    def keep(self, fraction: float) -> None:
        """Tell how much was found finished, so that it does not pass for speed."""
        self.kept = fraction

    def report(self, fraction: float, text: str) -> None:
        now = time.time()
        if fraction < 1.0 and now - self.last_written < 1.0:
            return
        self.last_written = now
        note = {
            "job": self.job,
            "fraction": fraction,
            "kept": self.kept,
            "text": text,
            "started": self.started,
            "updated": now,
            "cpu_seconds": time.process_time() - self.spent + _of_children() - self.children,
            "pid": os.getpid(),
        }
        store.write_file(self.path, store.canonical(note))
        if (self.results / "jobs.json").is_file() and (
            fraction >= 1.0 or now - self.last_said >= EVERY_SECONDS
        ):
            self.last_said = now
            print(f"{overview(self.results, now).line()} | {self.job}: {text}", file=sys.stderr)
            sys.stderr.flush()


def follow(results: Path) -> int:
    """Show a live bar in a terminal until everything is computed; one line where there is none."""
    from rich.live import Live
    from rich.progress_bar import ProgressBar
    from rich.table import Table

    def picture(state: Overview) -> Table:
        table = Table.grid(padding=(0, 1))
        table.add_row(state.line())
        table.add_row(ProgressBar(total=1.0, completed=state.done, width=60))
        for line in state.running:
            table.add_row(f"  {line}")
        return table

    state = overview(results, time.time())
    if not sys.stdout.isatty():
        print(state.line(), *state.running, sep="\n  ")
        return 0
    with Live(picture(state), refresh_per_second=2) as live:
        while state.finished < state.jobs:
            time.sleep(1.0)
            state = overview(results, time.time())
            live.update(picture(state))
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(description="Follow a running reproduction.")
    parser.add_argument("results", type=Path, help="results/<budget>")
    arguments = parser.parse_args()
    if not (arguments.results / "jobs.json").is_file():
        raise command.UserError(f"{arguments.results} holds no reproduction: start one first")
    return follow(arguments.results)


if __name__ == "__main__":
    command.run(main)
