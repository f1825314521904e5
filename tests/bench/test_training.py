"""Counts of steps to a loss, and the batches that they are counted on."""

import math
from typing import Any

import numpy as np
import pytest

from bench import training
from bench.contract import Evaluation
from bench.dataset import Prepared
from bench.training import Arrival, Fit, at_most, batches, drawn


def test_the_arrival_is_the_first_step_at_which_the_mean_is_there() -> None:
    losses = [1.0, 0.5, 0.3, 0.3, 0.3, 0.3, 0.2]
    assert Fit(losses).steps_to(0.3, window=3) == Arrival(5.0, reached=True)
    assert Fit(losses).steps_to(1.0, window=1) == Arrival(1.0, reached=True)
    assert Fit(losses).steps_to(0.2, window=1) == Arrival(7.0, reached=True)  # the last step


def test_one_that_did_not_arrive_is_told_from_one_that_did_at_the_last_step() -> None:
    assert Fit([1.0, 0.5, 0.4]).steps_to(0.3, window=1) == Arrival(3.0, reached=False)
    assert Fit([0.1, 0.1]).steps_to(0.3, window=3) == Arrival(2.0, reached=False)  # no mean yet


@pytest.mark.parametrize("lost", [math.nan, math.inf])
def test_one_that_diverged_has_no_count_but_that_of_its_arrival(lost: float) -> None:
    never = Fit([1.0, 0.9, lost], diverged=True).steps_to(0.3, window=2)
    assert (math.isnan(never.steps), never.reached) == (True, False)
    assert math.isnan(never.metrics()["log2_steps"])
    before = Fit([0.3, 0.3, lost], diverged=True).steps_to(0.3, window=2)
    assert before == Arrival(2.0, reached=True)


def test_means_are_compared_without_rounding() -> None:
    assert sum([0.82] * 10) / 10 > 0.82
    assert at_most([0.82] * 10, 0.82)
    assert not at_most([0.3, math.inf, -math.inf], 1.0)


def numbered(examples: int) -> Prepared:
    x = np.arange(examples, dtype=float)
    return Prepared(x, np.arange(examples), x[:0], np.arange(0), {})


def seen(found: list[dict[str, np.ndarray]]) -> np.ndarray:
    return np.concatenate([batch["y"] for batch in found])


def test_drawn_batches_follow_the_seed_and_any_number_of_them_begins_alike() -> None:
    data = numbered(40)
    first, longer = (list(drawn(data, 3, 8, steps)) for steps in (5, 9))
    np.testing.assert_array_equal(seen(first), seen(longer)[:40])
    np.testing.assert_array_equal(first[0]["x"], first[0]["y"])
    assert not np.array_equal(seen(first), seen(list(drawn(data, 4, 8, 5))))
    (repeated,) = drawn(numbered(4), 0, 8, 1)  # an image may come twice in a batch
    assert repeated["y"].shape == (8,)


def test_no_image_is_newer_than_another_to_drawn_batches() -> None:
    """In the order of epochs an image that was just seen does not come again before the others."""
    data, size = numbered(100), 10
    rows = {
        make: np.array([np.isin(late["y"], early["y"]).mean() for early, late in pairs])
        for make in (batches, drawn)
        for pairs in [_neighbours(make, data, size)]
    }
    assert rows[batches].mean() == 0
    # A share of 10 of 100 images, in whichever batch: 1 - (1 - 1/100)^10.
    expected, count = 1 - 0.99**size, rows[drawn].size
    assert abs(rows[drawn].mean() - expected) < 4 * math.sqrt(expected / (size * count))


def _neighbours(make, data: Prepared, size: int):
    """The first and the last batch of an epoch, over many seeds."""
    for seed in range(200):
        epoch = list(make(data, seed, size, 10))
        yield epoch[0], epoch[-1]


@pytest.mark.parametrize(
    ("lost", "accuracy"), [(None, 1.0), (math.nan, math.nan), (math.inf, math.nan)]
)
def test_a_net_that_diverged_with_its_last_step_has_no_accuracy(
    lost: float | None, accuracy: float
) -> None:
    logits = np.eye(3)
    if lost is not None:
        logits[1, 1] = lost

    class Net:
        def stage(self, batch: dict) -> dict:
            return batch

        def evaluate(self, *asked: object) -> Evaluation:
            return Evaluation({"logits": logits})

    net: Any = Net()
    found, loss = training.test(net, np.zeros((3, 1)), np.arange(3))
    assert found == pytest.approx(accuracy, nan_ok=True)
    assert math.isnan(loss) == (lost is not None)


@pytest.mark.parametrize("sides", [(), (2, 3)])
@pytest.mark.parametrize("way", [batches, drawn])
def test_images_keep_their_own_labels(way: Any, sides: tuple[int, ...]) -> None:
    """A label each, or one for each pixel."""
    x = np.arange(10.0).reshape(10, 1, 1, 1) * np.ones((1, *(sides or (1, 1)), 1))
    y = np.arange(10).reshape(10, *[1] * len(sides)) * np.ones((1, *sides), int)
    data = Prepared(x, y.reshape(10, *sides), x[:0], y[:0], {})
    for batch in way(data, 0, 4, 5):
        assert batch["y"].shape == (4, *sides)
        np.testing.assert_array_equal(
            batch["x"].reshape(4, -1)[:, 0], batch["y"].reshape(4, -1)[:, 0]
        )
