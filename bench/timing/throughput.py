"""How fast each framework computes a net, in each of its forms.

    python -m bench.timing.throughput --net lenet [--frameworks pytorch jax] [--forms native flax]

A process for each framework and form. They take turns, round by round (conductor.py), beside two
processes that measure the limits of the machine (limits.py) and one that is the baseline a second
time: how far it is from the first is how far a ratio may be without a cause. A training step and a
forward pass are timed, in float32; import, first step and steady state are told apart. A time
counts only if what was timed computed the right thing (checked.py).

A measurement is as many steps as last --seconds together: ten times what a clock needs, because
fit() of Keras has a price for each call.

With --out a list of records is written (bench/schemas/throughput.json); a table is printed anyway.
"""

import argparse
import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import implementations
from bench import accounts, command, ledger, machine, ranges, store
from bench.contract import VARIANTS
from bench.errors import UserError
from bench.progress import Reporter
from bench.timing import checked, contestants, ratios
from bench.timing.conductor import Clock, Turn, Worker, played
from bench.timing.contestants import Contestant
from bench.timing.limits import Limits, limits
from bench.timing.loops import CALLS
from bench.timing.nets import NETS
from bench.timing.worker import MACHINE

LIMITS = (Contestant(MACHINE, "gemm"), Contestant(MACHINE, "stream"))


@dataclass
class Measured:
    """One contestant in one call."""

    contestant: Contestant
    facts: Mapping[str, Any]  # of its start: versions, device, import
    first: Mapping[str, Any] = field(default_factory=dict)  # of building and the first step
    turns: list[Turn] = field(default_factory=list)
    peak_memory_mib: float = 0.0
    check: checked.Check | None = None  # None: a limit of the machine
    absent: str | None = None  # why it was not timed

    @property
    def clock(self) -> Clock:
        return self.facts["clock"]

    def times(self, clock: Clock | None = None) -> list[float]:
        """Seconds per step, by round, on the clock that judges or another one."""
        return [getattr(turn, clock or self.clock) for turn in self.turns]

    @property
    def repeats(self) -> bool:
        """Whether every round led to the same, to the last bit."""
        return len({turn.digest for turn in self.turns}) == 1


@dataclass
class Session:
    """All contestants in one call of a net, measured in the same rounds."""

    net: str
    call: str
    threads: int
    measured: list[Measured]
    baseline: Measured
    control: Measured
    limits: Limits
    machine: Mapping[str, Any]

    @property
    def floor(self) -> float:
        """How far from 1 a ratio is without a cause."""
        return ratios.floor(ratios.compared(self.control.times(), self.baseline.times()))

    def fastest_library(self, framework: str) -> Measured | None:
        """The fastest of a framework's forms out of the box that computed the right thing."""
        own = contestants.library_forms(framework)
        timed = [
            m
            for m in self.measured
            if m.contestant.framework == framework and m.contestant.form in own
            if m.check and m.check.correct
        ]
        return min(timed, key=lambda m: ratios.compared(m.times(), self.baseline.times()).ratio,
                   default=None)  # fmt: skip


class Ensemble:
    """The workers, started once for all calls. Use it in a with statement."""

    def __init__(self, players: Sequence[Contestant], threads: int, device: str) -> None:
        self.players, self.threads, self.device = list(players), threads, device
        self.stack = contextlib.ExitStack()
        self.workers = [self._started(player) for player in self.players]
        self.limits = [self._started(limit) for limit in LIMITS]
        self.controls: dict[Contestant, Worker] = {}
        for worker in (*self.workers, *self.limits):
            _ = worker.facts  # all have started before anything is measured, the machine too

    def __enter__(self) -> "Ensemble":
        return self

    def __exit__(self, *error: Any) -> None:
        self.stack.__exit__(*error)

    def measure(
        self,
        net: str,
        call: str,
        rounds: int,
        seconds: float,
        report: Callable[[float, str], None],
    ) -> Session:
        """Prepare everyone, take turns of so many seconds at least, check what was computed.

        The baseline is chosen among those that take the net. Raises UserError where nobody does,
        and where a process ends while it is timed.
        """
        everyone = [worker for worker in self.workers if takes(call, worker.form)]
        found: list[Measured] = []
        for place, worker in enumerate(everyone):
            report(0.3 * place / len(everyone), f"{worker.name}, first steps")
            found.append(_prepared(worker, net, call, seconds))
        present = [measured.contestant for measured in found if not measured.absent]
        if not present:
            raise UserError("; ".join(str(measured.absent) for measured in found))
        baseline = contestants.baseline(call, present)
        first = next(measured for measured in found if measured.contestant == baseline)
        if baseline not in self.controls:
            self.controls[baseline] = self._started(baseline)
        for worker in (self.controls[baseline], *self.limits):
            everyone.append(worker)
            found.append(_prepared(worker, net, call, seconds))
            if refusal := found[-1].absent:
                raise UserError(refusal)
        playing = [place for place, measured in enumerate(found) if not measured.absent]
        steps = [found[place].first["steps"] for place in playing]
        turns = played([everyone[place] for place in playing], steps, rounds, digest=True)
        before = machine.state()  # and not before: preparing is a load of its own
        try:
            for number, taken in enumerate(turns, 1):
                for place, turn in zip(playing, taken, strict=True):
                    found[place].turns.append(turn)
                report(0.3 + 0.6 * number / rounds, f"round {number} of {rounds}")
        except RuntimeError as error:
            raise UserError(f"{net}, {call}: {error}") from None
        after = machine.state()
        contest = found[: -len(LIMITS)]
        right = checked.answers(net, call, {m.first["steps"] for m in contest if not m.absent})
        for place in playing:
            measured, worker = found[place], everyone[place]
            if place < len(contest):
                measured.check = right.check(measured.first["steps"], worker.found())
            measured.peak_memory_mib = worker.peak()
            worker.dismiss()
        return Session(
            net=net,
            call=call,
            threads=self.threads,
            measured=contest[:-1],
            baseline=first,
            control=contest[-1],
            limits=limits(*(measured.times() for measured in found[-len(LIMITS) :])),
            machine=_told(before, after),
        )

    def account(self) -> dict[str, float]:
        """CPU seconds by stage of all processes that are there."""
        everyone = (*self.workers, *self.controls.values(), *self.limits)
        return ledger.added(w.account() for w in everyone if w.process.poll() is None)

    def _started(self, player: Contestant) -> Worker:
        """Its process; those that are made one after another start beside each other."""
        return self.stack.enter_context(
            Worker(player.framework, player.form, threads_=self.threads, device=self.device)
        )


