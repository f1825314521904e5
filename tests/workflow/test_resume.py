"""Killed, interrupted, started twice: the work goes on, and the tables are the same to the byte."""

import os
import re
import signal
import subprocess
from pathlib import Path

import pytest

from tests.workflow.checkout import UNTIMED, Checkout, kill_group, wait_for

pytestmark = pytest.mark.workflow

ALONE = ("budget=smoke", UNTIMED, "frameworks=[numpy]", "claims=[lenet_accuracy]")
# Four runs of the NumPy LeNet, a second or two each: long enough to be hit between two of them.
CONFIG = (*ALONE, "settings={lenet_accuracy: {seeds: [0, 1, 2, 3], steps: 5}}")
STORE = "results/smoke/store/lenet_accuracy/numpy"


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The tables of an execution that nothing happened to."""
    checkout = Checkout(tmp_path_factory.mktemp("undisturbed") / "quatuor")
    done = checkout.run(CONFIG)
    assert done.returncode == 0, done.stdout[-3000:]
    return tables(checkout)


def tables(checkout: Checkout) -> dict[str, bytes]:
    names = ("results/smoke/runs.csv", "results/smoke/verdicts.json")
    curves = sorted(checkout.path(STORE).glob("*/*.csv"))
    assert len(curves) == 8
    relative = [str(path.relative_to(checkout.folder)) for path in curves]
    return {name: checkout.path(name).read_bytes() for name in (*names, *relative)}


def started(checkout: Checkout, log: Path) -> subprocess.Popen[str]:
    """A reproduction that has finished its first run and is computing the next."""
    process = checkout.start(CONFIG, log)
    wait_for(lambda: (checkout.path(STORE) / "lenet-0" / "config.json").is_file(), process)
    return process


@pytest.mark.parametrize("whole_group", [True, False], ids=["with its jobs", "leaving orphans"])
def test_sigkill_and_again(
    tmp_path: Path, undisturbed: dict[str, bytes], whole_group: bool
) -> None:
    checkout = Checkout(tmp_path / "quatuor")
    process = started(checkout, tmp_path / "log")
    if whole_group:
        kill_group(process, signal.SIGKILL)
    else:
        process.kill()
        process.wait()
    assert checkout.half_written() == []
    kept = (checkout.path(STORE) / "lenet-0" / "costs.json").read_bytes()
    done = checkout.run(CONFIG)
    assert done.returncode == 0, done.stdout[-3000:]
    assert tables(checkout) == undisturbed
    # The first run was kept, not computed again: its costs are those of the first attempt.
    assert (checkout.path(STORE) / "lenet-0" / "costs.json").read_bytes() == kept


def test_a_report_in_between_hides_nothing_from_the_next_start(
    tmp_path: Path, undisturbed: dict[str, bytes]
) -> None:
    """Nor do summaries written by hand, where Snakemake's own will lie."""
    checkout = Checkout(tmp_path / "quatuor")
    process = started(checkout, tmp_path / "log")
    os.killpg(process.pid, signal.SIGSTOP)
    where = ("--results", "results/smoke")
    done = checkout.python("bench.report", *where, "--out", "reports/smoke", "--afresh")
    assert done.returncode == 0, done.stdout
    assert "1 of 4 runs" in checkout.path("reports/smoke/claims/lenet_accuracy.html").read_text()
    assert not list(checkout.path("results/smoke").glob("*.csv"))
    assert checkout.python("bench.summaries", *where).returncode == 0
    kill_group(process, signal.SIGKILL)
    assert re.search(r"runs +1\n", checkout.run(CONFIG, more=["--dry-run"]).stdout)
    assert checkout.run(CONFIG).returncode == 0
    assert tables(checkout) == undisturbed


