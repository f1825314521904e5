"""Where the time of a step goes, function by function.

    python -m bench.timing.profile --framework numpy --net lenet [--form native] [--call update]

The steps are those that throughput.py times. The time of a function is its own: without the Python
functions that it calls, with what it calls in C. So a product of matrices is on the account of the
function in which it is written, and all of a compiled step on that of the one that starts it.
Loading the weights, once before the steps, is among them. The clock is that of the process's CPU
time; the profiler's own time, about a microsecond a call, is in it, so that shares are to be read
and times are not.
"""

import argparse
import cProfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import implementations
from bench import command, ranges, threads
from bench.closure import ROOT
from bench.timing import worker
from bench.timing.nets import NETS

REST = 0.005  # what is less than this share is told together
BUILT_IN = "~"  # cProfile's name for the file of a C function


@dataclass(frozen=True)
class Line:
    """A function, as file:line name; its calls and CPU seconds in a step."""

    where: str
    calls: float
    seconds: float


def main() -> int:
    parser = argparse.ArgumentParser(description="Where the time of a step goes.")
    parser.add_argument("--framework", required=True, choices=implementations.names())
    parser.add_argument("--net", required=True, help=", ".join(NETS))
    parser.add_argument("--form", default="native", help="a variant, or one of the library's")
    parser.add_argument("--call", choices=worker.CALLS, default="update")
    parser.add_argument("--seconds", type=float, default=2.0, help="that are looked at, at least")
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    ranges.choice("net", arguments.net, NETS)
    ranges.number("seconds", arguments.seconds, ranges.POSITIVE)
    ranges.number("threads", arguments.threads, ranges.AT_LEAST_ONE)
    threads.pin(arguments.threads)
    show(arguments, profiled(arguments))
    return 0


def profiled(arguments: argparse.Namespace) -> list[Line]:
    """The functions of a step, the longest first."""
    rest = {"device": "cpu", "dtype": "float32", "forks": False}
    timed = worker.Worker(argparse.Namespace(**vars(arguments), **rest))
    steps = timed.prepare(arguments.net, arguments.call, arguments.seconds)["steps"]
    profiler = cProfile.Profile(time.process_time)
    profiler.enable()
    timed.turn(steps)
    profiler.disable()
    timed.dismiss()
    return lines(profiler, steps)


def lines(profiler: cProfile.Profile, steps: int) -> list[Line]:
    """What was profiled, with C functions on the account of who calls them."""
    calls: Counter[str] = Counter()
    seconds: Counter[str] = Counter()
    profiler.create_stats()
    for function, (_, number, own, _, callers) in profiler.stats.items():
        if function[0] == BUILT_IN and callers:
            for caller, (_, _, share, _) in callers.items():
                seconds[_where(*caller)] += share
        else:
            calls[_where(*function)] += number
            seconds[_where(*function)] += own
    found = [Line(where, calls[where] / steps, seconds[where] / steps) for where in seconds]
    return sorted(found, key=lambda line: -line.seconds)


def _where(file: str, line: int, name: str) -> str:
    """bench/training.py:97 fit; numpy/_core/einsumfunc.py:1080 einsum."""
    if file == BUILT_IN:
        return name
    path = Path(file)
    for root in (ROOT, *(parent for parent in path.parents if parent.name == "site-packages")):
        if path.is_relative_to(root) and "site-packages" not in path.relative_to(root).parts:
            path = path.relative_to(root)
    return f"{path}:{line} {name}"


def show(arguments: argparse.Namespace, found: list[Line]) -> None:
    from rich.console import Console
    from rich.table import Table

    whole = sum(line.seconds for line in found)
    what = f"{arguments.net}, {arguments.call}, {arguments.framework} {arguments.form}"
    table = Table(title=f"{what}: {1000 * whole:.2f} ms of CPU time a step", box=None)
    for title in ("share", "ms", "calls"):
        table.add_column(title, justify="right")
    table.add_column("function", no_wrap=True)
    long = [line for line in found if line.seconds >= REST * whole]
    for line in long:
        table.add_row(
            f"{line.seconds / whole:.1%}", f"{1000 * line.seconds:.3f}", f"{line.calls:.3g}",
            line.where,
        )  # fmt: skip
    rest = whole - sum(line.seconds for line in long)
    table.add_row(f"{rest / whole:.1%}", f"{1000 * rest:.3f}", "", "all others")
    Console(width=120).print(table)


if __name__ == "__main__":
    command.run(main)