def _told(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """The machine, and what happened on it meanwhile."""
    happened = machine.during(before, after)
    return {
        "warnings": machine.warnings(before, after),
        "load": happened["load_before"],
        "steal": happened["steal"],
        "during": happened,
        "state": machine.description(),
    }


def _prepared(worker: Worker, net: str, call: str, seconds: float) -> Measured:
    measured = Measured(Contestant(worker.framework, worker.form), worker.facts)
    try:
        measured.first = worker.prepare(net, call, seconds)
    except UserError as refusal:
        measured.absent = str(refusal)
    except RuntimeError as failure:  # its last line says what; one that fails spoils nobody else's
        measured.absent = str(failure).strip().splitlines()[-1]
    return measured


def takes(call: str, form: str) -> bool:
    """What a library offers is a loop that trains: it has no part in a forward pass."""
    return call == "update" or form in VARIANTS


def main() -> int:
    parser = argparse.ArgumentParser(description="Time a net in every framework and form.")
    parser.add_argument("--net", required=True, help=", ".join(NETS))
    parser.add_argument(
        "--calls", nargs="+", choices=CALLS, help="default: all that the forms take"
    )
    parser.add_argument("--frameworks", nargs="+", default=None, choices=implementations.names())
    parser.add_argument("--forms", nargs="+", default=None, help="default: all that there are")
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--seconds", type=float, default=0.2, help="of a measurement, at least")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="cpu")
    parser.add_argument("--results", type=Path, help="results/<budget>, to report progress to")
    parser.add_argument("--out", type=Path, help="the records, as JSON")
    arguments = parser.parse_args()
    ledger.LEDGER.enter(ledger.REST)
    ranges.choice("net", arguments.net, NETS)
    ranges.number("rounds", arguments.rounds, ratios.ENOUGH_ROUNDS)
    ranges.number("threads", arguments.threads, ranges.AT_LEAST_ONE)
    ranges.number("seconds", arguments.seconds, ranges.POSITIVE)
    present = arguments.frameworks or contestants.installed()
    players = contestants.chosen(present, arguments.forms)
    taken = [call for call in CALLS if any(takes(call, player.form) for player in players)]
    for call in arguments.calls or ():
        ranges.choice("call of these forms", call, taken)
    calls = arguments.calls or taken
    said = Reporter(arguments.results, f"throughput/{arguments.net}") if arguments.results else None
    sessions: list[Session] = []
    with Ensemble(players, arguments.threads, arguments.device) as ensemble:
        for place, call in enumerate(calls):

            def report(fraction: float, text: str, place: int = place, call: str = call) -> None:
                if said:
                    whole = (place + fraction) / len(calls)
                    said.report(whole, f"{call}, {text}")

            asked = (arguments.net, call, arguments.rounds, arguments.seconds)
            sessions.append(ensemble.measure(*asked, report))
        spent = ensemble.account()
    from bench.timing import records

    for session in sessions:
        records.show(session)
    if arguments.out:
        rows = [record for session in sessions for record in records.of(session)]
        store.write_file(arguments.out, store.canonical(rows))
    if said:
        accounts.close(arguments.results, f"throughput/{arguments.net}", spent)
        said.report(1.0, f"{len(players)} contestants timed")
    return 0


if __name__ == "__main__":
    command.run(main)
