import time
from pathlib import Path

import pytest

from bench import progress, store


def note(results: Path, job: str, fraction: float, started: float, updated: float, kept=0.0):
    record = {"fraction": fraction, "kept": kept, "text": "seed 1", "started": started}
    record |= {"updated": updated, "cpu_seconds": updated - started}
    path = results / "progress" / f"{job.replace('/', '.')}.json"
    store.write_file(path, store.canonical(record))


def plan(results: Path, **weights: float) -> None:
    jobs = {f"{name}/numpy": weight for name, weight in weights.items()}
    store.write_file(results / "jobs.json", store.canonical({"started": 1000.0, "weights": jobs}))


def test_nothing_is_promised_before_there_is_a_speed(tmp_path: Path) -> None:
    plan(tmp_path, a=10, b=30)
    state = progress.overview(tmp_path, now=1005.0)
    assert state.seconds_left is None
    assert "not known yet" in state.line()


def test_what_hardly_began_tells_no_speed(tmp_path: Path) -> None:
    """Imports and compilation: ten seconds for a thousandth of a job are not hours for the rest."""
    plan(tmp_path, a=10, b=90)
    note(tmp_path, "b/numpy", 0.001, 1000, 1010)
    assert progress.overview(tmp_path, now=1010.0).seconds_left is None
    note(tmp_path, "a/numpy", 1.0, 1000, 1010)
    assert progress.overview(tmp_path, now=1010.0).seconds_left == pytest.approx(89, rel=0.02)


def test_time_left_follows_work_and_not_the_number_of_jobs(tmp_path: Path) -> None:
    plan(tmp_path, a=10, b=30)
    note(tmp_path, "a/numpy", 1.0, 1000, 1020)
    state = progress.overview(tmp_path, now=1020.0)
    # A quarter of the work took 20 s, so three quarters take 60 s, though one of two jobs is done.
    assert state.done == pytest.approx(0.25)
    assert state.seconds_left == pytest.approx(60.0)
    assert state.line() == "[ 25 %] 1 of 2 jobs done, about 60 s left"


def test_the_longest_job_bounds_the_time_left(tmp_path: Path) -> None:
    plan(tmp_path, a=100, b=1)
    note(tmp_path, "a/numpy", 1.0, 1000, 1010)
    note(tmp_path, "b/numpy", 0.1, 1000, 1010)
    assert progress.overview(tmp_path, now=1010.0).seconds_left == pytest.approx(90.0)


def test_what_an_earlier_attempt_did_is_done_but_is_no_speed(tmp_path: Path) -> None:
    plan(tmp_path, a=100)
    note(tmp_path, "a/numpy", 0.6, 1000, 1010, kept=0.5)
    state = progress.overview(tmp_path, now=1010.0)
    assert state.done == pytest.approx(0.6)
    assert state.seconds_left == pytest.approx(40.0)


def test_a_finished_reproduction_says_so(tmp_path: Path) -> None:
    plan(tmp_path, a=1)
    note(tmp_path, "a/numpy", 1.0, 900, 950)
    assert "all computed" in progress.overview(tmp_path, now=1001.0).line()


def test_the_reporter_says_a_line_and_keeps_a_note(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store.write_file(
        tmp_path / "jobs.json",
        store.canonical({"started": time.time() - 1, "weights": {"a/numpy": 2.0}}),
    )
    reporter = progress.Reporter(tmp_path, "a/numpy")
    reporter.report(0.5, "epoch 1 of 2")
    reporter.report(1.0, "2 runs finished")
    said = capsys.readouterr().err.splitlines()
    assert said[-1].startswith("[100 %] 1 of 1 jobs done, all computed | a/numpy: 2 runs finished")
    assert store.read(tmp_path / "progress" / "a.numpy.json")["fraction"] == 1.0


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.2, "1 s"), (37, "37 s"), (240, "4 min"), (4800, "80 min"), (6000, "1 h 40 min")],
)
def test_durations_are_as_precise_as_an_estimate_deserves(seconds: float, text: str) -> None:
    assert progress.duration(seconds) == text
