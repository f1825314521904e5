"""A small net is timed for real in several forms; one that fails, or ends, harms no other."""

import json
from collections.abc import Iterator
from typing import Any

import psutil
import pytest

from bench.errors import UserError
from bench.timing import contestants, records
from bench.timing.conductor import Turn, played
from bench.timing.contestants import Contestant
from bench.timing.ensemble import Ensemble


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


def test_a_process_that_ended_is_started_anew_for_the_next_net(ensemble: Ensemble) -> None:
    before = [worker.process.pid for worker in ensemble.workers]
    ensemble.workers[0].process.kill()
    ensemble.workers[0].process.wait()
    found = ensemble.measure("mlp", "forward", 6, 0.001, silent)
    assert [measured.absent for measured in found.measured] == [None, None]
    after = [worker.process.pid for worker in ensemble.workers]
    assert (after[0] != before[0], after[1]) == (True, before[1])
    assert [r["compared_steps"] == r["steps"] for r in records.of(found)] == [True, True]


def test_a_process_that_ends_is_no_finding_about_its_form(
    ensemble: Ensemble, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The net fails, to be asked for again, and nothing is kept of it."""

    def killed() -> None:
        ensemble.workers[0].process.kill()

    monkeypatch.setattr(ensemble, "_revive", killed)
    with pytest.raises(UserError, match="numpy reference ended with exit code -9"):
        ensemble.measure("mlp", "forward", 6, 0.001, silent)


@pytest.mark.parametrize(
    ("framework", "message"),
    [
        ("numpy", "none of these frameworks computes on a GPU"),
        ("pytorch", "pytorch native: .*cuda"),
    ],
)
def test_a_device_that_nobody_has_is_refused_before_anything_is_measured(
    framework: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    asked = {"threads": 1, "device": "cuda"}
    players = contestants.chosen([framework], ["native"])
    with pytest.raises(UserError, match=message), Ensemble(players, **asked):
        pass
