"""Real worker processes: what they answer, how they refuse, and that none is left behind."""

import argparse
import contextlib
import json
import os
import subprocess
import sys
from typing import Any

import numpy as np
import psutil
import pytest

from bench import weights
from bench.contract import INFERENCE, Config, State
from bench.errors import UserError
from bench.timing import checked
from bench.timing import worker as worker_of
from bench.timing.conductor import Worker, played
from bench.timing.loops import Passes, Steps
from bench.timing.nets import NETS, UPDATE, batches
from bench.training import TRAIN
from implementations.numpy import adapter
from tests.conftest import ROOT


def test_a_worker_makes_the_steps_that_it_is_timed_for(framework: str) -> None:
    """From the initial weights each time: to the last bit the same, and what the reference does."""
    right = checked.answers("mlp", "update", [3, 5])
    with Worker(framework, "native") as worker:
        assert worker.facts["import_cpu_seconds"] > 0
        assert worker.clock == "cpu_seconds"
        first = worker.prepare("mlp", at_least=1e-4)
        assert first["steps"] >= 1
        assert first["first_step_cpu_seconds"] > 0
        turns = [worker.turn(steps, digest=True) for steps in (3, 5, 3)]
        assert turns[0].digest == turns[2].digest != turns[1].digest
        assert all(turn.cpu_seconds > 0 and turn.wall_seconds > 0 for turn in turns)
        found = worker.found()
        assert found.keys() == {1, 3}
        assert right.check(3, found).correct
        assert not right.check(5, {**found, 5: found[3]}).correct  # two steps are missing
        assert worker.peak() > 20
        account = worker.account()
        assert account["imports"] > account["building"] > 0
        assert account["first_steps"] > 0
        assert account["steps"] > 0
        assert worker.account()["steps"] == 0.0


def test_a_worker_makes_forward_passes() -> None:
    right = checked.answers("mlp", "forward", [2, 4])
    with Worker("numpy", "native") as worker:
        worker.prepare("mlp", "forward", at_least=0.0)
        worker.turn(2)
        found = worker.found()
    assert right.check(2, found).correct
    assert not right.check(4, {**found, 4: found[2]}).correct  # of another batch


def test_a_loop_begins_anew_and_goes_round() -> None:
    spec = NETS["mlp"].make()
    given = list(batches(spec, 4, number=2))
    assert not np.array_equal(given[0]["x"], given[1]["x"])
    begin = weights.initial(spec, 0)
    loop = Steps(adapter.build(spec, {TRAIN: UPDATE}, Config(dtype="float64")))
    loop.stage(given)
    loop.load(begin.parameters)
    loop.steps(1)
    loop.steps(2)
    system = adapter.build(spec, {TRAIN: UPDATE}, Config(dtype="float64"))
    system.load(State(parameters=begin.parameters))
    for batch in (given[0], given[1], given[0]):
        system.update(TRAIN, system.stage(batch), 1e-3)
    state = system.export()
    expected = {**state.parameters, **state.optimizer[TRAIN]}
    assert all(np.array_equal(array, expected[name]) for name, array in loop.found().items())
    passes = Passes(system)
    passes.stage(given)
    passes.load(begin.parameters)
    passes.steps(1)
    logits = system.evaluate("logits", system.stage(given[0]), INFERENCE).outputs["logits"]
    assert np.array_equal(passes.found()["logits"], logits)


def test_turns_go_forwards_and_backwards() -> None:
    class Noted:
        def __init__(self, name: str) -> None:
            self.name = name

        def turn(self, steps: int, digest: bool) -> str:
            order.append(self.name)
            return f"{self.name}{steps}"

    order: list[str] = []
    workers = [Noted("a"), Noted("b"), Noted("c")]
    rounds = list(played(workers, [1, 2, 3], 3))  # type: ignore[arg-type]
    assert "".join(order) == "abccbaabc"
    assert rounds == [["a1", "b2", "c3"]] * 3


@pytest.mark.parametrize(
    ("framework", "form", "request_", "message"),
    [
        ("numpy", "nativ", {}, "unknown form of numpy 'nativ'; did you mean native?"),
        ("numpy", "native", {"net": "lennet"}, "unknown net 'lennet'; did you mean lenet?"),
        ("numpy", "native", {"net": "mlp", "call": "updat"}, "unknown call 'updat'"),
    ],
)
def test_a_mistake_is_one_sentence(
    framework: str, form: str, request_: dict[str, Any], message: str
) -> None:
    with Worker(framework, form) as worker, pytest.raises(UserError, match=message):
        worker.prepare(**{"net": "mlp", **request_})


def test_a_turn_without_a_net_is_refused() -> None:
    with Worker("numpy", "native") as worker:
        with pytest.raises(UserError, match="no net is prepared"):
            worker.turn(1)
        worker.prepare("mlp", at_least=0.0)  # it is still there
        worker.dismiss()
        with pytest.raises(UserError, match="no net is prepared"):
            worker.turn(1)


