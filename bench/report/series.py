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
from bench.report import pictures
from bench.report.drawing import INK, draw, logarithmic
from bench.report.gather import Gathered
from bench.report.style import ARM_COLOURS, ARM_DASHES, ARM_MARKERS

FEW = 12  # points of a line below which every one is marked
POINTS = 120  # of a line: more cannot be told apart at this width
BANDS = 4  # lines above which a band for each would hide them
ACROSS = 8  # filters in a row
HEIGHT = 3.2  # inches
WIDE = 10  # scores that span more than this factor are drawn on a logarithmic axis


def drawn(found: Gathered, claim: Claim) -> list[tuple[str, Markup]]:
    """Caption and figure of everything the claim wants to show and whose runs are there."""
    shown = []
    for number, figure in enumerate(claim.figures):
        table = _rows(found, claim, figure)
        if table.empty or not NEEDED.get(figure.kind, {figure.y}) <= set(table):
            continue
        label = f"{claim.name}, figure {number + 1}"
        shown.append((figure.caption, Markup(PAINTERS[figure.kind](table, figure, label))))
    return shown


def _rows(found: Gathered, claim: Claim, figure: Figure) -> pd.DataFrame:
    if figure.series == "runs":
        return found.runs_of(claim.name)
    return found.curves(claim.name, f"{figure.series}.csv")


def lines(table: pd.DataFrame, figure: Figure, label: str) -> str:
    """A line for each hue: the mean over seeds and frameworks, lowest to highest as a band.

    Where every run has places of its own (seconds), there is no mean: each run is a thin line. Many
    lines have no band, which would hide them.
    """
    table = table.dropna(subset=[figure.x, figure.y])
    for axis, column in (("x", figure.x), ("y", figure.y)):
        if axis in figure.log:
            table = table[table[column] > 0]
    apart = _apart(table, figure)
    table = table if apart else _thinned(table, figure)
    hues = _in_order(table[figure.hue])
    table = table.assign(**{figure.hue: table[figure.hue].map(_name)})
    names = [_name(hue) for hue in hues]
    looks = [_look(number) for number in range(len(names))]
    few = table[figure.x].nunique() <= FEW
    how: dict[str, Any] = {"err_kws": {"alpha": 0.13, "linewidth": 0}}
    how |= {"errorbar": ("pi", 100) if len(names) <= BANDS else None}
    if apart:
        how = {"units": "run", "estimator": None, "alpha": 0.6, "linewidth": 0.9}
        table = table.assign(run=table.groupby(_run(table, figure), sort=False).ngroup())

    def paint(axes: Axes) -> None:
        sns.lineplot(
            table,
            x=figure.x,
            y=figure.y,
            hue=figure.hue,
            style=figure.hue,
            hue_order=names,
            style_order=names,
            palette=[colour for colour, _, _ in looks],
            dashes=cast(Any, [dashes for _, dashes, _ in looks]),
            markers=cast(Any, [marker for _, _, marker in looks] if few and not apart else False),
            ax=axes,
            **how,
        )
        axes.set(xlabel=figure.x.replace("_", " "), ylabel=figure.y.replace("_", " "))
        numeric = pd.api.types.is_numeric_dtype(table[figure.x])
        for axis in ("x", "y"):
            if axis in figure.log:
                logarithmic(axes, axis)
            elif axis == "x" and numeric:
                whole = bool((table[figure.x] % 1 == 0).all())
                axes.xaxis.set_major_locator(MaxNLocator(6, integer=whole))
        _legend(axes, names)

    return draw(paint, label, height=HEIGHT + _more(names))


def _run(table: pd.DataFrame, figure: Figure) -> list[str]:
    """The columns that tell one run's line from another's."""
    known = [key for key in ("framework", "arm", "seed") if key in table]
    return list(dict.fromkeys([*known, figure.hue]))


def _apart(table: pd.DataFrame, figure: Figure) -> bool:
    """Whether the places of the runs are their own, so that no two can be averaged."""
    sizes = table.groupby(_run(table, figure), sort=False)[figure.x].nunique()
    return len(sizes) > 1 and table[figure.x].nunique() > 0.9 * sizes.sum()


def maps(table: pd.DataFrame, figure: Figure, label: str) -> str:
    """Scenes of one seed in one framework, and what was found in them."""
    rows = cast(list[dict[str, Any]], _one_seed(table).to_dict("records"))
    return pictures.sheet(rows, figure.classes, label)


