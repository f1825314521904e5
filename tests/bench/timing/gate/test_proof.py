"""The proof counts right, and what it plants computes the same, with more work."""

import math
import shutil
import subprocess
from pathlib import Path

import pytest

from bench.closure import ROOT
from bench.errors import UserError
from bench.timing.conductor import Worker
from bench.timing.gate import intervals, planting, proof


def trial(kind: str, mean: float, pairs: int = 24) -> dict:
    """Whose pairs lie .2 % to either side of the mean of log(head / base)."""
    differences = [mean - 0.002, mean + 0.002] * (pairs // 2)
    rule = {"allowed": 0.03, "among": 10, "differences": differences}
    verdict = intervals.judge(differences, 0.03, 10).verdict
    return {**rule, "kind": kind, "ratio": math.exp(mean), "verdict": verdict}


def test_rates_have_the_interval_of_clopper_and_pearson() -> None:
    assert proof.rate([False] * 100)["high"] == pytest.approx(1 - 0.025 ** (1 / 100))
    assert proof.rate([True] * 20)["low"] == pytest.approx(0.025 ** (1 / 20))
    assert proof.rate([]) == {"count": 0, "of": 0, "low": 0.0, "high": 1.0}


def test_false_alarms_and_misses() -> None:
    trials = [
        trial("equal", 0.0),
        trial("equal", 0.08),
        trial("planted", 0.07),
        trial("planted", 0),
    ]
    rates = proof.summary(trials)["rates"]
    assert (rates["false_alarms"]["count"], rates["false_alarms"]["of"]) == (1, 2)
    assert (rates["detected"]["count"], rates["detected"]["of"]) == (1, 2)


def test_the_curve_moves_what_was_planted() -> None:
    found = proof.summary([trial("planted", 0.05), trial("planted", 0.07)])
    assert found["planted_ratio"] == pytest.approx(math.exp(0.06))
    caught = {point["slowdown"]: point["count"] for point in found["curve"]}
    assert caught == {0.0: 0, 0.02: 0, 0.03: 1, 0.04: 1, 0.05: 2, 0.06: 2, 0.08: 2, 0.1: 2, 0.15: 2}


def test_who_would_have_been_settled_is_not_caught_by_what_came_later() -> None:
    late = trial("planted", 0.0)
    late["differences"] = [0.0, 0.001] * 5 + [0.2] * 14
    assert intervals.judge(late["differences"], 0.03, 10).verdict == "slower"
    assert not proof.caught(late, 0.0)


def kept(**changes: object) -> dict:
    made = {"kind": "planted", "share": 0.1, "git_commit": "a" * 40} | changes
    return {"schema_version": 2, "trials": [made], "whole": []}


@pytest.mark.parametrize(
    ("found", "told"),
    [
        (kept(git_commit="b" * 40), "holds trials of bbbbbbbbbb, and HEAD is aaaaaaaaaa"),
        (kept(share=0.2), "holds trials of a share of {0.2}"),
        (kept() | {"schema_version": 1}, "was written by an older proof"),
    ],
)
def test_a_file_of_another_proof_is_not_gone_on_with(found: dict, told: str) -> None:
    proof.check_same(kept(), "a" * 40, 0.1, Path("gate.json"))
    with pytest.raises(UserError, match=told):
        proof.check_same(found, "a" * 40, 0.1, Path("gate.json"))


def test_trials_of_both_kinds_alternate_until_all_are_done() -> None:
    made: list[dict] = []
    while kind := proof._next(made, {"equal": 4, "planted": 2}):
        made.append({"kind": kind})
    order = "".join(entry["kind"][0] for entry in made)
    assert sorted(order) == list("eeeepp")
    assert order.index("p") < 3


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    folder = tmp_path / "clone"
    for package in ("bench", "implementations"):
        shutil.copytree(ROOT / package, folder / package)
    subprocess.run(["git", "init", "--quiet", "--initial-branch", "equal"], cwd=folder, check=True)
    return folder


def test_what_is_planted_computes_the_same_to_the_bit(clone: Path) -> None:
    subprocess.run(["git", "add", "--all"], cwd=clone, check=True)
    before = (clone / planting.MUTATED).read_text()
    planting.plant(clone, 0.1)
    assert (clone / planting.MUTATED).read_text() != before
    digests = set()
    for root in (ROOT, clone):
        with Worker("numpy", "native", root) as worker:
            worker.prepare("lenet", examples=16)
            digests.add(worker.turn(2, digest=True).digest)
    assert len(digests) == 1


def test_what_is_planted_is_computed(clone: Path) -> None:
    """It would slow nothing down where the net's way through the layer has become another one."""
    subprocess.run(["git", "add", "--all"], cwd=clone, check=True)
    planting.plant(clone, 0.1)
    path = clone / planting.MUTATED
    path.write_text(path.read_text().replace("_owed += 0.1", "_owed += 1 / 0"))
    with Worker("numpy", "native", clone) as worker, pytest.raises(RuntimeError, match="ZeroDiv"):
        worker.prepare("lenet", examples=16)


def test_a_layer_that_has_changed_asks_for_another_slowdown(clone: Path) -> None:
    path = clone / planting.MUTATED
    path.write_text(path.read_text().replace(planting.BEFORE, "    return None\n"))
    with pytest.raises(UserError, match="must be written anew"):
        planting.plant(clone, 0.1)
