"""`make bench` saves runs, and pytest-benchmark compares them."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

pytestmark = pytest.mark.workflow


def test_two_runs_are_saved_and_compared(tmp_path: Path) -> None:
    beside = str(Path(sys.executable).parent)
    # pytest-benchmark measures nothing where it takes itself for one of several workers.
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST_XDIST")}
    environment = {**inherited, "PATH": f"{beside}{os.pathsep}{os.environ['PATH']}"}
    environment |= {"PYTHONPATH": str(ROOT)}
    storage = ("--benchmark-storage", str(tmp_path))
    environment["PYTEST_ADDOPTS"] = " ".join(storage)
    # The environment of the tests, wherever it lies, as it is.
    make = ["make", "bench", f"VENV={sys.prefix}", "--assume-old", f"{sys.prefix}/.ready-cpu"]
    select = "mlp and not mlp_ and numpy and native"
    for _ in range(2):
        subprocess.run(
            [*make, f"SELECT={select}"],
            cwd=ROOT, env=environment, check=True, capture_output=True, text=True,
        )  # fmt: skip
    saved = [json.loads(path.read_text()) for path in sorted(tmp_path.rglob("*.json"))]
    assert len(saved) == 2
    for run in saved:
        assert {entry["group"] for entry in run["benchmarks"]} == {
            "mlp numpy update",
            "mlp numpy forward",
        }
        for entry in run["benchmarks"]:
            assert entry["stats"]["rounds"] == 10
            assert entry["stats"]["min"] > 0
            assert entry["options"]["timer"] == "reported_cpu_seconds"
            assert entry["extra_info"]["steps"] > 0
        assert run["machine_info"]["description"]["cores"] == os.cpu_count()
        assert run["commit_info"]["id"]
    assert saved[0]["machine_info"] == saved[1]["machine_info"]
    compare = ["pytest-benchmark", "--storage", str(tmp_path), "compare"]
    done = subprocess.run(
        [*compare, "--group-by", "param:net,param:framework,param:phase"],
        env=environment, check=True, capture_output=True, text=True,
    )  # fmt: skip
    assert "test_step[update-mlp-native-numpy] (0001" in done.stdout.replace("\n", "")
    assert "(0002" in done.stdout
