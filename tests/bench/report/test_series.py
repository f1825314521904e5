"""The figures that a claim asks for, drawn from tables that the tests make."""

import math
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


def test_filters_are_scaled_to_their_own_largest_entry() -> None:
    table = pd.DataFrame(
        [
            {"arm": "a", "seed": 0, "framework": "numpy", "filter": f, "row": r, "column": c,
             "value": (f + 1) * (r - c)}
            for f in range(3) for r in range(4) for c in range(4)
        ]
    )  # fmt: skip
    strip = series._strip(table)
    assert strip.shape == (6, 18)
    assert (strip.min(), strip.max()) == (0.0, 1.0)
    np.testing.assert_allclose(strip[:, :6], strip[:, 6:12])
    ElementTree.fromstring(series.filters(table, Figure("f", "", kind="filters"), "toy"))


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
    svg = series.search(choice, "toy")
    assert ">learning rate<" in svg
    assert ">plain<" in svg
