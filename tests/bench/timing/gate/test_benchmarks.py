"""What the gate measures when nobody says anything, and what names mean."""

import shutil
from pathlib import Path

import pytest

from bench import packages
from bench.closure import ROOT
from bench.errors import UserError
from bench.timing.gate import benchmarks, instructions
from bench.timing.gate.benchmarks import Benchmark
from bench.timing.gate.checkouts import Side
from bench.timing.gate.instructions import Counted

SIDES = (Side("base", "0" * 40, ROOT), Side("head", "1" * 40, ROOT))


def test_every_installed_framework_is_measured_and_numpy_in_both_forms() -> None:
    found = benchmarks.chosen()
    assert {b.framework for b in found if b.form == "native"} == {
        name for name in ("numpy", "pytorch", "tensorflow", "jax") if packages.installed(name)
    }
    assert {str(b) for b in found if b.form == "reference"} == {
        "numpy/reference/mlp",
        "numpy/reference/lenet",
    }
    assert len(set(found)) == len(found)


def test_named_benchmarks_are_measured_and_no_others() -> None:
    named = ["numpy/native/resnet", "numpy/reference/mlp", "numpy/native/lenet"]
    found = benchmarks.chosen(named)
    assert [str(benchmark) for benchmark in found] == named
    shared = benchmarks.by_worker(found)
    assert list(shared) == [("numpy", "native"), ("numpy", "reference")]
    assert [b.net for b in shared["numpy", "native"]] == ["resnet", "lenet"]
    assert {b.framework for b in benchmarks.chosen(frameworks=["numpy"])} == {"numpy"}


def test_a_framework_that_is_not_installed_is_left_out_unless_it_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(packages, "installed", lambda name: None if name == "jax" else "1")
    assert "jax" not in {b.framework for b in benchmarks.chosen()}
    for words in ({"names": ["jax/native/mlp"]}, {"frameworks": ["jax"]}):
        with pytest.raises(UserError, match="jax is not installed"):
            benchmarks.chosen(**words)


def test_what_cannot_be_counted_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = Benchmark("numpy", "native", "mlp"), Benchmark("jax", "native", "mlp")
    assert instructions.counted(SIDES, [theirs], True)[theirs] == Counted(
        note="counted for numpy only"
    )
    assert instructions.counted(SIDES, [ours], False)[ours] == Counted(note="not asked for")
    monkeypatch.setattr(shutil, "which", lambda tool: None)
    missing = instructions.counted(SIDES, [ours], True)[ours]
    assert missing == Counted(note="valgrind and setarch not installed")


@pytest.mark.skipif(
    not all(map(shutil.which, instructions.TOOLS)), reason="valgrind is not installed"
)
def test_a_step_that_is_made_twice_has_twice_the_instructions(tmp_path: Path) -> None:
    for package in ("bench", "implementations"):
        shutil.copytree(ROOT / package, tmp_path / package)
    path = tmp_path / "bench/timing/loops.py"
    call = "            self.system.update(TRAIN, batch, RATE)\n"
    text = path.read_text()
    assert call in text
    path.write_text(text.replace(call, 2 * call))
    ours = Benchmark("numpy", "native", "mlp")
    found = instructions.counted((SIDES[0], Side("head", "1" * 40, tmp_path)), [ours], True)[ours]
    assert found.base
    assert found.head
    assert 1.8 < found.head / found.base < 2.2


def test_a_valgrind_that_fails_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for tool in instructions.TOOLS:
        (tmp_path / tool).write_text("#!/bin/sh\necho it broke >&2\nexit 3\n")
        (tmp_path / tool).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    ours = Benchmark("numpy", "native", "mlp")
    found = instructions.counted(SIDES, [ours], True)[ours]
    assert found.base is found.head is None
    assert found.note == "valgrind could not run the base (0000000000): it broke"
