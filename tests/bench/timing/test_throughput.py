"""A small net is timed for real in several forms; what is said of it is computed by hand."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import psutil
import pytest

from bench import operations, packages, store
from bench.errors import UserError
from bench.timing import contestants, kept, records, throughput
from bench.timing.checked import Check
from bench.timing.conductor import Turn, played
from bench.timing.contestants import Contestant
from bench.timing.ensemble import Ensemble
from bench.timing.limits import Limits
from bench.timing.nets import NETS, UPDATE
from bench.timing.session import Measured, Session
from tests.conftest import ROOT

FACTS = {
    "clock": "cpu_seconds",
    "device": "cpu",
    "versions": {"numpy": "2"},
    "import_cpu_seconds": 0.1,
    "import_wall_seconds": 0.2,
}
FIRST = {
    "steps": 3,
    **{f"{what}_{clock}": 1.0 for what in ("build", "first_step") for clock in ("cpu_seconds",)},
    **{f"{what}_{clock}": 2.0 for what in ("build", "first_step") for clock in ("wall_seconds",)},
}


def measured(form: str, seconds: float, correct: bool = True) -> Measured:
    turns = [Turn(seconds * (1 + 0.01 * n), 2 * seconds, None, "digest") for n in range(8)]
    check = Check(0.0 if correct else 1.0, 0.5)
    return Measured(Contestant("pytorch", form), FACTS, FIRST, turns, 100.0, check)


def session(*contest: Measured) -> Session:
    machine = {"warnings": ["loud"], "load": 0.0, "steal": None, "during": {}, "state": {}}
    control = measured("eager", 0.1)
    return Session(
        "mlp", "update", 1, list(contest), contest[0], control, Limits(1e9, 1e8), machine
    )


def told(*contest: Measured) -> list[dict[str, Any]]:
    return list(records.of(session(*contest)))


def test_a_record_is_what_was_measured() -> None:
    eager, native = told(measured("eager", 0.1), measured("native", 0.05))
    work = operations.update(NETS["mlp"].make(), 64, UPDATE.optimizer)
    assert native["ratio"] == pytest.approx(0.5)
    assert native["library"] == "eager"
    assert native["library_ratio"] == pytest.approx(0.5)
    assert native["judged"]
    assert native["library_judged"]
    assert native["cpu_seconds"] == pytest.approx(0.05 * 1.035)
    assert native["wall_seconds"] == pytest.approx(0.1)
    assert native["first_step_cpu_seconds"] == 2.0
    assert native["first_step_wall_seconds"] == 4.0
    assert native["examples_per_second"] == pytest.approx(64 / (0.05 * 1.035))
    assert native["operations_per_second"] == pytest.approx(work.operations / (0.05 * 1.035))
    attainable = min(1e9, 1e8 * work.intensity)
    assert native["fraction"] == pytest.approx(work.operations / (0.05 * 1.035) / attainable)
    assert native["energy_joules"] is None
    assert (eager["ratio"], eager["judged"], eager["library_ratio"]) == (None, False, None)
    assert eager["baseline"] == "pytorch eager"


def test_what_computed_something_else_has_no_judgment() -> None:
    _, wrong = told(measured("eager", 0.1), measured("native", 0.05, correct=False))
    assert not wrong["correct"]
    assert not wrong["judged"]
    assert not wrong["library_judged"]
    assert wrong["ratio"] == pytest.approx(0.5)


def test_what_does_not_repeat_is_told() -> None:
    native = measured("native", 0.05)
    native.turns[3] = Turn(0.05, 0.1, None, "another")
    assert [record["repeats"] for record in told(measured("eager", 0.1), native)] == [True, False]


def test_what_could_not_be_timed_says_why() -> None:
    compiled = Measured(Contestant("pytorch", "compiled"), FACTS, absent="no compiler")
    eager, absent = told(measured("eager", 0.1), compiled)
    assert absent["absent"] == "no compiler"
    assert absent["cpu_seconds"] is None
    assert not absent["judged"]
    assert eager.keys() == absent.keys()


def test_contestants_are_found_by_listing() -> None:
    assert contestants.forms("numpy") == ("reference", "native")
    assert contestants.library_forms("pytorch") == ("eager", "compiled")
    assert "flax" in contestants.forms("jax")
    one = contestants.chosen(["numpy", "pytorch"], ["native"])
    assert one == [Contestant("numpy", "native"), Contestant("pytorch", "native")]
    eager = Contestant("pytorch", "eager")
    assert contestants.baseline("update", [*one, eager]) == eager
    assert contestants.baseline("forward", [*one, eager]) == one[0]


@pytest.fixture
def ensemble() -> Iterator[Ensemble]:
    players = contestants.chosen(["numpy"], None)
    with Ensemble(players, threads=1, device="cpu") as started:
        yield started


def silent(fraction: float, text: str) -> None: ...


def test_both_calls_are_measured_for_real(ensemble: Ensemble) -> None:
    said: list[float] = []
    for call in ("update", "forward"):
        found = ensemble.measure("mlp", call, 6, 0.01, lambda fraction, text: said.append(fraction))
        assert [m.contestant.form for m in found.measured] == ["reference", "native"]
        for record in records.of(found):
            assert record["correct"]
            assert record["repeats"]
            assert record["fraction"] > 0
            assert record["peak_memory_mib"] > 20
            assert record["versions"]["numpy"]
            json.dumps(record, allow_nan=False)
        assert found.floor > 0
        assert found.limits.gemm > found.limits.stream / 12
    assert said == sorted(said[: len(said) // 2]) * 2
    spent = ensemble.account()
    assert spent["steps"] > 0
    assert spent["imports"] > 0


def test_a_net_that_fails_leaves_the_workers_to_the_next(
    ensemble: Ensemble, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*given: Any, **more: Any) -> Iterator[list[Turn]]:
        child = psutil.Process(ensemble.workers[0].process.pid).children()[0]
        child.kill()
        yield from played(*given, **more)

    with monkeypatch.context() as patched:
        patched.setattr("bench.timing.ensemble.played", killed)
        with pytest.raises(UserError, match="mlp, forward: numpy reference failed"):
            ensemble.measure("mlp", "forward", 6, 0.001, silent)
    assert not psutil.Process(ensemble.workers[1].process.pid).children()
    found = ensemble.measure("mlp", "forward", 6, 0.001, silent)
    assert [measured.absent for measured in found.measured] == [None, None]


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
