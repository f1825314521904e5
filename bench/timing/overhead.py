"""What the suite's own loop costs over a bare one.

    python -m bench.timing.overhead --framework pytorch [--nets mlp lenet] [--rounds 20]
        [--json FILE]

The suite trains by fit() of bench/training.py: batches drawn by the seed from a data set that was
checked, staged behind the contract, put on an account, and a look at the loss after every step.
implementations/<framework>/bare.py trains the same net by the same rule on the same batches, and
has none of that. Both begin an epoch of mnist5k by turns, in one process, on the clock of its CPU
time (turns.py). The overhead is

    seconds of fit() / seconds of the bare loop - 1

paired by round: the median, with an interval of 95 %. The control is the bare loop under a second
name: how large a ratio is without a cause. Exit code 1 where the whole interval of a net lies above
what it is allowed.
"""

import argparse
import importlib
import itertools
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from types import ModuleType

import numpy as np

import implementations
from bench import command, conventions, dataset, packages, ranges, store, systems, threads, weights
from bench.contract import Config, Update
from bench.dataset import Prepared
from bench.errors import UserError
from bench.randomness import batch_order
from bench.spec import Spec
from bench.specs import lenet, mlp
from bench.timing import ratios, turns
from bench.training import TRAIN, batches, fit

# Net -> its spec, the steps of a call, and the overhead that is allowed.
NETS: dict[str, tuple[Callable[[], Spec], int, float]] = {
    "mlp": (mlp.spec, 30, 0.05),
    "lenet": (lenet.spec, 2, 0.02),
}
BATCH = 64
# The weights stay where they are. A net that learns some batches by heart has gradients whose
# squares are no normal numbers any more. On those processors are slow, in one loop first.
RATE = 1e-6
SUITE, BARE, CONTROL = "suite", "bare", "bare again"


@dataclass(frozen=True)
class Overhead:
    """Of one net in one framework: shares of the bare loop's CPU time; milliseconds of a step."""

    framework: str
    net: str
    batch: int
    rounds: int
    bare_ms: float
    suite_ms: float
    overhead: float
    low: float
    high: float
    control: float
    control_low: float
    control_high: float
    allowed: float

    def too_slow(self) -> str | None:
        """What is wrong, where even the lower end of the interval is more than is allowed."""
        if self.low <= self.allowed:
            return None
        return (
            f"{self.framework}, {self.net}: the suite's loop costs {self.overhead:.1%} over the "
            f"bare one, at least {self.low:.1%}; allowed are {self.allowed:.0%}"
        )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--framework", required=True, choices=implementations.names())
    parser.add_argument(
        "--nets", nargs="+", default=list(NETS), metavar="NET", help=", ".join(NETS)
    )
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--data-dir", type=Path, default=None, help="where downloads are kept")
    parser.add_argument("--json", type=Path, default=None, help="also write a file for machines")
    arguments = parser.parse_args()
    for net in arguments.nets:
        ranges.choice("net", net, NETS)
    ranges.number("rounds", arguments.rounds, ratios.ENOUGH_ROUNDS)
    framework = arguments.framework
    if packages.installed(framework) is None:
        raise UserError(f"{packages.package(framework)} is not installed")
    threads.pin(1)
    adapter = importlib.import_module(f"implementations.{framework}.adapter")
    bare = importlib.import_module(f"implementations.{framework}.bare")
    data = dataset.prepare("mnist5k", 0, arguments.data_dir)
    rows = [measured(framework, adapter, bare, n, data, arguments.rounds) for n in arguments.nets]
    show(framework, rows)
    if arguments.json:
        store.write_file(arguments.json, store.canonical([asdict(row) for row in rows]))
    complaints = [complaint for row in rows if (complaint := row.too_slow())]
    print("\n".join(complaints), file=sys.stderr, end="\n" if complaints else "")
    return 1 if complaints else 0


def measured(
    framework: str, adapter: ModuleType, bare: ModuleType, net: str, data: Prepared, rounds: int
) -> Overhead:
    """Both loops in turns."""
    make, steps, allowed = NETS[net]
    spec, start = make(), weights.initial(make(), 0)
    update = Update("cross_entropy", ("",), conventions.usual_adam())
    system = systems.build(adapter, spec, {TRAIN: update}, Config())
    system.load(start)
    training = bare.Training(spec, start.parameters)
    x, y = data.train_x.astype(np.float32), data.train_y

    def suite() -> None:
        fit(system, batches(data, 0, BATCH, steps), RATE)

    def plain() -> None:
        order = batch_order(0, 0, len(y), BATCH)
        training.fit(x, y, itertools.islice(order, steps), RATE)

    calls = {SUITE: suite, BARE: plain, CONTROL: plain}
    # Both read every loss, which waits for the step: there is nothing left to settle.
    times = turns.measure(calls, lambda: None, rounds)
    system.close()
    suites, bares, again = (np.array(times[name]) for name in (SUITE, BARE, CONTROL))
    found = ratios.median(suites / bares - 1)
    control = ratios.median(again / bares - 1)
    return Overhead(
        framework,
        net,
        BATCH,
        rounds,
        1000 * float(np.median(bares)) / steps,
        1000 * float(np.median(suites)) / steps,
        *found,
        *control,
        allowed,
    )


def show(framework: str, rows: list[Overhead]) -> None:
    """A table for a terminal, or for a file."""
    from rich.console import Console
    from rich.table import Table

    table = Table(title=f"CPU time of a step of {framework} over its bare loop", box=None)
    for title in ("net", "batch", "bare", "suite", "overhead", "95 %", "allowed", "control"):
        table.add_column(title, justify="left" if title == "net" else "right")
    for row in rows:
        table.add_row(
            row.net,
            str(row.batch),
            f"{row.bare_ms:.3f} ms",
            f"{row.suite_ms:.3f} ms",
            f"{row.overhead:+.1%}",
            f"{row.low:+.1%} to {row.high:+.1%}",
            f"{row.allowed:.0%}",
            f"{row.control:+.1%} ({row.control_low:+.1%} to {row.control_high:+.1%})",
        )
    Console(width=120).print(table)


if __name__ == "__main__":
    command.run(main)