def test_a_worker_that_fails_tells_where() -> None:
    with Worker("numpy", "native") as worker:
        with pytest.raises(RuntimeError, match=r"numpy native failed:\n(?s:.)*TypeError"):
            worker._ask(do="turn", no_such_argument=1)
        worker.process.kill()
        worker.process.wait()
        with pytest.raises(RuntimeError, match="ended with exit code -9"):
            worker.prepare("mlp")


def test_no_worker_is_left_behind() -> None:
    worker = Worker("numpy", "native")
    with contextlib.suppress(KeyboardInterrupt), worker:
        _ = worker.facts
        raise KeyboardInterrupt
    with pytest.raises(ProcessLookupError):
        os.kill(worker.process.pid, 0)


def test_another_protocol_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.timing.conductor.PROTOCOL", -1)
    with Worker("numpy", "native") as worker, pytest.raises(UserError, match="too far apart"):
        _ = worker.facts


def test_what_a_library_prints_is_no_answer() -> None:
    """Answers have a line of their own; standard output is for whoever prints."""
    command = [sys.executable, "-c", "import runpy, sys; from bench.timing import nets\n"
               "make = nets.NETS['mlp'].make\n"
               "def loud(): print('loud'); return make()\n"
               "nets.NETS['mlp'] = nets.Timed(loud, 4)\n"
               "sys.argv = ['w', '--framework', 'numpy', '--form', 'native']\n"
               "from bench import threads; threads.pin = lambda n: None\n"
               "from bench.timing import worker; worker.main()"]  # fmt: skip
    asked = json.dumps({"do": "prepare", "net": "mlp", "call": "update", "at_least": 0.0})
    done = subprocess.run(
        command, cwd=ROOT, input=asked + "\n", capture_output=True, text=True, check=True
    )
    assert len(done.stdout.splitlines()) == 2
    assert "loud" in done.stderr


def resident(process: psutil.Process) -> int:
    return process.memory_info().rss


def test_every_child_begins_as_new(framework: str) -> None:
    """It computes what a process of its own does, tells what it spent, and takes along all that it
    had: neither memory nor a started framework stays behind."""
    with Worker(framework, "native") as own:
        own.prepare("mlp", at_least=0.0)
        expected = own.turn(3, digest=True).digest
    with Worker(framework, "native", forks=True) as worker:
        assert "device" not in worker.facts
        process = psutil.Process(worker.process.pid)
        before = resident(process)
        assert process.num_threads() == 1  # a child gets no other: an import may start none
        accounts = []
        for net in ("lenet", "mlp"):
            assert worker.fork()["device"] == "cpu"
            (child,) = process.children()
            worker.prepare(net, at_least=0.0)
            found = worker.turn(3, digest=True).digest
            worker.join()
            assert not child.is_running()
            accounts.append(worker.account())
            assert accounts[-1]["steps"] > 0
        # A child's account begins with it: its parent's imports are not on it, nor its clock.
        assert accounts[1]["imports"] < 0.1 * accounts[0]["imports"]
        assert all(seconds >= 0 for account in accounts for seconds in account.values())
        assert found == expected
        assert resident(process) - before < 8 << 20
        assert process.num_threads() == 1
        worker.join()  # without a child there is nothing to do


def test_a_child_that_dies_is_told_and_the_next_one_serves() -> None:
    with Worker("numpy", "native", forks=True) as worker:
        worker.fork()
        worker.prepare("mlp", at_least=0.0)
        (child,) = psutil.Process(worker.process.pid).children()
        child.kill()
        with pytest.raises(RuntimeError, match="ended with exit code -9"):
            worker.turn(1)
        worker.fork()
        worker.prepare("mlp", at_least=0.0)
        assert worker.turn(1).cpu_seconds > 0


def test_a_child_ends_with_its_parent() -> None:
    worker = Worker("numpy", "native", forks=True)
    with contextlib.suppress(KeyboardInterrupt), worker:
        worker.fork()
        (child,) = psutil.Process(worker.process.pid).children()
        raise KeyboardInterrupt
    child.wait(timeout=10)


def test_where_nothing_can_be_forked_the_process_serves_itself(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = {"framework": "numpy", "form": "native", "device": "cpu", "dtype": "float32"}
    alone = worker_of.Worker(argparse.Namespace(**asked, threads=1, forks=True))
    monkeypatch.setattr("bench.timing.forks.POSSIBLE", False)
    assert alone.fork()["device"] == "cpu"
    assert alone.prepare("mlp", "update", 0.0)["steps"] == 1
    assert alone.join() == {}
    with pytest.raises(UserError, match="no net is prepared"):
        alone.turn(1)
