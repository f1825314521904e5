"""The proof counts right, and what it plants computes the same, with more work."""

import shutil
import subprocess
from pathlib import Path

import pytest

from bench.closure import ROOT
from bench.errors import UserError
from bench.timing.conductor import Worker
from bench.timing.gate import proof


def trial(kind: str, failed: bool, mean: float = 0.0) -> dict:
    differences = [mean - 0.01, mean + 0.01] * 5
    told = {"kind": kind, "failed": failed, "differences": differences, "ratio": 1 + mean}
    return {**told, "allowed": 0.03}


def test_rates_have_the_interval_of_clopper_and_pearson() -> None:
    assert proof.rate([False] * 100)["high"] == pytest.approx(1 - 0.025 ** (1 / 100))
    assert proof.rate([True] * 20)["low"] == pytest.approx(0.025 ** (1 / 20))
    assert proof.rate([]) == {"count": 0, "of": 0, "low": 0.0, "high": 1.0}


def test_false_alarms_misses_and_the_curve() -> None:
    trials = [trial("equal", False), trial("equal", True, 0.08), trial("planted", True, 0.07)]
    found = proof.summary(trials)
    assert found["rates"]["false_alarms"]["count"] == 1
    assert found["rates"]["false_alarms"]["of"] == 2
    assert found["rates"]["detected"]["count"] == found["rates"]["detected"]["of"] == 1
    assert found["planted_ratio"] == pytest.approx(1.07)
    assert {point["slowdown"]: point["count"] for point in found["curve"]} == {
        0.0: 1, 0.02: 1, 0.03: 1, 0.04: 2, 0.05: 2, 0.06: 2, 0.08: 2, 0.1: 2, 0.15: 2,
    }  # fmt: skip


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
    before = (clone / proof.MUTATED).read_text()
    proof.plant(clone, 0.1)
    assert (clone / proof.MUTATED).read_text() != before
    digests = set()
    for root in (ROOT, clone):
        with Worker("numpy", "native", root) as worker:
            worker.prepare("lenet", examples=16)
            digests.add(worker.turn(2, digest=True).digest)
    assert len(digests) == 1


def test_a_layer_that_has_changed_asks_for_another_slowdown(clone: Path) -> None:
    path = clone / proof.MUTATED
    path.write_text(path.read_text().replace(proof.BEFORE, "    return None\n"))
    with pytest.raises(UserError, match="must be written anew"):
        proof.plant(clone, 0.1)
