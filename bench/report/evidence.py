"""Every run against its rule, and the effects: what a reader needs to see to believe a verdict."""

import textwrap
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from bench import inference
from bench.hypothesis import AtLeast, Bound, Difference, Equivalent, Rule, Same, Within
from bench.report.drawing import INK, draw, logarithmic
from bench.report.style import in_order, look, title

ROW = 0.42  # inches
WIDTH = 56  # characters of a line below an axis
FAR = 100  # values that span more than this factor are drawn on a logarithmic axis


def runs_of(rule: Rule, runs: pd.DataFrame, measured: str, label: str) -> str | None:
    """The runs against their rule; `measured` says in words what the rule's metric is."""
    if rule.metric not in runs:  # no run has finished yet
        return None
    if isinstance(rule, Difference | Same):
        values = _gains(rule, runs)
        measured = f"{measured}: {rule.arm} minus {rule.baseline}, by seed"
    else:
        values = runs[runs["arm"] == rule.arm].rename(columns={rule.metric: "value"})
        values = values.dropna(subset=["value"])
    if values.empty:
        return None
    if isinstance(rule, Equivalent):
        return _pairs(rule, values, measured, label)
    if isinstance(rule, Bound) and _far_apart(values["value"].abs(), rule.limit):
        return _errors(values, rule.limit, measured, label)
    return _dots(values, rule, measured, label)


def _far_apart(sizes: pd.Series, limit: float) -> bool:
    """Whether runs and limit need a logarithmic axis: rounding errors do, shares do not."""
    shown = [limit, *sizes[sizes > 0]]
    return limit > 0 and (limit < 1 / FAR or max(shown) > FAR * min(shown))


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


def _dots(values: pd.DataFrame, rule: Rule, name: str, label: str) -> str:
    """Every run by framework, the limits, and below it the mean with its 95 % interval.

    A bound is about every single run: no mean is shown.
    """
    order = in_order(values["framework"].unique())

    def paint(axes: Axes) -> None:
        for row, framework in enumerate(order):
            own = values.loc[values["framework"] == framework, "value"]
            _scattered(axes, framework, own, row - 0.1)
            found = inference.interval(own.tolist())
            if len(own) > 1 and not isinstance(rule, Bound):
                axes.plot([found.low, found.high], [row + 0.25] * 2, color=INK, lw=1.2)
                axes.plot(found.mean, row + 0.25, "|", color=INK, ms=8)
        _limits(axes, rule)
        _rows(axes, [title(f) for f in order])
        _measured(axes, name)

    return draw(paint, label, height=0.95 + 1.2 * ROW * len(order) + _more(name))


def _limits(axes: Axes, rule: Rule) -> None:
    if isinstance(rule, Within):
        _band(axes, rule.low, rule.high)
    elif isinstance(rule, Same):
        _margin(axes, rule.margin)
    elif isinstance(rule, Difference):
        _line_at(axes, 0, "0")
    elif isinstance(rule, AtLeast):
        _line_at(axes, rule.threshold, f"{rule.threshold:g}")
    elif isinstance(rule, Bound):
        _line_at(axes, rule.limit, f"limit {rule.limit:g}")


def _errors(values: pd.DataFrame, limit: float, name: str, label: str) -> str:
    """Every run by framework on a logarithmic axis that has a place for exactly 0."""
    order = in_order(values["framework"].unique())
    sizes = values["value"].abs()
    smallest = min([limit, *sizes[sizes > 0]])
    zero = smallest / 30 if (sizes == 0).any() else None

    def paint(axes: Axes) -> None:
        for row, framework in enumerate(order):
            own = sizes[values["framework"] == framework]
            _scattered(axes, framework, own.where(own > 0, zero), row)
        _line_at(axes, limit, f"limit {limit:g}")
        _rows(axes, [title(f) for f in order])
        _measured(axes, name)
        axes.set_xlim((zero or smallest) / 5, 5 * max(limit, sizes.max()))
        logarithmic(axes, "x", zero)

    return draw(paint, label, height=0.95 + ROW * len(order) + _more(name))


def _pairs(rule: Equivalent, arm: pd.DataFrame, name: str, label: str) -> str | None:
    """The paired difference of every two frameworks with its 90 % interval, and the margin."""
    name = f"{name}: difference on shared seeds"
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
        _measured(axes, name)

    return draw(paint, label, height=0.95 + 0.8 * ROW * len(pairs) + _more(name))


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
    axes.axvline(0, color=INK, lw=0.8)
    _band(axes, -margin, margin, sign="+")


def _band(axes: Axes, low: float, high: float, sign: str = "") -> None:
    axes.xaxis.set_major_locator(MaxNLocator(5))
    axes.axvspan(low, high, color=INK, alpha=0.07, lw=0)
    for side in (low, high):
        _line_at(axes, side, f"{side:{sign}g}")


def _measured(axes: Axes, name: str) -> None:
    """What is measured, in as many lines as that takes."""
    axes.set_xlabel("\n".join(textwrap.wrap(name, WIDTH)))


def _more(name: str) -> float:
    """Inches that a name takes beyond its first line."""
    return 0.17 * (len(textwrap.wrap(name, WIDTH)) - 1)


def _line_at(axes: Axes, place: float, text: str) -> None:
    axes.axvline(place, color=INK, lw=0.9, ls=(0, (4, 3)))
    axes.annotate(
        text, (place, 1), xycoords=("data", "axes fraction"), va="bottom", ha="center", fontsize=9
    )
