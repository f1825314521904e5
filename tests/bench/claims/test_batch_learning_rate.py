"""Best and largest usable rates of curves that are known."""

import math

from bench.claims.batch_learning_rate import GUESSING, RATES, best, largest_usable

NAN = math.nan


def test_the_best_rate_has_the_smallest_loss() -> None:
    assert best({0.01: 2.0, 0.1: 0.5, 1.0: 0.9}) == 0.1


def test_of_equal_losses_the_smaller_rate_is_best() -> None:
    assert best({0.1: 0.5, 0.01: 0.5}) == 0.01


def test_a_rate_that_diverged_is_never_best_nor_usable() -> None:
    losses = {0.01: 1.0, 0.1: NAN, 1.0: math.inf}
    assert best(losses) == 0.01
    assert largest_usable(losses) == 0.01


def test_usable_is_below_guessing_even_beyond_a_rate_that_is_not() -> None:
    assert largest_usable({0.01: 1.0, 0.1: GUESSING + 0.1, 1.0: GUESSING - 0.1}) == 1.0
    assert largest_usable({0.01: 1.0, 0.1: 2.0, 1.0: GUESSING}) == 0.1


def test_where_no_rate_is_usable_the_answer_lies_below_the_grid() -> None:
    losses = dict.fromkeys(RATES, NAN)
    assert 0 < largest_usable(losses) < min(RATES)
    assert math.isnan(losses[best(losses)])
