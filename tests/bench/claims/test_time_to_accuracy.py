"""Where the count ends, and what is on the clock until there."""

import functools
import math

import pytest

from bench import training
from bench.claims import time_to_accuracy
from bench.claims.time_to_accuracy import CLAIM
from bench.timing import race
from tests.bench.claims.jobs import job


def rising(monkeypatch: pytest.MonkeyPatch, by_look: dict[int, float]) -> None:
    """What the held-out images say at each look at each variant, in place of what is true."""
    looks: dict[int, int] = {}

    def test(system, x, y):
        looks[id(system)] = looks.get(id(system), 0) + 1
        return by_look[looks[id(system)]], 0.0

    monkeypatch.setattr(training, "test", test)


def test_the_count_ends_at_the_first_look_that_sees_the_target(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rising(monkeypatch, {1: 0.5, 2: 0.89, 3: 0.9})
    outcome = time_to_accuracy.run(job(CLAIM, "mlp", horizon=50, every=2))
    assert outcome.metrics["steps"] == math.log2(6)
    assert (outcome.metrics["more_steps"], outcome.metrics["reached"]) == (0.0, 1.0)
    assert [row["step"] for row in outcome.series["tests"]] == [2, 2, 4, 4, 6, 6]


def test_one_that_does_not_arrive_has_its_horizon_and_says_so() -> None:
    outcome = time_to_accuracy.run(job(CLAIM, "mlp", horizon=3, every=2, target=1.0))
    assert outcome.metrics["steps"] == math.log2(3)
    assert outcome.metrics["reached"] == 0.0
    assert math.isnan(outcome.metrics["more_steps"])
    assert math.isfinite(outcome.metrics["sooner"])
    assert set(CLAIM.censored) == {"reference", "native", "sooner", "steps"}


def test_one_that_diverges_has_no_time() -> None:
    with pytest.warns(RuntimeWarning):
        outcome = time_to_accuracy.run(job(CLAIM, "mlp", horizon=20, learning_rate=1e30))
    lost = ("reference", "native", "sooner", "steps", "more_steps")
    assert all(math.isnan(outcome.metrics[name]) for name in lost)
    assert outcome.metrics["reached"] == 0.0


def test_the_way_is_the_same_and_so_is_the_accuracy_on_it() -> None:
    """Both variants see the same batches from the same weights: what differs is rounding."""
    outcome = time_to_accuracy.run(job(CLAIM, "mlp", horizon=30, every=10, target=1.0))
    rows = outcome.series["tests"]
    seen = {(row["variant"], row["step"]): row["accuracy"] for row in rows}
    for step in (10, 20, 30):
        assert seen["native", step] == pytest.approx(seen["reference", step], abs=0.02)
    assert float(seen["reference", 30]) > 0.5


def test_looking_is_not_on_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """A look at every step, and one at the last: the seconds are those of the steps alone."""
    now = 0.0

    def clock() -> float:
        nonlocal now
        now += 1.0  # every reading of the clock: two a step, so that a step takes 1
        return now

    monkeypatch.setattr(time_to_accuracy, "race", functools.partial(race.race, clock=clock))
    outcome = time_to_accuracy.run(job(CLAIM, "mlp", horizon=4, every=1, target=1.0))
    assert outcome.metrics["reference"] == outcome.metrics["native"] == math.log2(4000)
