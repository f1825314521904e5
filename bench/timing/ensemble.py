"""Everyone who is timed, started once, and measured together net after net."""

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from bench import ledger, machine
from bench.contract import VARIANTS
from bench.errors import UserError
from bench.timing import checked, contestants
from bench.timing.conductor import Worker, played
from bench.timing.contestants import Contestant
from bench.timing.limits import limits
from bench.timing.session import Measured, Session
from bench.timing.worker import MACHINE

LIMITS = (Contestant(MACHINE, "gemm"), Contestant(MACHINE, "stream"))
LIMIT_SECONDS = 0.05  # of a turn of theirs, at most: a longer one tells no other rate


class Ensemble:
    """The workers, started once for all nets and calls. Use it in a with statement.

    Raises UserError where a GPU is asked for and nobody is on one.
    """

    def __init__(self, players: Sequence[Contestant], threads: int, device: str) -> None:
        self.players, self.threads, self.device = list(players), threads, device
        self.controls: dict[Contestant, Worker] = {}
        self.ready: dict[str, Mapping[str, Any]] = {}  # limits, the same for every net
        with contextlib.ExitStack() as self.stack:  # where one refuses, the others end
            self.workers = [self._started(player) for player in self.players]
            self.limits = [self._started(limit, forks=False) for limit in LIMITS]
            for worker in (*self.workers, *self.limits):
                _ = worker.facts  # all have started before anything is measured, the machine too
            if device == "cuda":
                self._refuse()
            self.stack = self.stack.pop_all()

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
        with self._served(f"{net}, {call}"):
            self._revive()
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
            if not self._alive(self.controls.get(baseline)):
                self.controls[baseline] = self._started(baseline)
            everyone.append(self.controls[baseline])
            found.append(_prepared(everyone[-1], net, call, seconds))
            if refusal := found[-1].absent:
                raise UserError(refusal)
            contest = list(found)
            for limit in self.limits:
                everyone.append(limit)
                found.append(Measured(Contestant(MACHINE, limit.form), limit.facts))
                if limit.form not in self.ready:
                    self.ready[limit.form] = limit.prepare(net, call, min(seconds, LIMIT_SECONDS))
                found[-1].first = self.ready[limit.form]
            playing = [place for place, measured in enumerate(found) if not measured.absent]
            steps = [found[place].first["steps"] for place in playing]
            turns = played([everyone[place] for place in playing], steps, rounds, digest=True)
            before = machine.state()  # and not before: preparing is a load of its own
            for number, taken in enumerate(turns, 1):
                for place, turn in zip(playing, taken, strict=True):
                    found[place].turns.append(turn)
                report(0.3 + 0.6 * number / rounds, f"round {number} of {rounds}")
            after = machine.state()
            right = checked.answers(net, call, {m.first["steps"] for m in contest if not m.absent})
            for place, measured in enumerate(contest):
                if not measured.absent:
                    measured.check = right.check(measured.first["steps"], everyone[place].found())
                    measured.peak_memory_mib = everyone[place].peak()
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
        return ledger.added(worker.account() for worker in everyone if self._alive(worker))

    @contextlib.contextmanager
    def _served(self, what: str) -> Iterator[None]:
        """Whoever serves within ends with it, and takes along what it left behind; who interrupts
        waits for nobody."""
        try:
            yield
        except Exception as error:
            self._join()
            if isinstance(error, RuntimeError):
                raise UserError(f"{what}: {error}") from None
            raise
        self._join()

    def _join(self) -> None:
        for worker in (*self.workers, *self.controls.values()):
            if self._alive(worker):
                worker.join()

    def _revive(self) -> None:
        """Start those anew that ended with an earlier net: out of memory, say."""
        pairs = zip(self.players, self.workers, strict=True)
        self.workers = [w if self._alive(w) else self._started(player) for player, w in pairs]

    def _refuse(self) -> None:
        """Where nobody is on the GPU that was asked for; NumPy never is."""
        refusals: list[str] = []
        for worker in self.workers:
            try:
                if worker.fork()["device"] != "cpu":
                    return
            except (UserError, RuntimeError) as refusal:
                refusals.append(_last_line(refusal))
            finally:
                if self._alive(worker):
                    worker.join()
        raise UserError("; ".join(refusals) or "none of these frameworks computes on a GPU")

    @staticmethod
    def _alive(worker: Worker | None) -> bool:
        return worker is not None and worker.process.poll() is None

    def _started(self, player: Contestant, forks: bool = True) -> Worker:
        """Its process; those that are made one after another start beside each other."""
        given = {"threads_": self.threads, "device": self.device, "forks": forks}
        return self.stack.enter_context(Worker(player.framework, player.form, **given))


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
        measured.facts = {**worker.facts, **worker.fork()}
        measured.first = worker.prepare(net, call, seconds)
    except UserError as refusal:
        measured.absent = str(refusal)
    except RuntimeError as failure:  # one that fails spoils nobody else's
        if worker.process.poll() is not None:
            raise  # no finding about the form: who asks again starts it anew
        measured.absent = _last_line(failure)
    return measured


def _last_line(error: Exception) -> str:
    """Which says what, where a traceback stands before it."""
    return str(error).strip().splitlines()[-1]


def takes(call: str, form: str) -> bool:
    """What a library offers is a loop that trains: it has no part in a forward pass."""
    return call == "update" or form in VARIANTS
