"""The choice of a setting: by the mean over seeds, and never where a run diverged."""

import pytest

from bench import search
from bench.claim import Search
from bench.errors import ContractError


def tried(*scores: tuple[float, float | None]) -> list[dict[str, object]]:
    seeds: dict[float, int] = {}
    rows = []
    for value, score in scores:
        seeds[value] = seeds.get(value, -1) + 1
        rows.append({"arm": "plain", "value": value, "seed": seeds[value], "score": score})
    rows.append({"arm": "other", "value": 7.0, "seed": 0, "score": -100.0})
    return rows


def test_the_smallest_mean_is_chosen() -> None:
    scores = tried((0.1, 0.5), (0.1, 0.5), (1.0, 0.1), (1.0, 0.7))
    assert search.choose("plain", scores) == 1.0


def test_where_one_run_diverged_nothing_is_chosen() -> None:
    scores = tried((0.1, 0.5), (0.1, 0.5), (1.0, 0.1), (1.0, None))
    assert search.choose("plain", scores) == 0.1


def test_of_equal_values_the_smaller_is_chosen() -> None:
    assert search.choose("plain", tried((1.0, None), (0.1, None))) == 0.1
    assert search.choose("plain", tried((1.0, 0.5), (0.1, 0.5))) == 0.1


def test_every_arm_has_a_grid_of_the_same_size() -> None:
    with pytest.raises(ContractError, match="same size"):
        Search({"plain": (0.1, 1.0), "masked": (0.1,)}, "train_loss")