def _one_seed(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of the first seed and framework."""
    first = table.iloc[0]
    return table[(table["seed"] == first["seed"]) & (table["framework"] == first["framework"])]


def filters(table: pd.DataFrame, figure: Figure, label: str) -> str:
    """The filters of one seed in one framework: small pictures, hue by hue."""
    one = _one_seed(table)
    hues = _in_order(one[figure.hue])
    sheets = [_sheet(one[one[figure.hue] == hue]) for hue in hues]
    width = max(sheet.shape[1] for sheet in sheets)
    space = width / 18  # for the name above a sheet

    def paint(axes: Axes) -> None:
        top = 0.0
        for sheet, hue in zip(sheets, hues, strict=True):
            top += space
            extent = (0.0, float(sheet.shape[1]), top + sheet.shape[0], top)
            axes.imshow(sheet, cmap="gray", vmin=0, vmax=1, extent=extent, interpolation="nearest")
            axes.annotate(_name(hue), (1, top), va="bottom", fontsize=9)
            top += sheet.shape[0]
        axes.set(xlim=(0, width), ylim=(top, 0))
        axes.set_axis_off()

    rows = sum(sheet.shape[0] + space for sheet in sheets)
    return draw(paint, label, height=min(9.0, 5.6 * rows / width))


def _sheet(table: pd.DataFrame) -> np.ndarray:
    """Rows of filters, each scaled to its own largest entry, 0 in the middle; no value between."""
    pictures = []
    for _, own in table.groupby("filter", sort=True):
        picture = own.pivot(index="row", columns="column", values="value").to_numpy()
        scaled = 0.5 + 0.5 * picture / max(float(np.abs(picture).max()), 1e-300)
        pictures.append(np.pad(scaled, 1, constant_values=np.nan))
    across = min(ACROSS, len(pictures))
    pictures += [np.full_like(pictures[0], np.nan)] * (-len(pictures) % across)
    return np.vstack(
        [np.hstack(pictures[first : first + across]) for first in range(0, len(pictures), across)]
    )


PAINTERS = {"line": lines, "filters": filters, "maps": maps}
NEEDED = {  # columns, of what is no line
    "filters": {"filter", "row", "column", "value"},
    "maps": {"scene", "column", "kind", "height", "width", "top", "pixels"},
}


def search(choice: Mapping[str, Any], label: str) -> list[str]:
    """The score of every value that was tried, by arm; the chosen ones are marked.

    Several figures where there are more arms than one can tell apart.
    """
    table = pd.DataFrame(choice["tried"]).dropna(subset=["score"])
    arms = _in_order(table["arm"])
    means = table.groupby(["arm", "value"])["score"].mean()
    count = -(-len(arms) // len(ARM_COLOURS))
    size = -(-len(arms) // max(count, 1))
    return [
        _searched(choice, means, arms[first : first + size], f"{label} {first // size + 1}")
        for first in range(0, len(arms), max(size, 1))
    ]


def _searched(choice: Mapping[str, Any], means: pd.Series, arms: Sequence[str], label: str) -> str:
    chosen: Mapping[str, float] = choice["chosen"]
    names = [_name(arm) for arm in arms]

    def paint(axes: Axes) -> None:
        for number, (arm, name) in enumerate(zip(arms, names, strict=True)):
            own = means[arm]
            colour, _, marker = _look(number)
            axes.plot(own.index, own, color=colour, marker=marker, ms=4, lw=1.2, label=name)
            if chosen[arm] in own.index:
                place = ([chosen[arm]], [own[chosen[arm]]])
                axes.plot(*place, "o", mfc="none", mec=INK, ms=11, mew=1.4)
        axes.set_xlabel(choice["setting"].replace("_", " "))
        axes.set_ylabel(choice["metric"].replace("_", " "))
        logarithmic(axes, "x")
        shown = means[means.index.get_level_values("arm").isin(arms)]
        if (shown > 0).all() and shown.max() > WIDE * shown.min():
            logarithmic(axes, "y")
        _legend(axes, names)

    return draw(paint, label, height=HEIGHT + _more(names))


def _thinned(table: pd.DataFrame, figure: Figure) -> pd.DataFrame:
    """Long numeric series become means of as many neighbours as leave POINTS points."""
    values = table[figure.x]
    if not pd.api.types.is_numeric_dtype(values) or values.nunique() <= POINTS:
        return table
    edges = np.linspace(values.min(), values.max(), POINTS + 1)
    if "x" in figure.log:
        edges = np.geomspace(values.min(), values.max(), POINTS + 1)
    block = np.clip(np.searchsorted(edges, values, side="right"), 1, POINTS)
    keys = _run(table, figure)
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
    return f"{hue:g}" if isinstance(hue, int | float) else str(hue).replace("_", " ")


def _look(number: int) -> tuple[str, Any, str]:
    """Colour, dashes and marker; when the colours begin again, with other dashes."""
    other = number + number // len(ARM_COLOURS)
    return (
        ARM_COLOURS[number % len(ARM_COLOURS)],
        ARM_DASHES[other % len(ARM_DASHES)],
        ARM_MARKERS[other % len(ARM_MARKERS)],
    )


def _columns(names: Sequence[str]) -> int:
    """As many as fit into the figure's width: a handle and a name each."""
    wide = 0.55 + 0.075 * max(map(len, names), default=0)  # inches
    return max(1, min(len(names), int(5.2 / wide)))


def _more(names: Sequence[str]) -> float:
    """Inches that the legend takes beyond its first row."""
    return 0.18 * (-(-len(names) // _columns(names)) - 1)


def _legend(axes: Axes, names: Sequence[str]) -> None:
    """Above the axes, where it hides no line."""
    axes.legend(
        title=None, ncols=_columns(names), loc="lower left", bbox_to_anchor=(-0.02, 1.0),
        fontsize=9, handlelength=2.4, columnspacing=1.2,
    )  # fmt: skip
