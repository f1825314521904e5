"""Counts of steps to a loss."""

import math

import pytest

from bench.training import Arrival, Fit, at_most


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
