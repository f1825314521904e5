"""Which claims share a process: by recorded costs alone, the same on every machine."""

from collections.abc import Sequence

import pytest

from bench import claim as claims
from bench import costs, sharing

CLOCKED, LONG, UNKNOWN = "batch_norm_cost", "lenet_accuracy", "height_fusion"
SHORT = ("adam_epsilon", "convolution_gradient", "max_pool_gradient", "momentum_forms")
SEARCHED = ("optimizers", "schedules")
ALL = tuple(sorted((CLOCKED, LONG, UNKNOWN, *SHORT, *SEARCHED)))
COSTS = {
    f"{CLOCKED}/numpy": 1.0,
    f"{LONG}/numpy": 20.0,
    f"{LONG}/jax": sharing.ENOUGH_SECONDS,
    "adam_epsilon/numpy": 100.0,
    "convolution_gradient/jax": 70.0,
    "convolution_gradient/numpy": 1.0,
    "max_pool_gradient/numpy": 20.0,
    "momentum_forms/numpy": 10.0,
    "optimizers/numpy": 30.0,
    "schedules/jax": 40.0,
    "search/height_fusion": 1.0,
    "conformance/jax": 1.0,
}


@pytest.fixture(autouse=True)
def recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(costs, "reference", lambda budget: dict(COSTS))


def shared(names: Sequence[str]) -> list[tuple[str, ...]]:
    return sharing.processes(names, "shared", "standard")


def test_the_extremes() -> None:
    assert sharing.processes(ALL, "framework", "standard") == [ALL]
    assert sharing.processes(ALL, "claim", "standard") == [(name,) for name in ALL]


def test_short_claims_share_and_a_clock_a_long_one_and_an_unknown_one_do_not() -> None:
    """200 seconds of what waits for no search are two processes of about as much, 70 of what does
    are one; the framework that takes longest counts."""
    assert shared(ALL) == [
        *((name,) for name in (CLOCKED, UNKNOWN, LONG)),
        ("adam_epsilon",),
        ("convolution_gradient", "max_pool_gradient", "momentum_forms"),
        SEARCHED,
    ]


def test_the_order_in_which_claims_are_named_does_not_count() -> None:
    assert {*shared(ALL)} == {*shared(ALL[::-1])}


def test_where_nothing_was_recorded_nothing_is_shared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(costs, "reference", lambda budget: {})
    assert shared(ALL) == [(name,) for name in ALL]


def test_the_claims_of_the_standard_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is in one process; none has more to do than twice what is enough for it."""
    monkeypatch.undo()
    known = costs.reference("standard")
    found = shared(claims.names())
    assert sorted(name for share in found for name in share) == claims.names()
    several = [share for share in found if len(share) > 1]
    assert several
    for share in several:
        assert not any(claims.get(name).clocked for name in share)
        assert len({claims.get(name).search is None for name in share}) == 1
        for framework in ("numpy", "pytorch", "tensorflow", "jax"):
            spent = sum(known.get(f"{name}/{framework}", 0.0) for name in share)
            assert spent < 2 * sharing.ENOUGH_SECONDS
