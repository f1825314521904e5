"""Schedules of small graphs by hand, and what Snakemake itself recorded."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from bench import scaling
from bench.errors import UserError
from bench.scaling import Job

#   a 3 -> c 2 -> d 1      the critical path: 6
#   b 1 ----------^
#   e 2                    by itself
GRAPH = [
    Job("a", 3.0, ()),
    Job("b", 1.0, ()),
    Job("c", 2.0, ("a",)),
    Job("d", 1.0, ("b", "c")),
    Job("e", 2.0, ()),
]


def test_what_is_left_behind_each_job() -> None:
    assert scaling.tails(GRAPH) == {"a": 6.0, "b": 2.0, "c": 3.0, "d": 1.0, "e": 2.0}


def test_the_critical_path_is_the_longest_chain() -> None:
    assert [job.name for job in scaling.critical_path(GRAPH)] == ["a", "c", "d"]


@pytest.mark.parametrize(("workers", "seconds"), [(1, 9.0), (2, 6.0), (3, 6.0), (1024, 6.0)])
def test_makespan(workers: int, seconds: float) -> None:
    assert scaling.makespan(GRAPH, workers) == seconds


def test_the_longest_way_goes_first() -> None:
    """In the order of their names two workers would need 1 + 1 + 5."""
    jobs = [Job("a", 1.0, ()), Job("b", 1.0, ()), Job("z", 5.0, ())]
    assert scaling.makespan(jobs, 2) == 5.0


def test_who_reads_a_clock_has_a_machine_to_itself() -> None:
    """t waits until both others have ended, though it has the longest way behind it; machines of a
    cluster do all three at once. What waits for t starts after it."""
    jobs = [Job("a", 1.0, ()), Job("b", 2.0, ()), Job("t", 5.0, (), alone=True)]
    assert scaling.makespan(jobs, 4) == 5.0
    assert scaling.makespan(jobs, 4, shared=True) == 7.0
    assert scaling.makespan([*jobs, Job("z", 1.0, ("t",))], 4, shared=True) == 8.0
    two = [*jobs, Job("u", 1.0, (), alone=True)]
    assert scaling.makespan(two, 4, shared=True) == 8.0
    assert scaling.makespan(two, 1, shared=True) == scaling.makespan(two, 1) == 9.0


def test_no_worker_is_refused() -> None:
    with pytest.raises(UserError, match="1 worker or more, got 0"):
        scaling.makespan(GRAPH, 0)


def test_jobs_that_wait_for_each_other_are_refused() -> None:
    with pytest.raises(UserError, match="a, b wait for each other"):
        scaling.tails([Job("a", 1.0, ("b",)), Job("b", 1.0, ("a",))])


def note(
    folder: Path,
    path: str,
    rule: str,
    inputs: list[str],
    times: tuple[float, float],
    command: str = "",
) -> None:
    job: dict[str, Any] = {
        "log": [f"{Path(path).parent}/logs/{rule}.log"],
        "job_hash": round(times[0]),
    }
    job["shellcmd"] = command
    content: dict[str, Any] = {"rule": rule, "input": inputs, "incomplete": False, **job}
    content |= dict(zip(("starttime", "endtime"), times, strict=True))
    folder.mkdir(parents=True, exist_ok=True)
    (folder / base64.urlsafe_b64encode(path.encode()).decode()).write_text(json.dumps(content))


def test_records_become_jobs(tmp_path: Path) -> None:
    """Two files of one job are one job, though their times differ by milliseconds; a reader
    elsewhere belongs to it, another budget does not; sources are nobody's output."""
    note(tmp_path, "results/standard/x.csv", "runs", ["bench/run.py"], (0.0, 4.0))
    note(tmp_path, "results/standard/a.csv", "tables", ["results/standard/x.csv"], (5.0, 6.0))
    note(tmp_path, "results/standard/b.csv", "tables", ["results/standard/x.csv"], (5.001, 6.002))
    note(tmp_path, "reports/index.html", "report", ["results/standard/b.csv"], (6.0, 9.0))
    note(tmp_path, "results/smoke/x.csv", "runs", ["bench/run.py"], (0.0, 1.0))
    assert scaling.recorded(Path("results/standard"), tmp_path) == [
        Job("report: reports/index.html", 3.0, ("tables: results/standard/a.csv",)),
        Job("runs: results/standard/x.csv", 4.0, ()),
        Job(
            "tables: results/standard/a.csv",
            6.002 - 5.0,
            ("runs: results/standard/x.csv",),
        ),
    ]


def test_who_read_a_clock_is_told_by_rule_and_claim(tmp_path: Path) -> None:
    """In the smoke budget nothing is judged by a clock, but throughput is timed."""
    asked = {"a": "python -m bench.run --claim relu_convergence \\\n --claim batch_norm_cost"}
    asked |= {"b": "python -m bench.run --claim relu_convergence", "c": ""}
    asked |= {"d": "python -m bench.search --claim svm_on_little_data"}  # a search takes one core
    asked |= {"e": "python -m bench.run --claim renamed_since"}
    for budget in ("standard", "smoke"):
        for number, (name, command) in enumerate(asked.items()):
            rule = {"c": "throughput", "d": "search"}.get(name, "runs_shared_1")
            times = float(number), number + 1.0
            note(tmp_path, f"results/{budget}/{name}.csv", rule, [], times, command)
        found = scaling.recorded(Path("results") / budget, tmp_path)
        alone = {job.name[-5]: job.alone for job in found}
        assert alone.pop("a") == (budget == "standard")
        assert alone == {"b": False, "c": True, "d": False, "e": False}


def test_a_long_path_is_cut_into_folders(tmp_path: Path) -> None:
    """Snakemake's form for names that no file system takes: "@" begins all parts but the last."""
    path = "results/standard/" + "long/" * 60 + "x.csv"
    name = base64.urlsafe_b64encode(path.encode()).decode()
    folder = tmp_path / f"@{name[:254]}"
    folder.mkdir()
    content = {"rule": "runs", "input": [], "incomplete": False, "starttime": 0.0, "endtime": 1.0}
    content |= {"log": [], "job_hash": 1, "shellcmd": ""}
    (folder / name[254:]).write_text(json.dumps(content))
    (job,) = scaling.recorded(Path("results/standard"), tmp_path)
    assert job.name == f"runs: {path}"


def test_nothing_recorded_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="budget=standard first"):
        scaling.recorded(Path("results/standard"), tmp_path / "nowhere")
