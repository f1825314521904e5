"""A step's time is put on the functions that spend it."""

import cProfile
import subprocess
import sys
import time

import pytest

from bench.timing import profile
from tests.conftest import ROOT


def _asleep(times: int) -> None:
    for _ in range(times):
        time.sleep(0.01)


def _awake() -> None:
    _asleep(3)


def test_what_c_does_is_on_the_account_of_its_caller() -> None:
    profiler = cProfile.Profile()
    profiler.enable()
    _awake()
    _awake()
    profiler.disable()
    found = {line.where.split()[-1]: line for line in profile.lines(profiler, steps=2)}
    assert found["_asleep"].where.startswith("tests/bench/timing/test_profile.py:")
    assert found["_asleep"].calls == 1
    assert found["_asleep"].seconds >= 0.03
    assert found["_awake"].seconds < 0.03
    assert not any("sleep" in where for where in found if where != "_asleep")


def command(*given: str) -> "subprocess.CompletedProcess[str]":
    words = [sys.executable, "-m", "bench.timing.profile", *given]
    return subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)


def test_a_step_of_numpy_is_in_its_folder() -> None:
    done = command("--framework", "numpy", "--net", "lenet", "--seconds", "0.1")
    assert done.returncode == 0, done.stderr
    first = done.stdout.splitlines()[2]
    assert "implementations/numpy/" in first
    assert "ms of CPU time a step" in done.stdout


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["--net", "lennet"], "unknown net 'lennet'; did you mean lenet?"),
        (["--net", "mlp", "--seconds", "0"], "seconds must be a number in (0, inf), got 0"),
        (["--net", "mlp", "--threads", "0"], "threads must be a number in [1, inf), got 0"),
    ],
)
def test_a_mistake_is_one_sentence(given: list[str], message: str) -> None:
    done = command("--framework", "numpy", *given)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr
