"""A process that is timed: one framework in one form, told what to do line by line.

    python -m bench.timing.worker --framework pytorch --form native --threads 1

Form: a variant of the framework's folder, or a form of its library in implementations/library.
Requests come on standard input, answers go to standard output, each a JSON object on a line; what a
library prints goes to standard error. The first line says what started. `do` names the request:

    build        net, call ("update" or "forward"), examples of a batch (as nets.py says)
                 -> what building took; no step is made
    prepare      the same, and at_least
                 -> the first step, and how many steps last `at_least` seconds together
    turn         steps, digest -> CPU and wall seconds and joules of so many steps from the initial
                 weights, and, if it is asked for, the digest of what they led to
    found        path -> an npz file of what the last turn led to and of what its first step did
    peak         -> the resident memory of the process at its largest during one step
    account      -> CPU seconds of the process since it was last asked, by stage (bench/ledger.py)
    dismiss      the net is let go of
    environment  -> versions and device in force, which starts the framework
    fork         a child serves what follows (forks.py) -> its environment
    join         the child ends, and what it spent is on the account; without one, as dismiss

bench/timing/conductor.py is the other end. Both clocks are read. CPU time counts all threads of the
process and leaves out other processes, so it judges what has one thread on a processor; with more
threads, or a GPU that the process waits for, wall time does. Waiting for the device is part of
every measurement, loading and staging of none.
"""

import argparse
import hashlib
import importlib
import json
import os
import sys
import time
import traceback
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import IO, Any

import numpy as np

from bench import command, energy, measure, packages, ranges, threads, weights
from bench.contract import VARIANTS, Config
from bench.errors import UserError
from bench.ledger import BUILDING, FIRST, LEDGER, REST, STEPS
from bench.timing import forks, turns
from bench.timing.contestants import forms
from bench.timing.loops import CALLS, Loop
from bench.timing.nets import NETS, RATE, UPDATE, batches
from bench.training import TRAIN

PROTOCOL = 1  # of the lines; rises when the other end would misunderstand
MACHINE = "machine"  # a framework by name: its forms are the limits of the machine


def main() -> int:
    parser = argparse.ArgumentParser(description="A process that is timed, told what to do.")
    parser.add_argument("--framework", required=True)
    parser.add_argument("--form", required=True)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="cpu")
    parser.add_argument("--dtype", choices=("float32", "float64"), default="float32")
    parser.add_argument("--forks", action="store_true", help="its children serve, one at a time")
    arguments = parser.parse_args()
    ranges.number("threads", arguments.threads, ranges.AT_LEAST_ONE)
    threads.pin(arguments.threads)
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    worker = Worker(arguments)
    LEDGER.enter(REST)
    print(json.dumps(worker.started), file=answers)
    worker.serve(sys.stdin, answers)
    return 0


