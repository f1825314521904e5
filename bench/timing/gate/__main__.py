"""The gate's command: exit code 0 as fast, 1 slower, 2 a mistake. See the package."""

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from rich.console import Console

from bench import command, ranges
from bench.progress import duration
from bench.ranges import Range
from bench.timing.gate import benchmarks, checkouts, instructions, intervals, pairs, records
from bench.timing.gate.benchmarks import Benchmark
from bench.timing.gate.pairs import Pair

OUT = Path("results/gate/gate.json")


def main() -> int:
    arguments = _parser().parse_args()
    ranges.number("allowed", arguments.allowed, ranges.NOT_NEGATIVE)
    ranges.number("seconds", arguments.seconds, ranges.POSITIVE)
    ranges.number("pairs", arguments.pairs, Range(2, 1000))
    wanted = benchmarks.chosen(arguments.benchmarks, arguments.frameworks)
    among = len(wanted) if arguments.among is None else arguments.among
    ranges.number("among", among, Range(len(wanted), 10_000))
    intervals.check_pairs(arguments.pairs, among)
    checkouts.check_clean()
    base, head = checkouts.commit(arguments.base), checkouts.commit("HEAD")
    with checkouts.checked_out(base, head) as sides:
        checkouts.check_offers(sides, wanted)
        found: dict[Benchmark, list[Pair]] = {name: [] for name in wanted}

        def settled(name: Benchmark) -> bool:
            return intervals.settled(_differences(found[name]), arguments.allowed, among)

        tell = _teller()
        asked = (arguments.pairs, arguments.seconds, settled, tell)
        for pair in pairs.measured(sides, wanted, *asked):
            found[pair.benchmark].append(pair)
        if arguments.instructions:
            tell("counting instructions")
        counted = instructions.counted(sides, wanted, arguments.instructions)
    told = []
    for name in wanted:
        judged = intervals.judge(_differences(found[name]), arguments.allowed, among)
        rule = (arguments.allowed, among, arguments.pairs)
        told.append(records.record(name, sides, found[name], judged, counted[name], rule))
    records.write(told, arguments.out)
    records.show(told, Console())
    return 1 if any(entry["verdict"] == "slower" for entry in told) else 0


def _differences(made: Sequence[Pair]) -> list[float]:
    return [pair.difference for pair in made]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bench.timing.gate",
        description="Is HEAD slower than another commit, beyond what noise explains?",
    )
    parser.add_argument("base", help="what to compare with: a branch, a tag, a hash")
    parser.add_argument("--frameworks", nargs="+", help="of these alone (all that are installed)")
    parser.add_argument(
        "--benchmarks", nargs="+", metavar="FRAMEWORK/FORM/NET", help="instead of the usual ones"
    )
    parser.add_argument("--pairs", type=int, default=24, help="of processes, at most (%(default)s)")
    parser.add_argument(
        "--seconds",
        type=float,
        default=0.4,
        help="that a process is timed for in a benchmark (%(default)s)",
    )
    parser.add_argument(
        "--among",
        type=int,
        metavar="N",
        help="benchmarks, where several runs share them out (those of this run)",
    )
    parser.add_argument(
        "--allowed",
        type=float,
        default=0.03,
        help="a slowdown that does not matter (%(default)s: 3 %%)",
    )
    parser.add_argument(
        "--instructions",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="count them too, where valgrind is installed",
    )
    parser.add_argument("--out", type=Path, default=OUT, help="%(default)s")
    return parser


def _teller() -> Callable[[str], None]:
    """Says on standard error what is being done, and since when."""
    began = time.monotonic()

    def tell(what: str) -> None:
        print(f"{duration(time.monotonic() - began)}: {what}", file=sys.stderr, flush=True)

    return tell


if __name__ == "__main__":
    command.run(main)
