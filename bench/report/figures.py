"""The figures of a claim: how it learned, every run against its rule, the effects."""

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any, cast

import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from bench import inference
from bench.claim import AtLeast, Bound, Difference, Equivalent, Rule, Same
from bench.report.drawing import INK, draw, logarithmic
from bench.report.style import in_order, look, title

POINTS = 120  # of a curve: more cannot be told apart at this width
ROW = 0.42  # inches


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


def evidence(rule: Rule, runs: pd.DataFrame, label: str) -> str | None:
    """The runs against their rule: what a reader needs to see to believe the verdict."""
    if rule.metric not in runs:  # no run has finished yet
        return None
    if isinstance(rule, Difference | Same):
        values, limit = _gains(rule, runs), 0.0
    else:
        values = runs[runs["arm"] == rule.arm].rename(columns={rule.metric: "value"})
        values = values.dropna(subset=["value"])
        limit = rule.limit if isinstance(rule, Bound) else getattr(rule, "threshold", None)
    if values.empty:
        return None
    if isinstance(rule, Equivalent):
        return _pairs(rule, values, label)
    name = rule.metric.replace("_", " ")
    if isinstance(rule, Bound):
        return _errors(values, rule.limit, name, label)
    if isinstance(rule, Difference | Same):
        name = f"{name}: {rule.arm} minus {rule.baseline}, by seed"
    return _dots(values, limit, name, label)


def _gains(rule: Difference | Same, runs: pd.DataFrame) -> pd.DataFrame:
    """Arm minus baseline on the same seed of the same framework."""
    keys = ["framework", "seed"]
    arm, baseline = (
        runs[runs["arm"] == name].set_index(keys)[rule.metric] for name in (rule.arm, rule.baseline)
    )
    return (arm - baseline).dropna().rename("value").reset_index()


def _rows(axes: Axes, labels: Sequence[str]) -> None:
    axes.set_yticks(range(len(labels)), labels)
    axes.set_ylim(len(labels) - 0.4, -0.6)
    axes.grid(False, axis="y")


def _scattered(axes: Axes, framework: str, values: pd.Series, row: float) -> None:
    """A dot for each run, spread over the row's height in the order of the seeds."""
    spread = [0.3 * (i / max(len(values) - 1, 1) - 0.5) for i in range(len(values))]
    axes.scatter(
        values, [row + s for s in spread], color=look(framework).colour,
        marker=look(framework).marker, s=26, alpha=0.85, linewidth=0,
    )  # fmt: skip


def _dots(values: pd.DataFrame, limit: float | None, name: str, label: str) -> str:
    """Every run by framework, the mean with its 95 % interval below, and the threshold."""
    order = in_order(values["framework"].unique())

    def paint(axes: Axes) -> None:
        for row, framework in enumerate(order):
            own = values.loc[values["framework"] == framework, "value"]
            _scattered(axes, framework, own, row - 0.1)
            found = inference.interval(own.tolist())
            if len(own) > 1:
                axes.plot([found.low, found.high], [row + 0.25] * 2, color=INK, lw=1.2)
                axes.plot(found.mean, row + 0.25, "|", color=INK, ms=8)
        if limit is not None:
            _line_at(axes, limit, f"{limit:g}")
        _rows(axes, [title(f) for f in order])
        axes.set_xlabel(name)

    return draw(paint, label, height=0.95 + 1.2 * ROW * len(order))


def _errors(values: pd.DataFrame, limit: float, name: str, label: str) -> str:
    """Every run by framework on a logarithmic axis that has a place for exactly 0."""
    order = in_order(values["framework"].unique())
    sizes = values["value"].abs()
    zero = min(limit, sizes[sizes > 0].min()) / 30 if (sizes == 0).any() else None

    def paint(axes: Axes) -> None:
        for row, framework in enumerate(order):
            own = sizes[values["framework"] == framework]
            _scattered(axes, framework, own.where(own > 0, zero), row)
        _line_at(axes, limit, f"limit {limit:g}")
        _rows(axes, [title(f) for f in order])
        axes.set_xlabel(name)
        low = zero or min(limit, sizes.min())
        axes.set_xlim(low / 5, 5 * max(limit, sizes.max()))
        logarithmic(axes, "x", zero)

    return draw(paint, label, height=0.95 + ROW * len(order))


def _pairs(rule: Equivalent, arm: pd.DataFrame, label: str) -> str | None:
    """The paired difference of every two frameworks with its 90 % interval, and the margin."""
    wide = arm.pivot(index="seed", columns="framework", values="value").dropna()
    pairs = list(combinations(in_order(wide.columns), 2))
    if not pairs or len(wide) < 2:
        return None

    def paint(axes: Axes) -> None:
        for row, (first, second) in enumerate(pairs):
            gap = wide[first] - wide[second]
            found = inference.t_interval(gap.tolist(), 0.90)
            axes.scatter(gap, [row] * len(gap), color=INK, s=9, alpha=0.35, linewidth=0)
            axes.plot([found.low, found.high], [row] * 2, color=INK, lw=1.5)
            axes.plot(found.mean, row, "o", color=INK, ms=5)
        _margin(axes, rule.margin)
        _rows(axes, [f"{title(a)} − {title(b)}" for a, b in pairs])
        axes.set_xlabel(f"difference in {rule.metric.replace('_', ' ')} on shared seeds")

    return draw(paint, label, height=0.95 + 0.8 * ROW * len(pairs))


def forest(rule: AtLeast | Difference, records: Sequence[Mapping[str, Any]], label: str) -> str:
    """The effect with its interval: pooled, then each framework's own."""

    def paint(axes: Axes) -> None:
        for row, record in enumerate(records):
            style = look(record["framework"])
            pooled = record["framework"] == "pooled"
            colour, marker = (INK, "D") if pooled else (style.colour, style.marker)
            if record["low"] is not None and record["high"] is not None:
                span = [record["low"], record["high"]]
                axes.plot(span, [row] * 2, color=colour, lw=2.4 if pooled else 1.5)
            axes.plot(record["effect"], row, marker, color=colour, ms=8 if pooled else 6)
        _margin(axes, rule.smallest_effect)
        _rows(axes, [title(r["framework"]) for r in records])
        claimed = f"mean minus {rule.threshold:g}" if isinstance(rule, AtLeast) else "as claimed"
        axes.set_xlabel(f"effect ({claimed}), with its 95 % interval")

    return draw(paint, label, height=0.95 + ROW * len(records))


def _margin(axes: Axes, margin: float) -> None:
    """A band from minus to plus the margin, and a line at 0."""
    axes.xaxis.set_major_locator(MaxNLocator(5))
    axes.axvspan(-margin, margin, color=INK, alpha=0.07, lw=0)
    axes.axvline(0, color=INK, lw=0.8)
    for side in (-margin, margin):
        _line_at(axes, side, f"{side:+g}")


def _line_at(axes: Axes, place: float, text: str) -> None:
    axes.axvline(place, color=INK, lw=0.9, ls=(0, (4, 3)))
    axes.annotate(
        text, (place, 1), xycoords=("data", "axes fraction"), va="bottom", ha="center", fontsize=9
    )


def _line(dashes: tuple[float, ...] | str) -> Any:
    return (0, dashes) if dashes else "-"


def _named(axes: Axes) -> None:
    """Full names in a legend above the axes, where it hides no curve."""
    handles, names = axes.get_legend_handles_labels()
    axes.legend(
        handles, [title(n) for n in names], title=None, ncols=4, loc="lower left",
        bbox_to_anchor=(-0.02, 1.0), fontsize=9, handlelength=2.4, columnspacing=1.2,
    )  # fmt: skip
