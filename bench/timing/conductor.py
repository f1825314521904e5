"""Processes that are timed in turns: the other end of bench/timing/worker.py.

Each framework and form is a process of its own: no framework sees another one's threads, caches or
allocator. The processes wait while one of them computes. Turns go forwards and backwards by rounds
(turns.order), so that a drift of the machine meets all.
"""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

import numpy as np

from bench import threads
from bench.closure import ROOT
from bench.contract import Arrays
from bench.errors import UserError
from bench.timing import turns
from bench.timing.worker import PROTOCOL

Clock = Literal["cpu_seconds", "wall_seconds"]


@dataclass(frozen=True)
class Turn:
    """Seconds and joules per step; the digest of what the steps led to where it was asked for.

    Joules are those of all processors meanwhile, None where the machine does not tell (energy.py).
    """

    cpu_seconds: float
    wall_seconds: float
    joules: float | None = None
    digest: str | None = None


class Worker:
    """A worker process. Use it in a with statement: no process outlives it.

    Raises UserError for what the worker refuses, and RuntimeError with the worker's own traceback,
    or its last words, where it fails.
    """

    def __init__(
        self,
        framework: str,
        form: str,
        root: Path = ROOT,
        threads_: int = 1,
        dtype: str = "float32",
        device: str = "cpu",
        forks: bool = False,
        environment: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """forks: it serves between fork() and join(), each time as if it had just started.

        environment: variables that it is given beside those that are there.
        """
        self.framework, self.form = framework, form
        self.errors = tempfile.TemporaryFile("w+")  # noqa: SIM115  (close() does)
        command = [sys.executable, "-m", "bench.timing.worker"]
        command += ["--framework", framework, "--form", form, "--threads", str(threads_)]
        command += ["--dtype", dtype, "--device", device, *(["--forks"] if forks else [])]
        self.process = subprocess.Popen(
            command, cwd=root, text=True, bufsize=1,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors,
            env={
                **os.environ, **threads.variables(threads_), **environment, "PYTHONPATH": str(root)
            },
        )  # fmt: skip
        self.name = f"{framework} {form}"
        self._facts: dict[str, Any] | None = None

    @property
    def facts(self) -> dict[str, Any]:
        """What started: protocol, nets, clock, what the import took, and versions and device unless
        it forks.

        Waits for it: workers that are made one after another start beside each other.
        """
        if self._facts is None:
            facts = self._answer()
            if facts["protocol"] != PROTOCOL:
                raise UserError(
                    f"{self.name}: its worker speaks protocol {facts['protocol']}, this one "
                    f"{PROTOCOL}: the two checkouts are too far apart to be compared"
                )
            self._facts = facts
        return self._facts

    @property
    def clock(self) -> Clock:
        """The clock that judges."""
        return self.facts["clock"]

    def prepare(
        self, net: str, call: str = "update", at_least: float = 0.02, examples: int | None = None
    ) -> dict[str, Any]:
        """What building and the first step took, and `steps`: of one measurement.

        examples: of a batch; None: as nets.py says.
        """
        return self._ask(do="prepare", net=net, call=call, at_least=at_least, examples=examples)

    def turn(self, steps: int, digest: bool = False) -> Turn:
        """So many steps from the initial weights."""
        answer = self._ask(do="turn", steps=steps, digest=digest)
        joules = answer["joules"]
        return Turn(
            answer["cpu_seconds"] / steps,
            answer["wall_seconds"] / steps,
            None if joules is None else joules / steps,
            answer.get("digest"),
        )

    def found(self) -> dict[int, Arrays]:
        """What the last turn led to and what its first step did: by steps and canonical names."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "found.npz"
            self._ask(do="found", path=str(path))
            found: dict[int, dict[str, np.ndarray]] = {}
            with np.load(path) as arrays:
                for key, array in arrays.items():
                    steps, _, name = key.partition("/")
                    found.setdefault(int(steps), {})[name] = array
            return {**found}

    def peak(self) -> float:
        """MiB that the process holds at its largest during a step."""
        return self._ask(do="peak")["peak_memory_mib"]

    def account(self) -> dict[str, float]:
        """CPU seconds of the process since this was last asked, by stage (bench/ledger.py)."""
        return self._ask(do="account")

    def dismiss(self) -> None:
        """Let go of the net."""
        self._ask(do="dismiss")

    def fork(self) -> dict[str, Any]:
        """Let a child serve what follows; its versions and device."""
        return self._ask(do="fork")

    def join(self) -> None:
        """Let the child end, if there is one, and wait for it."""
        self._ask(do="join")

    def close(self) -> None:
        assert self.process.stdin
        assert self.process.stdout
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        try:
            self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
        self.errors.close()

    def __enter__(self) -> "Worker":
        return self

    def __exit__(self, *error: object) -> None:
        if error[0] is not None:  # nobody will ask it again
            self.process.kill()
        self.close()

    def _ask(self, **request: Any) -> dict[str, Any]:
        assert self.process.stdin
        _ = self.facts
        try:
            self.process.stdin.write(json.dumps(request) + "\n")
        except BrokenPipeError:
            self._ended()
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self.process.stdout
        line = self.process.stdout.readline()
        if not line:
            self._ended()
        answer = json.loads(line)
        if "refused" in answer:
            raise UserError(f"{self.name}: {answer['refused']}")
        if "failed" in answer:
            raise RuntimeError(f"{self.name} failed:\n{answer['failed']}")
        return answer

    def _ended(self) -> None:
        """Raises UserError where the worker refused to start, else RuntimeError."""
        code = self.process.wait()
        self.errors.seek(0)
        words = self.errors.read().strip()
        last = words.splitlines()[-1] if words else "it said nothing"
        if code == 2:
            raise UserError(f"{self.name}: {last.removeprefix('quatuor: ')}")
        raise RuntimeError(f"{self.name} ended with exit code {code}:\n{words[-2000:]}")


def played(
    workers: Sequence[Worker], steps: Sequence[int], rounds: int, digest: bool = False
) -> Iterator[list[Turn]]:
    """A round of turns at a time: the turn of each worker, in the workers' order."""
    for number in range(rounds):
        places = turns.order(list(range(len(workers))), number)
        taken = {place: workers[place].turn(steps[place], digest) for place in places}
        yield [taken[place] for place in range(len(workers))]
