"""How fast each framework computes each net, in each of its forms.

    python -m bench.timing.throughput --nets lenet [--frameworks pytorch jax] [--forms native flax]

A process for each framework and form, of which each net and call gets a child that is as new
(forks.py). They take turns, round by round (conductor.py), beside two processes that measure the
limits of the machine (limits.py) and one that is the baseline a second time: how far it is from the
first is how far a ratio may be without a cause. A training step and a forward pass are timed, in
float32; import, first step and steady state are told apart. A time counts only if what was timed
computed the right thing (checked.py).

A measurement is as many steps as last --seconds together: ten times what a clock needs, because
fit() of Keras has a price for each call.

With --out a list of records is written for each net as soon as it is timed
(bench/schemas/throughput.json); tables are printed anyway.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import implementations
from bench import accounts, closure, command, ledger, packages, ranges, store
from bench.costs import TIMING
from bench.errors import UserError
from bench.ledger import LEDGER
from bench.machine import description
from bench.progress import Reporter
from bench.timing import contestants, kept, ratios, records
from bench.timing.contestants import Contestant
from bench.timing.ensemble import Ensemble, takes
from bench.timing.kept import Note
from bench.timing.loops import CALLS
from bench.timing.nets import NETS
from bench.timing.session import Session


def main() -> int:
    parser = argparse.ArgumentParser(description="Time nets in every framework and form.")
    parser.add_argument("--nets", nargs="+", required=True, help=", ".join(NETS))
    parser.add_argument(
        "--calls", nargs="+", choices=CALLS, help="default: all that the forms take"
    )
    parser.add_argument("--frameworks", nargs="+", default=None, choices=implementations.names())
    parser.add_argument("--forms", nargs="+", default=None, help="default: all that there are")
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--seconds", type=float, default=0.2, help="of a measurement, at least")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="cpu")
    parser.add_argument(
        "--results", type=Path, help="results/<budget>: what was timed is kept, progress is told"
    )
    parser.add_argument("--out", type=Path, help="a folder for the records, as JSON, a file a net")
    arguments = parser.parse_args()
    LEDGER.enter(ledger.REST)
    for net in arguments.nets:
        ranges.choice("net", net, NETS)
    if len(set(arguments.nets)) < len(arguments.nets):
        raise UserError(f"repeated net in {arguments.nets}")
    ranges.number("rounds", arguments.rounds, ratios.ENOUGH_ROUNDS)
    ranges.number("threads", arguments.threads, ranges.AT_LEAST_ONE)
    ranges.number("seconds", arguments.seconds, ranges.POSITIVE)
    if arguments.out and arguments.out.exists() and not arguments.out.is_dir():
        raise UserError(f"{arguments.out} is a file: name a folder, where each net gets a file")
    players = contestants.chosen(arguments.frameworks or contestants.installed(), arguments.forms)
    taken = [call for call in CALLS if any(takes(call, player.form) for player in players)]
    for call in arguments.calls or ():
        ranges.choice("call of these forms", call, taken)
    return Timing(arguments, players, arguments.calls or taken).run()


class Timing:
    """One net after another; what is known of each is written as soon as it is."""

    def __init__(
        self, arguments: argparse.Namespace, players: Sequence[Contestant], calls: Sequence[str]
    ) -> None:
        self.arguments, self.players, self.calls = arguments, players, calls
        self.results: Path | None = arguments.results
        self.reporter = Reporter(self.results, TIMING) if self.results else None
        self.failed: list[str] = []
        self.notes: dict[str, Note] = {}

    def run(self) -> int:
        """The exit code. A net that fails is told and stops no other, unless it is the only one,
        or the machine refuses."""
        asked, waiting = self.arguments.nets, []
        for net in asked:
            note = kept.found(self.results, net, self._parts(net)) if self.results else None
            if note:
                self._known(net, note)
            else:
                waiting.append(net)
        if self.reporter:
            self.reporter.keep(len(self.notes) / len(asked))
        if waiting:
            with Ensemble(self.players, self.arguments.threads, self.arguments.device) as ensemble:
                for net in waiting:
                    try:
                        self._time(net, ensemble)
                    except Exception as error:
                        _spent(ensemble)  # on a net that failed: no other net's
                        if len(asked) == 1 or getattr(error, "errno", None) in command.REFUSALS:
                            raise
                        self.failed.append(net)
                        command.tell(f"{net} could not be timed:", error)
        if self.failed:
            told = f"{len(self.failed)} of {len(asked)} nets could not be timed"
            print(f"quatuor: {told}: {', '.join(self.failed)}", file=sys.stderr)
            return 1
        if self.results and self.reporter:
            spent = ledger.added(note["cpu_seconds"] for note in self.notes.values())
            accounts.close(self.results, TIMING, spent)
            self.reporter.report(1.0, f"{len(asked)} nets timed")
        return 0

    def _time(self, net: str, ensemble: Ensemble) -> None:
        asked, sessions = self.arguments, list[Session]()
        for place, call in enumerate(self.calls):

            def report(fraction: float, text: str, place: int = place, call: str = call) -> None:
                if self.reporter:
                    done = len(self.notes) + len(self.failed)
                    whole = done + (place + fraction) / len(self.calls)
                    self.reporter.report(whole / len(asked.nets), f"{net}, {call}, {text}")

            sessions.append(ensemble.measure(net, call, asked.rounds, asked.seconds, report))
        for session in sessions:
            records.show(session)
        note: Note = {
            "records": [record for session in sessions for record in records.of(session)],
            "cpu_seconds": _spent(ensemble),
        }
        if self.results:
            kept.keep(self.results, net, self._parts(net), note)
        self._known(net, note)

    def _known(self, net: str, note: Note) -> None:
        self.notes[net] = note
        if self.arguments.out:
            text = store.canonical(note["records"])
            store.write_file(self.arguments.out / f"{net}.json", text)

    def _parts(self, net: str) -> dict[str, Any]:
        """What a record comes from: what is asked for, of what code and libraries, and where."""
        frameworks = sorted({player.framework for player in self.players})
        modules = closure.timing_modules(NETS[net].make().architecture, frameworks)
        machine = description()
        return {
            "net": net,
            "calls": list(self.calls),
            "players": [str(player) for player in self.players],
            **{
                key: vars(self.arguments)[key] for key in ("rounds", "seconds", "threads", "device")
            },
            "sources": closure.digests(closure.closure(modules)),
            "versions": {name: packages.versions(name) for name in ("numpy", *frameworks)},
            "machine": {key: machine[key] for key in ("cpu_model", "cores")},
        }


def _spent(ensemble: Ensemble) -> dict[str, float]:
    """CPU seconds of all processes since this was last asked."""
    return ledger.added([ensemble.account(), LEDGER.take()])


if __name__ == "__main__":
    command.run(main)