def test_interrupted_by_its_user(tmp_path: Path, undisturbed: dict[str, bytes]) -> None:
    checkout = Checkout(tmp_path / "quatuor")
    process = started(checkout, tmp_path / "log")
    kill_group(process, signal.SIGINT)
    said = (tmp_path / "log").read_text()
    assert process.returncode != 0
    assert "interrupted: finished runs are kept" in said
    assert "Traceback" not in said
    assert checkout.half_written() == []
    assert not list(checkout.path(STORE).glob(".tmp-*"))
    assert checkout.run(CONFIG).returncode == 0
    assert tables(checkout) == undisturbed


def test_a_second_live_instance_is_refused(tmp_path: Path, undisturbed: dict[str, bytes]) -> None:
    checkout = Checkout(tmp_path / "quatuor")
    process = started(checkout, tmp_path / "log")
    second = checkout.run(CONFIG)
    assert second.returncode != 0
    assert "a reproduction is already running in this folder" in second.stdout
    looking = checkout.run(CONFIG, more=["--dry-run"])
    assert looking.returncode != 0 or "already running" not in looking.stdout
    assert process.wait(timeout=120) == 0
    assert tables(checkout) == undisturbed


def test_one_core_or_two_give_the_same_tables(reproduction: Checkout, tmp_path: Path) -> None:
    """In every framework: what two cores computed, beside other jobs and after other claims in the
    same process, one core computes again, alone.
    """
    checkout = Checkout(tmp_path / "quatuor")
    config = ["budget=smoke", "claims=[lenet_accuracy]", UNTIMED]
    folder = "results/smoke/runs/lenet_accuracy"
    indexes = sorted(path.name for path in reproduction.path(folder).glob("*.csv"))
    targets = [f"{folder}/{name}" for name in indexes]
    done = checkout.run(config, cores=1, more=targets)
    assert done.returncode == 0
    # One after another: the heaviest first, so that none runs alone at the end.
    told = [float(number) for number in re.findall(r"^ +priority: (\S+)$", done.stdout, re.M)]
    assert len(told) == 1 + len(targets)
    assert told == sorted(told, reverse=True)
    assert len(indexes) > 1
    for name in targets:
        assert checkout.path(name).read_bytes() == reproduction.path(name).read_bytes()


def test_an_edit_reruns_what_it_touches_and_nothing_else(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path / "quatuor")
    config = [
        "budget=smoke",
        UNTIMED,
        "frameworks=[numpy]",
        "claims=[max_pool_gradient,convolution_gradient]",
        "processes=claim",
    ]
    assert checkout.run(config).returncode == 0
    assert "Nothing to be done" in checkout.run(config).stdout
    edited = "implementations/numpy/architectures/single_max_pool.py"
    checkout.path(edited).write_text(checkout.path(edited).read_text() + "\n# an edit\n")
    dry = checkout.run(config, more=["--dry-run"]).stdout
    assert re.search(r"runs +1\n", dry), dry[-3000:]
    assert "results/smoke/runs/max_pool_gradient/numpy.csv" in dry
    assert "Updated input files: " + edited in dry
    checkout.edit("bench/claims/convolution_gradient.py", "title=", "title= ")
    dry = checkout.run(config, more=["--dry-run"]).stdout
    assert re.search(r"runs +2\n", dry)
    assert checkout.run(config).returncode == 0


def test_an_added_seed_is_computed_and_the_others_are_kept(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path / "quatuor")
    seeds = "settings={{lenet_accuracy: {{seeds: {}, steps: 5}}}}"
    assert checkout.run([*ALONE, seeds.format([0, 1])]).returncode == 0
    kept = (checkout.path(STORE) / "lenet-1" / "costs.json").read_bytes()
    assert checkout.run([*ALONE, seeds.format([0, 1, 2])]).returncode == 0
    assert (checkout.path(STORE) / "lenet-1" / "costs.json").read_bytes() == kept
    rows = checkout.path("results/smoke/runs.csv").read_text().splitlines()
    assert [row.split(",")[3] for row in rows[1:]] == ["0", "1", "2"]
