"""The figures a claim asks for (bench.claim.Figure), and that of its search."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

import numpy as np
import pandas as pd
import seaborn as sns
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from bench.claim import Claim, Figure
from bench.report.drawing import INK, draw, logarithmic
from bench.report.gather import Gathered
from bench.report.style import ARM_COLOURS, ARM_DASHES, ARM_MARKERS

FEW = 12  # points of a line below which every one is marked
POINTS = 120  # of a line: more cannot be told apart at this width
WIDE = 30  # scores that span more than this factor are drawn on a logarithmic axis


def drawn(found: Gathered, claim: Claim) -> list[tuple[str, Markup]]:
    """Caption and figure of everything the claim wants to show and whose runs are there."""
    pictures = []
    for number, figure in enumerate(claim.figures):
        table = _rows(found, claim, figure)
        needed = {"filter", "row", "column", "value"} if figure.kind == "filters" else {figure.y}
        if table.empty or not needed <= set(table):
            continue
        label = f"{claim.name}, figure {number + 1}"
        paint = filters if figure.kind == "filters" else lines
        pictures.append((figure.caption, Markup(paint(table, figure, label))))
    return pictures


def _rows(found: Gathered, claim: Claim, figure: Figure) -> pd.DataFrame:
    if figure.series == "runs":
        return found.runs_of(claim.name)
    return found.curves(claim.name, f"{figure.series}.csv")


def lines(table: pd.DataFrame, figure: Figure, label: str) -> str:
    """A line for each hue: the mean over seeds and frameworks, lowest to highest as a band."""
    table = table.dropna(subset=[figure.x, figure.y])
    for axis, column in (("x", figure.x), ("y", figure.y)):
        if axis in figure.log:
            table = table[table[column] > 0]
    table = _thinned(table, figure)
    hues = _in_order(table[figure.hue])
    table = table.assign(**{figure.hue: table[figure.hue].map(_name)})
    names = [_name(hue) for hue in hues]
    few = table[figure.x].nunique() <= FEW

    def paint(axes: Axes) -> None:
        sns.lineplot(
            table,
            x=figure.x,
            y=figure.y,
            hue=figure.hue,
            style=figure.hue,
            hue_order=names,
            style_order=names,
            palette=[ARM_COLOURS[i % len(ARM_COLOURS)] for i in range(len(names))],
            dashes=cast(Any, [ARM_DASHES[i % len(ARM_DASHES)] for i in range(len(names))]),
            markers=cast(
                Any,
                [ARM_MARKERS[i % len(ARM_MARKERS)] for i in range(len(names))] if few else False,
            ),
            errorbar=("pi", 100),
            err_kws={"alpha": 0.13, "linewidth": 0},
            ax=axes,
        )
        axes.set(xlabel=figure.x.replace("_", " "), ylabel=figure.y.replace("_", " "))
        numeric = pd.api.types.is_numeric_dtype(table[figure.x])
        for axis in ("x", "y"):
            if axis in figure.log:
                logarithmic(axes, axis)
            elif axis == "x" and numeric:
                axes.xaxis.set_major_locator(MaxNLocator(6))
        _legend(axes, len(names))

    return draw(paint, label)


def filters(table: pd.DataFrame, figure: Figure, label: str) -> str:
    """The filters of one seed in one framework, a row of small pictures for each hue."""
    first = table.iloc[0]
    one = table[(table["seed"] == first["seed"]) & (table["framework"] == first["framework"])]
    hues = _in_order(one[figure.hue])
    strips = [_strip(one[one[figure.hue] == hue]) for hue in hues]
    width = max(strip.shape[1] for strip in strips)

    def paint(axes: Axes) -> None:
        top = 0
        for strip, hue in zip(strips, hues, strict=True):
            extent = (0.0, float(strip.shape[1]), top + float(strip.shape[0]), float(top))
            axes.imshow(strip, cmap="gray", vmin=0, vmax=1, extent=extent, interpolation="nearest")
            axes.annotate(_name(hue), (0, top), va="bottom", fontsize=9)
            top += strip.shape[0] + 6
        axes.set(xlim=(0, width), ylim=(top, -5))
        axes.set_axis_off()

    rows = sum(strip.shape[0] + 6 for strip in strips)
    return draw(paint, label, height=min(8.0, 0.3 + 5.6 * rows / width))


def _strip(table: pd.DataFrame) -> np.ndarray:
    """(height, width of all): each filter scaled to its own largest entry, 0 in the middle."""
    pictures = []
    for _, own in table.groupby("filter", sort=True):
        picture = own.pivot(index="row", columns="column", values="value").to_numpy()
        scaled = 0.5 + 0.5 * picture / max(float(np.abs(picture).max()), 1e-300)
        pictures.append(np.pad(scaled, 1, constant_values=0.5))
    return np.hstack(pictures)


def search(choice: Mapping[str, Any], label: str) -> str:
    """The score of every value that was tried, by arm; the chosen ones are marked."""
    table = pd.DataFrame(choice["tried"]).dropna(subset=["score"])
    chosen: Mapping[str, float] = choice["chosen"]
    arms = _in_order(table["arm"])
    means = table.groupby(["arm", "value"])["score"].mean()

    def paint(axes: Axes) -> None:
        for number, arm in enumerate(arms):
            own = means[arm]
            colour = ARM_COLOURS[number % len(ARM_COLOURS)]
            marker = ARM_MARKERS[number % len(ARM_MARKERS)]
            axes.plot(own.index, own, color=colour, marker=marker, ms=4, lw=1.2, label=arm)
            if chosen[arm] in own.index:
                place = ([chosen[arm]], [own[chosen[arm]]])
                axes.plot(*place, "o", mfc="none", mec=INK, ms=11, mew=1.4)
        axes.set_xlabel(choice["setting"].replace("_", " "))
        axes.set_ylabel(choice["metric"].replace("_", " "))
        logarithmic(axes, "x")
        if (means > 0).all() and means.max() > WIDE * means.min():
            logarithmic(axes, "y")
        _legend(axes, len(arms))

    return draw(paint, label)


def _thinned(table: pd.DataFrame, figure: Figure) -> pd.DataFrame:
    """Long numeric series become means of as many neighbours as leave POINTS points."""
    values = table[figure.x]
    if not pd.api.types.is_numeric_dtype(values) or values.nunique() <= POINTS:
        return table
    edges = np.linspace(values.min(), values.max(), POINTS + 1)
    if "x" in figure.log:
        edges = np.geomspace(values.min(), values.max(), POINTS + 1)
    block = np.clip(np.searchsorted(edges, values, side="right"), 1, POINTS)
    keys = list(
        dict.fromkeys([key for key in ("framework", "arm", "seed") if key in table] + [figure.hue])
    )
    groups = table.groupby([*keys, pd.Series(block, index=table.index, name="block")], sort=False)
    means = groups[[figure.x, figure.y]].mean().reset_index()
    middles = (edges[:-1] + edges[1:]) / 2
    return means.assign(**{figure.x: middles[means["block"].to_numpy() - 1]})


def _in_order(values: pd.Series) -> Sequence[Any]:
    """Numbers by size, words in the order in which they come."""
    distinct = values.drop_duplicates()
    if pd.api.types.is_numeric_dtype(values):
        distinct = distinct.sort_values()
    return distinct.tolist()


def _name(hue: Any) -> str:
    return f"{hue:g}" if isinstance(hue, int | float) else str(hue)


def _legend(axes: Axes, entries: int) -> None:
    """Above the axes, where it hides no line."""
    axes.legend(
        title=None, ncols=min(entries, 4), loc="lower left", bbox_to_anchor=(-0.02, 1.0),
        fontsize=9, handlelength=2.4, columnspacing=1.2,
    )  # fmt: skip
