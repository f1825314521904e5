"""The command: what it refuses, writes and shows, and keeps of nets whose neighbors fail."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, ClassVar

import pytest

from bench import packages, store
from bench.errors import UserError
from bench.timing import kept, throughput
from bench.timing.ensemble import Ensemble
from bench.timing.session import Session
from tests.conftest import ROOT


def time(*given: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "bench.timing.throughput", "--frameworks", "numpy", *given]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["--nets", "mlp", "lennet"], "unknown net 'lennet'; did you mean lenet?"),
        (["--nets", "mlp", "mlp"], "repeated net in ['mlp', 'mlp']"),
        (["--nets", "mlp", "--rounds", "5"], "rounds must be a number in [6, inf), got 5"),
        (["--nets", "mlp", "--seconds", "0"], "seconds must be a number in (0, inf), got 0"),
        (["--nets", "mlp", "--forms", "nativ"], "unknown form 'nativ'; did you mean native?"),
        (["--nets", "mlp", "--out", __file__], "is a file: name a folder"),
    ],
)
def test_a_mistake_is_one_sentence_before_anything_starts(
    given: list[str], message: str, tmp_path: Path
) -> None:
    done = time(*given, "--results", str(tmp_path))
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.iterdir())  # nothing that a measurement reports or leaves


SHORT = ("--rounds", "6", "--seconds", "0.001", "--calls", "forward")


def test_the_command_writes_records_and_shows_tables(tmp_path: Path) -> None:
    out = tmp_path / "throughput"
    done = time("--nets", "mlp", "mlp_norm", *SHORT, "--out", str(out))
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("numpy reference") == 2 + done.stdout.count("time / that of numpy")
    for net in ("mlp", "mlp_norm"):
        found = json.loads((out / f"{net}.json").read_text())
        assert [record["form"] for record in found] == ["reference", "native"]
        assert {record["net"] for record in found} == {net}
        assert 0 < found[1]["ratio_low"] <= found[1]["ratio"] <= found[1]["ratio_high"]


class Failing(Ensemble):
    """One that cannot measure some nets."""

    measured: ClassVar[list[str]] = []
    fails: ClassVar[set[str]] = set()

    def measure(self, net: str, *given: Any) -> Session:
        self.measured.append(net)
        if net in self.fails:
            raise UserError(f"{net} is too much")
        return super().measure(net, *given)


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> type[Failing]:
    monkeypatch.setattr(throughput, "Ensemble", Failing)
    monkeypatch.setattr(Failing, "measured", [])
    return Failing


def called(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *nets: str) -> int:
    words = ["throughput", "--nets", *nets, "--frameworks", "numpy", "--forms", "native", *SHORT]
    words += ["--results", str(tmp_path), "--out", str(tmp_path / "throughput")]
    monkeypatch.setattr(sys, "argv", words)
    return throughput.main()


def test_a_net_that_fails_costs_no_other(
    failing: type[Failing],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """What was timed is kept when Snakemake deletes the outputs of the job, and taken from there,
    with what it cost, until what it comes from changes."""
    monkeypatch.setattr(Failing, "fails", {"mlp_wide"})
    nets = ("mlp", "mlp_wide", "mlp_norm")
    assert called(monkeypatch, tmp_path, *nets) == 1
    told = capsys.readouterr().err
    assert "mlp_wide could not be timed:\nmlp_wide is too much\n" in told
    assert "1 of 3 nets could not be timed: mlp_wide" in told
    outputs = tmp_path / "throughput"
    assert sorted(path.stem for path in outputs.iterdir()) == ["mlp", "mlp_norm"]
    assert not (tmp_path / "accounts").exists()
    before = {path.name: path.read_text() for path in outputs.iterdir()}
    shutil.rmtree(outputs)

    monkeypatch.setattr(Failing, "fails", set())
    assert called(monkeypatch, tmp_path, *nets) == 0
    assert failing.measured == [*nets, "mlp_wide"]
    after = {path.name: path.read_text() for path in outputs.iterdir()}
    assert after.keys() == {f"{net}.json" for net in nets}
    assert {name: after[name] for name in before} == before
    account = store.read(tmp_path / "accounts" / "throughput.together.json")["cpu_seconds"]
    notes = [store.read(path)["note"] for path in (tmp_path / "store/throughput").iterdir()]
    assert account["steps"] == pytest.approx(sum(n["cpu_seconds"]["steps"] for n in notes))

    monkeypatch.setattr(packages, "installed", lambda name: "another")
    assert called(monkeypatch, tmp_path, "mlp") == 0
    assert failing.measured[4:] == ["mlp"]
    monkeypatch.setattr(throughput, "description", lambda: {"cpu_model": "another", "cores": 1})
    assert called(monkeypatch, tmp_path, "mlp") == 0
    assert failing.measured[5:] == ["mlp"]


def test_another_version_of_what_a_library_form_needs_is_timed_anew() -> None:
    assert {"jax", "flax", "optax"} <= packages.versions("jax").keys()
    assert {"tensorflow-cpu", "keras"} <= packages.versions("tensorflow").keys()


def test_what_a_failed_net_cost_is_no_other_nets(
    failing: type[Failing], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    spent: list[str] = []

    def account(self: Ensemble) -> dict[str, float]:
        spent.append(failing.measured[-1])
        return {}

    monkeypatch.setattr(Failing, "account", account)
    monkeypatch.setattr(Failing, "fails", {"mlp_wide"})
    assert called(monkeypatch, tmp_path, "mlp_wide", "mlp") == 1
    assert spent == ["mlp_wide", "mlp"]


def test_what_is_kept_is_whole(tmp_path: Path) -> None:
    note: kept.Note = {"records": [{"net": "mlp"}], "cpu_seconds": {"steps": 1.0}}
    assert kept.found(tmp_path, "mlp", {"rounds": 6}) is None
    kept.keep(tmp_path, "mlp", {"rounds": 6}, note)
    assert kept.found(tmp_path, "mlp", {"rounds": 6}) == note
    assert kept.found(tmp_path, "mlp", {"rounds": 7}) is None
    path = tmp_path / "store" / "throughput" / "mlp.json"
    for damaged in (path.read_text().replace("1.0", "2.0"), path.read_text()[:-5], "[]"):
        path.write_text(damaged)
        assert kept.found(tmp_path, "mlp", {"rounds": 6}) is None


def test_the_only_net_that_fails_is_the_commands_own_mistake(
    failing: type[Failing], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(Failing, "fails", {"mlp"})
    with pytest.raises(UserError, match="mlp is too much"):
        called(monkeypatch, tmp_path, "mlp")
