"""Every planted bug is caught, in every framework, each framework in a process of its own."""

import subprocess
import sys
from pathlib import Path

import pytest

from bench import store
from bench.conformance import players
from tests.conftest import ROOT, run_suite
from tests.meta.catalogue import MUTANTS

AT_LEAST = 12


@pytest.mark.parametrize("framework", players.judged(), indirect=True)
def test_every_planted_bug_is_caught(framework: str, tmp_path: Path) -> None:
    out = tmp_path / "mutants.json"
    words = [sys.executable, "-m", "tests.meta.kill", "--framework", framework]
    words += ["--results", str(tmp_path), "--out", str(out)]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    records = store.read(out)
    survived = {r["mutant"]: r["note"] for r in records if not r["killed"]}
    assert survived == {}
    assert [r["mutant"] for r in records] == [mutant.name for mutant in MUTANTS]
    assert len(records) >= AT_LEAST
    assert all(r["control_passed"] and r["note"] is None for r in records)
    assert all(r["by"]["tensor"] and r["by"]["step"] >= 1 for r in records)


@pytest.mark.parametrize("framework", players.judged(), indirect=True)
def test_what_counts_as_caught(framework: str) -> None:
    run_suite("tests/meta/suite_mutants.py", framework)