class Worker:
    def __init__(self, arguments: argparse.Namespace) -> None:
        self.framework, self.form = arguments.framework, arguments.form
        self.config = Config(
            dtype=arguments.dtype,
            device=arguments.device,
            threads=arguments.threads,
            variant=self.form if self.form in VARIANTS else "reference",
        )
        alone = arguments.threads == 1 and arguments.device == "cpu"
        self.clock = "cpu_seconds" if alone else "wall_seconds"
        self.loop: Loop | None = None
        self.made = 0  # steps of the last turn
        self.stage = REST  # what the next steps are booked on
        self.child: forks.Child | None = None  # which serves in place of this process
        before = _clocks()
        self.make = self._maker()
        self.started = {"protocol": PROTOCOL, "nets": list(NETS), **_since(before, "import_")}
        self.started["clock"] = self.clock
        if arguments.forks:
            measure.release()
        else:
            self.started |= self.environment()

    def serve(self, requests: Iterable[str], answers: IO[str]) -> None:
        for line in requests:
            request = json.loads(line)
            try:
                if self.child and request["do"] != "join":
                    answer = self._passed_on(self.child, request)
                else:
                    answer = getattr(self, request.pop("do"))(**request)
            except UserError as error:
                answer = {"refused": str(error)}
            except Exception:
                answer = {"failed": traceback.format_exc()}
            print(json.dumps(answer), file=answers)

    def environment(self) -> dict[str, Any]:
        """Versions and device: a framework starts here, so that no process is forked after it."""
        if self.framework == MACHINE:
            return {}
        adapter = importlib.import_module(f"implementations.{self.framework}.adapter")
        told = adapter.environment(self.config)
        return {"device": told.device, "versions": dict(told.versions)}

    def _maker(self) -> Callable[[str, str], Loop]:
        """What makes the loop of a net and call."""
        if self.framework == MACHINE:
            limits = importlib.import_module("bench.timing.limits")
            return lambda net, call: limits.build(self.form)
        if packages.installed(self.framework) is None:
            raise UserError(f"{packages.package(self.framework)} is not installed")
        ranges.choice(f"form of {self.framework}", self.form, forms(self.framework))
        if self.form in VARIANTS:
            adapter = importlib.import_module(f"implementations.{self.framework}.adapter")
            return lambda net, call: CALLS[call](
                adapter.build(NETS[net].make(), {TRAIN: UPDATE}, self.config)
            )
        library = importlib.import_module(f"implementations.library.{self.framework}")

        def trained(net: str, call: str) -> Loop:
            if call != "update":
                raise UserError(f"the form {self.form} is a loop that trains: no {call} pass of it")
            return library.build(NETS[net].make(), UPDATE, self.config, self.form, RATE)

        return trained

    def build(self, net: str, call: str, examples: int | None = None) -> dict[str, Any]:
        ranges.choice("net", net, NETS)
        ranges.choice("call", call, CALLS)
        examples = NETS[net].examples if examples is None else examples
        ranges.number("examples", examples, ranges.AT_LEAST_ONE)
        self.dismiss()
        before = _clocks()
        with LEDGER.during(BUILDING):
            self.loop = self.make(net, call)
        built = _since(before, "build_")
        spec = NETS[net].make()
        self.initial = weights.initial(spec, 0).parameters
        self.loop.stage(list(batches(spec, examples)))
        self.loop.load(self.initial)
        self.stage = REST if self.framework == MACHINE else STEPS
        return built

    def prepare(
        self, net: str, call: str, at_least: float, examples: int | None = None
    ) -> dict[str, Any]:
        built = self.build(net, call, examples)
        stage, self.stage = self.stage, FIRST
        first = self._clocked(1)
        self.stage = stage
        self._clocked(1)  # the second traces or compiles anew in some
        return {
            **built,
            **{f"first_step_{clock}": first[clock] for clock in ("cpu_seconds", "wall_seconds")},
            "steps": turns.group(lambda steps: self._clocked(steps)[self.clock], at_least),
        }

    def turn(self, steps: int, digest: bool = False) -> dict[str, Any]:
        ranges.number("steps", steps, ranges.AT_LEAST_ONE)
        loop = self._loop()
        loop.load(self.initial)
        loop.synchronize()
        answer: dict[str, Any] = self._clocked(steps)
        self.made = steps
        if digest:
            found = loop.found()
            answer["digest"] = hashlib.sha256(
                b"".join(np.ascontiguousarray(found[name]).tobytes() for name in sorted(found))
            ).hexdigest()
        return answer

    def found(self, path: str) -> dict[str, Any]:
        """By "<steps>/<name>". The step is made anew: the loop has gone on since."""
        loop = self._loop()
        found = {self.made: loop.found()}
        if 1 not in found:
            loop.load(self.initial)
            self._clocked(1)
            found[1] = loop.found()
        arrays = {f"{n}/{name}": array for n, led in found.items() for name, array in led.items()}
        np.savez(Path(path), allow_pickle=False, **arrays)
        return {}

    def peak(self) -> dict[str, Any]:
        with measure.Meter(measure.Past()) as meter:
            self._clocked(1)
        return {"peak_memory_mib": meter.peak_memory_mib}

    def account(self) -> dict[str, Any]:
        return LEDGER.take()

    def dismiss(self) -> dict[str, Any]:
        if self.loop:
            self.loop.close()
            self.loop = None
            measure.release()
        return {}

    def fork(self) -> dict[str, Any]:
        if not forks.POSSIBLE:
            return self.environment()
        self.child = forks.Child(self.serve)
        return self._passed_on(self.child, {"do": "environment"})

    def _passed_on(self, child: forks.Child, request: dict[str, Any]) -> dict[str, Any]:
        try:
            return child.ask(request)
        except RuntimeError:
            self.child = None
            raise

    def join(self) -> dict[str, Any]:
        if self.child:
            child, self.child = self.child, None
            child.join()
            return {}
        return self.dismiss()

    def _loop(self) -> Loop:
        if self.loop is None:
            raise UserError("no net is prepared: ask for one first")
        return self.loop

    def _clocked(self, steps: int) -> dict[str, Any]:
        loop = self._loop()
        with LEDGER.during(self.stage):
            joules, before = energy.read(), _clocks()
            loop.steps(steps)
            loop.synchronize()
        return _since(before) | {"joules": energy.between(joules, energy.read())}


def _clocks() -> tuple[float, float]:
    return time.process_time(), time.perf_counter()


def _since(before: tuple[float, float], what: str = "") -> dict[str, float]:
    cpu, wall = _clocks()
    return {f"{what}cpu_seconds": cpu - before[0], f"{what}wall_seconds": wall - before[1]}


if __name__ == "__main__":
    command.run(main)
