"""The figures that a claim asks for, drawn from tables that the tests make."""

import math
import re
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest

from bench.claim import Figure
from bench.report import series


def rows(x: list[float], hues: list[str | float], hue: str = "arm") -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "framework": framework,
                "arm": "a",
                "seed": seed,
                hue: h,
                "step": step,
                "loss": 1 / step,
            }
            for framework in ("numpy", "jax")
            for seed in (0, 1)
            for h in hues
            for step in x
        ]
    )


@pytest.mark.parametrize("log", ["", "x", "y", "xy"])
def test_lines_name_their_axes_and_every_arm(log: str) -> None:
    figure = Figure("curve", "", log=log)  # type: ignore[arg-type]
    svg = series.lines(rows([1, 2, 4, 8], ["plain", "masked"]), figure, "toy")
    ElementTree.fromstring(svg)
    for text in ("step", "loss", "plain", "masked"):
        assert f">{text}<" in svg
    assert "var(--a-0)" in svg
    assert "var(--a-1)" in svg


def test_ids_of_long_labels_that_begin_alike_do_not_meet() -> None:
    figure, table = Figure("curve", ""), rows([1, 2, 4, 8], ["plain"])
    ids = [
        set(
            re.findall(r' id="([^"]+)"', series.lines(table, figure, f"{'a long label ' * 9}{end}"))
        )
        for end in ("every run", "effects")
    ]
    assert ids[0]
    assert not ids[0] & ids[1]


def test_a_number_may_tell_the_lines_apart() -> None:
    figure = Figure("curve", "", hue="depth")
    svg = series.lines(rows([1, 2, 3], [20, 3], hue="depth"), figure, "toy")
    assert svg.index(">3<") < svg.index(">20<")


def test_what_a_logarithm_cannot_show_is_left_out() -> None:
    table = rows([1, 2, 3], ["plain"])
    table.loc[0, "loss"] = 0.0
    table.loc[1, "loss"] = math.nan
    series.lines(table, Figure("curve", "", log="y"), "toy")


def test_long_lines_become_means_of_neighbours() -> None:
    long = rows([float(step) for step in range(1, 1001)], ["plain"])
    thin = series._thinned(long, Figure("curve", ""))
    assert thin["step"].nunique() == series.POINTS
    assert thin["loss"].mean() == pytest.approx(long["loss"].mean(), rel=0.05)


def filters(count: int) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {"arm": "a", "seed": 0, "framework": "numpy", "filter": f, "row": r, "column": c,
             "value": (f + 1) * (r - c)}
            for f in range(count) for r in range(4) for c in range(4)
        ]
    )  # fmt: skip


def test_filters_are_scaled_to_their_own_largest_entry() -> None:
    sheet = series._sheet(filters(3))
    assert sheet.shape == (6, 18)
    assert (np.nanmin(sheet), np.nanmax(sheet)) == (0.0, 1.0)
    assert np.isnan(sheet[0]).all()
    np.testing.assert_allclose(sheet[:, :6], sheet[:, 6:12])
    ElementTree.fromstring(series.filters(filters(3), Figure("f", "", kind="filters"), "toy"))


def test_many_filters_take_several_rows() -> None:
    assert series._sheet(filters(series.ACROSS + 1)).shape == (12, 6 * series.ACROSS)


def axes_of(svg: str) -> float:
    """Width of what the axes are drawn on, in points: the longest horizontal line."""
    lines = re.findall(r'd="M (\S+) (\S+) \nL (\S+) (\S+) \n"', svg)
    return max(float(x2) - float(x1) for x1, y1, x2, y2 in lines if y1 == y2)


def test_a_long_legend_leaves_the_axes_their_width() -> None:
    names: list[str | float] = [f"backward, a longer name {n}" for n in range(8)]
    svg = series.lines(rows([1, 2, 3], names), Figure("curve", ""), "toy")
    assert axes_of(svg) > 0.8 * 5.6 * 72


def test_a_ninth_line_does_not_look_like_the_first() -> None:
    looks = [series._look(number) for number in range(16)]
    assert len(set(looks)) == 16


def test_runs_with_places_of_their_own_are_not_averaged() -> None:
    table = rows([1, 2, 3, 4], ["plain"])
    assert not series._apart(table, Figure("curve", ""))
    clock = table.assign(step=table["step"] * (1 + 0.1 * table["seed"] + 0.01 * table.index))
    assert series._apart(clock, Figure("curve", ""))
    svg = series.lines(clock, Figure("curve", ""), "toy")
    assert svg.count("stroke: var(--a-0)") == 4 + 1  # four runs, and the legend's line


def test_steps_are_counted_in_whole_numbers() -> None:
    svg = series.lines(rows([1, 2, 3], ["plain"]), Figure("curve", ""), "toy")
    assert ">1.5<" not in svg


def test_the_search_shows_what_was_tried_and_chosen() -> None:
    tried = [
        {"arm": arm, "value": value, "seed": 0, "score": None if value == 1.0 else 1 / value}
        for arm in ("plain", "masked")
        for value in (0.01, 0.1, 1.0)
    ]
    choice = {
        "tried": tried,
        "chosen": {"plain": 0.1, "masked": 0.01},
        "setting": "learning_rate",
        "metric": "train_loss",
    }
    (svg,) = series.search(choice, "toy")
    assert ">learning rate<" in svg
    assert ">plain<" in svg


def test_a_search_of_many_arms_is_drawn_in_parts() -> None:
    arms = [f"arm_{n}" for n in range(17)]
    choice = {
        "tried": [
            {"arm": arm, "value": v, "seed": 0, "score": 1.0} for arm in arms for v in (1, 2)
        ],
        "chosen": dict.fromkeys(arms, 1),
        "setting": "learning_rate",
        "metric": "train_loss",
    }
    drawn = series.search(choice, "toy")
    assert len(drawn) == 3
    assert sum(svg.count(">arm ") for svg in drawn) == 17
