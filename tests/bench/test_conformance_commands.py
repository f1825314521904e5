"""The commands of conformance: what they write and refuse, and what their exit codes say."""

import subprocess
import sys
from pathlib import Path

import pytest

from bench import store
from bench.conformance import cases, gate, players
from bench.conformance.__main__ import Voice
from bench.conformance.cases import Case
from bench.errors import UserError
from tests.bench.tampering import at, compare, nothing, shift
from tests.conftest import ROOT, run_suite

MLP = Case("mlp", "sgd", "float64", 4, 8)


def test_progress_of_parts_follows_their_work() -> None:
    said: list[float] = []
    voice = Voice(lambda fraction, text: said.append(fraction), total=4.0)
    for effort in (1.0, 3.0):
        say = voice.part(effort)
        say(0.5, "half")
        say(1.0, "whole")
    assert said == [0.125, 0.25, 0.625, 0.999]


def test_a_missing_package_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)  # type: ignore[arg-type]
    with pytest.raises(UserError, match="the package torch is not installed"):
        players.adapters("pytorch")


@pytest.mark.parametrize("damage", [None, "record", "mutant", "row", "empty", "no rows"])
def test_the_gate_judges_what_was_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys, damage: str | None
) -> None:
    tamper = at(2, shift("fc3/bias", (3,), 1e-6)) if damage == "record" else nothing
    records = [] if damage == "empty" else list(compare(MLP, tamper).records())
    store.write_file(tmp_path / "conformance.json", store.canonical(records))
    mutants = [{"framework": "numpy", "mutant": "a bug", "killed": damage != "mutant"}]
    store.write_file(tmp_path / "mutants.json", store.canonical(mutants))
    row = {"framework": "jax", "row": "B1", "title": "epsilon", "red": damage == "row"}
    row |= {"changed": True, "default": 2.0, "pinned": 1.0, "note": None}
    atlas = [] if damage == "no rows" else [row]
    store.write_file(tmp_path / "atlas.json", store.canonical(atlas))
    monkeypatch.setattr(sys, "argv", ["gate", str(tmp_path)])
    assert gate.main() == (0 if damage is None else 1)
    said = capsys.readouterr().out
    assert ("logits" in said) == (damage == "record")
    assert ("'a bug' was not caught" in said) == (damage == "mutant")
    assert ("jax: row B1 of the atlas (epsilon) answers 2.0" in said) == (damage == "row")


def test_the_gate_asks_for_its_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["gate", str(tmp_path)])
    with pytest.raises(UserError, match="run make conformance first"):
        gate.main()


def command(framework: str, folder: Path) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-m", "bench.conformance", "--framework", framework]
    words += ["--length", "short", "--results", str(folder), "--out", str(folder / "found.json")]
    return subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)


def test_an_unknown_framework_is_refused(tmp_path: Path) -> None:
    done = command("torch", tmp_path)
    assert done.returncode == 2
    assert "invalid choice: 'torch'" in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("framework", players.judged(), indirect=True)
def test_a_framework_agrees_with_the_reference(framework: str, tmp_path: Path) -> None:
    done = command(framework, tmp_path)
    assert done.returncode == 0, done.stderr
    records = store.read(tmp_path / "found.json")
    assert {(r["model"], r["optimizer"], r["dtype"]) for r in records} == {
        (c.model, c.optimizer, c.dtype) for c in cases.cases("short")
    }
    assert [r["first_divergence"] for r in records if not r["passed"]] == []
    assert {
        r["quantity"] for r in records if (r["model"], r["optimizer"]) == ("lenet", "adam")
    } == {*("loss", "decision", "gradient", "first_moment", "second_moment", "parameter", "step")}
    # Zero everywhere would be a framework that is the reference: rounding must be seen.
    assert any(r["max_relative_deviation"] > 0 for r in records)


@pytest.mark.parametrize("framework", players.judged(), indirect=True)
def test_errors_are_seen_in_a_framework(framework: str) -> None:
    run_suite("tests/bench/suite_conformance.py", framework)
