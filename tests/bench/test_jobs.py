"""Several jobs in one process: each as in a process of its own."""

import argparse
import gc
import importlib
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from bench import closure, jobs, progress, run, store, systems
from bench.errors import ContractError, UserError
from bench.measure import Meter, Past

FRAMEWORK = ("--framework", "numpy", "--results", "results/smoke")
ARMS = ("--arms", "lenet")


def parsed(*words: str) -> list[argparse.Namespace]:
    return jobs.parsed(run.command_line(""), words)


def test_every_claim_begins_a_job_and_what_stands_before_holds_for_all() -> None:
    words = (*FRAMEWORK, "--claim", "a", *ARMS, "--settings", '{"steps": 2}', "--claim=b", *ARMS)
    first, second = parsed(*words)
    assert (first.claim, second.claim) == ("a", "b")
    assert (first.settings, second.settings) == ({"steps": 2}, {})
    assert first.framework == second.framework == "numpy"


def test_one_job_may_be_told_in_any_order() -> None:
    (alone,) = parsed("--claim", "a", *ARMS, *FRAMEWORK)
    assert (alone.claim, alone.framework, alone.arms) == ("a", "numpy", ["lenet"])


@pytest.mark.parametrize(
    "own", [("--framework", "jax"), ("--threads", "2"), ("--data-dir", "here"), ("--device", "cpu")]
)
def test_a_process_has_one_framework_and_one_of_what_belongs_to_it(own: tuple[str, ...]) -> None:
    words = (*FRAMEWORK, "--claim", "a", *ARMS, "--claim", "b", *ARMS, *own)
    with pytest.raises(UserError, match=f"one process has one {own[0]}: put it before the first"):
        parsed(*words)


def test_nothing_at_all_is_refused() -> None:
    with pytest.raises(SystemExit):
        parsed()


@pytest.fixture
def process(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., int]]:
    """Compute jobs of the named claims in this process, which is not started anew for that."""
    monkeypatch.setattr(jobs.threads, "pin", lambda threads: None)

    def computed(compute: jobs.Compute, *claims: str) -> int:
        told = [SimpleNamespace(claim=c, framework="numpy", threads=1) for c in claims]
        return jobs.computed(told, compute)  # type: ignore[arg-type]

    yield computed
    gc.unfreeze()


def test_a_defect_is_told_and_stops_no_other_claim(
    process: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    done = []

    def compute(job: argparse.Namespace, _: Past) -> None:
        if job.claim == "broken":
            raise ZeroDivisionError("a defect")
        if job.claim == "mistaken":
            raise UserError("a mistake of its user")
        if job.claim == "lost":
            raise FileNotFoundError("nowhere.csv")
        done.append(job.claim)

    assert process(compute, "first", "broken", "mistaken", "lost", "last") == 1
    assert done == ["first", "last"]
    told = capsys.readouterr().err
    assert "broken failed in numpy:\nTraceback" in told
    assert "ZeroDivisionError: a defect" in told
    assert "mistaken failed in numpy:\na mistake of its user\n" in told
    assert told.splitlines()[-1].endswith(
        "3 of 5 claims failed in numpy, all others were computed: broken, mistaken, lost"
    )


def test_the_error_of_the_only_job_is_the_commands_own(process: Callable[..., int]) -> None:
    def compute(job: argparse.Namespace, _: Past) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        process(compute, "broken")


@pytest.mark.parametrize("refusal", [OSError(28, "disk full"), KeyboardInterrupt()])
def test_what_stops_every_job_is_not_tried_again(
    process: Callable[..., int], refusal: BaseException
) -> None:
    tried = []

    def compute(job: argparse.Namespace, _: Past) -> None:
        tried.append(job.claim)
        raise refusal

    with pytest.raises(type(refusal)):
        process(compute, "first", "second")
    assert tried == ["first"]


HIDDEN = "tests.bench.tampering"  # a module that nothing else in this file imports


@pytest.mark.parametrize("load", ["by its name", "as a member of its package"])
def test_what_an_earlier_job_loaded_is_found_where_a_later_one_does_not_declare_it(
    process: Callable[..., int], load: str
) -> None:
    """Its declarer may load it, whoever comes after."""
    sys.modules.pop(HIDDEN, None)  # other files of tests may have imported it
    vars(sys.modules["tests.bench"]).pop("tampering", None)
    found: dict[str, list[str]] = {}

    def compute(job: argparse.Namespace, _: Past) -> None:
        if job.claim in ("declares", "hides"):
            if load == "by its name":
                importlib.import_module(HIDDEN)
            else:
                from tests.bench import tampering  # noqa: F401
        allowed = closure.closure([HIDDEN]) if job.claim == "declares" else []
        found[job.claim] = [p for p in closure.unexpected(allowed) if p.endswith("tampering.py")]

    assert process(compute, "declares", "needs it not", "hides", "is innocent") == 0
    assert found == {
        "declares": [],
        "needs it not": [],
        "hides": ["tests/bench/tampering.py"],
        "is innocent": [],
    }


def test_nothing_that_was_compiled_is_left_to_the_next_job(process: Callable[..., int]) -> None:
    closed, seen = [], []
    system = SimpleNamespace(close=lambda: closed.append(True))

    def compute(job: argparse.Namespace, _: Past) -> None:
        seen.append(len(systems._systems))
        systems._systems["a net"] = system  # type: ignore[assignment]

    assert process(compute, "first", "second") == 0
    assert seen == [0, 0]
    assert closed == [True, True]


def test_the_cpu_seconds_of_a_job_are_its_own(process: Callable[..., int], tmp_path: Path) -> None:
    def compute(job: argparse.Namespace, past: Past) -> None:
        reporter = progress.Reporter(tmp_path, job.claim, past.cpu_seconds)
        end = time.process_time() + (0.5 if job.claim == "long" else 0.0)
        while time.process_time() < end:
            pass
        reporter.report(1.0, "done")

    assert process(compute, "imports", "long", "short") == 0
    note = {c: store.read(tmp_path / f"progress/{c}.json") for c in ("imports", "long", "short")}
    assert note["imports"]["cpu_seconds"] > 0.5  # this process imported what it did before
    assert 0.5 <= note["long"]["cpu_seconds"] < 0.9
    assert note["short"]["cpu_seconds"] < 0.4


def test_what_a_job_left_behind_is_no_memory_of_the_next(process: Callable[..., int]) -> None:
    kept, peaks = [], {}

    def compute(job: argparse.Namespace, past: Past) -> None:
        with Meter(past) as meter:
            if job.claim == "large":
                kept.append(bytearray(os.urandom(1)) * (200 << 20))
        peaks[job.claim] = meter.peak_memory_mib

    assert process(compute, "before", "large", "after") == 0
    assert peaks["large"] > peaks["before"] + 190
    assert abs(peaks["after"] - peaks["before"]) < 50


def test_a_run_that_loads_what_it_does_not_declare_is_refused() -> None:
    workshop = SimpleNamespace(allowed=closure.closure(["bench.closure"]))
    with pytest.raises(ContractError, match=r"not an input of this job: .*bench/progress\.py"):
        run.Workshop.check_inputs(workshop)  # type: ignore[arg-type]
