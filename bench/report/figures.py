"""How a claim's nets learned, framework by framework."""

from typing import Any, cast

import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from bench.report.drawing import INK, draw, logarithmic
from bench.report.style import in_order, look, title

POINTS = 120  # of a curve: more cannot be told apart at this width


def loss(curves: pd.DataFrame, quantity: str, label: str) -> str:
    """Mean over seeds by step, with a band from the lowest to the highest seed, per framework."""
    table = thinned(curves, quantity)
    order = in_order(table["framework"].unique())

    def paint(axes: Axes) -> None:
        sns.lineplot(
            table,
            x="step",
            y=quantity,
            hue="framework",
            style="framework",
            hue_order=order,
            style_order=order,
            palette=[look(f).colour for f in order],
            dashes=cast(Any, [look(f).dashes for f in order]),
            errorbar=("pi", 100) if table["seed"].nunique() > 1 else None,
            err_kws={"alpha": 0.13, "linewidth": 0},
            ax=axes,
        )
        axes.set(xlabel="step", ylabel=quantity.replace("_", " "))
        axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
        if table[quantity].min() > 0:
            logarithmic(axes, "y")
        _named(axes)

    return draw(paint, label)


def accuracy(tests: pd.DataFrame, quantity: str, label: str) -> str:
    """Mean over seeds after every epoch, with a bar from the lowest to the highest seed."""
    order = in_order(tests["framework"].unique())

    def paint(axes: Axes) -> None:
        sns.pointplot(
            tests,
            x="epoch",
            y=quantity,
            hue="framework",
            hue_order=order,
            palette=[look(f).colour for f in order],
            markers=[look(f).marker for f in order],
            markersize=5,
            linewidth=1.3,
            linestyles=[_line(look(f).dashes) for f in order],
            dodge=cast(Any, 0.08 * len(order) if len(order) > 1 else False),
            errorbar=("pi", 100) if tests["seed"].nunique() > 1 else None,
            err_kws={"linewidth": 1.1},
            ax=axes,
        )
        axes.set(xlabel="epoch", ylabel=quantity.replace("_", " "))
        axes.xaxis.set_major_locator(MaxNLocator(10, integer=True))
        _named(axes)

    return draw(paint, label)


def apart(curves: pd.DataFrame, quantity: str, label: str) -> str | None:
    """How far the frameworks' losses lie apart on the same seed and batch, relative, by step."""
    keys = ["arm", "seed", "step"]
    groups = curves.dropna(subset=[quantity]).groupby(keys)[quantity]
    spread = ((groups.max() - groups.min()) / groups.mean())[groups.size() > 1]
    if not (spread > 0).any():
        return None
    table = thinned(spread[spread > 0].rename("apart").reset_index(), "apart")

    def paint(axes: Axes) -> None:
        several = ("pi", 100) if table["seed"].nunique() > 1 else None
        sns.lineplot(
            table, x="step", y="apart", color=INK, errorbar=several,
            err_kws={"alpha": 0.13, "linewidth": 0}, ax=axes,
        )  # fmt: skip
        axes.set(xlabel="step", ylabel=f"relative spread of {quantity.replace('_', ' ')}")
        axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
        logarithmic(axes, "y")

    return draw(paint, label)


def thinned(curves: pd.DataFrame, quantity: str) -> pd.DataFrame:
    """At most POINTS points a curve: means of as many steps as that takes."""
    size = -(-int(curves["step"].max()) // POINTS)
    keys = [key for key in ("framework", "arm", "seed") if key in curves]
    block = (curves["step"] - 1) // size
    table = curves.groupby([*keys, block.rename("block")], sort=True, as_index=False)
    return table.agg({"step": "mean", quantity: "mean"})


def _line(dashes: tuple[float, ...] | str) -> Any:
    return (0, dashes) if dashes else "-"


def _named(axes: Axes) -> None:
    """Full names in a legend above the axes, where it hides no curve."""
    handles, names = axes.get_legend_handles_labels()
    axes.legend(
        handles, [title(n) for n in names], title=None, ncols=4, loc="lower left",
        bbox_to_anchor=(-0.02, 1.0), fontsize=9, handlelength=2.4, columnspacing=1.2,
    )  # fmt: skip
