"""Seaborn figures as inline SVG: text in the page's colour, the same bytes for the same data."""

import io
import re
from collections.abc import Callable, Sequence
from itertools import combinations

import matplotlib as mpl

mpl.use("svg")

import matplotlib.pyplot as plt
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes

from bench import inference
from bench.claim import Bound, Difference, Equivalent, Rule
from bench.report.style import look, title

INK = "#010203"  # replaced by currentColor, so that a figure follows the page into the dark
RULES = {
    "svg.fonttype": "none",
    "svg.hashsalt": "quatuor",
    "font.family": "sans-serif",
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.alpha": 0.2,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
    "legend.frameon": False,
    "lines.linewidth": 1.6,
}
COLOURED = ("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color")


def draw(paint: Callable[[Axes], None], name: str, height: float = 3.2) -> str:
    """An SVG element; `name` tells a reader who sees nothing what is drawn."""
    ink = dict.fromkeys((*COLOURED, "grid.color"), INK)
    with mpl.rc_context({**RULES, **ink}):
        figure, axes = plt.subplots(figsize=(7.2, height), layout="constrained")
        paint(axes)
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
        plt.close(figure)
    text = buffer.getvalue()
    text = text[text.index("<svg") :].replace(INK, "currentColor")
    # Elements without a colour of their own are black in SVG, ticks of log axes among them.
    label = name.replace("&", "and").replace("<", "").replace('"', "'")
    opened = f'<svg role="img" aria-label="{label}" fill="currentColor"'
    # Ids of several figures on one page must not meet.
    mark = re.sub(r"\W+", "-", name.lower())[:40]
    text = re.sub(r'(id="|url\(#|href="#)', rf"\g<1>{mark}-", text)
    return text.replace("<svg", opened, 1)


def learning(curves: pd.DataFrame, quantity: str, x: str, label: str, name: str, log: bool) -> str:
    """Mean over seeds with a band of one standard deviation, a line for each framework."""
    order = list(dict.fromkeys(curves["framework"]))
    table = curves.assign(framework=curves["framework"].map(title))

    def paint(axes: Axes) -> None:
        sns.lineplot(
            table,
            x=x,
            y=quantity,
            hue="framework",
            style="framework",
            palette=[look(f).colour for f in order],
            dashes=[look(f).dashes for f in order],
            markers=[look(f).marker for f in order] if x == "epoch" else False,
            errorbar="sd" if curves["seed"].nunique() > 1 else None,
            ax=axes,
        )
        axes.set(xlabel=x, ylabel=label, **({"yscale": "log"} if log else {}))
        axes.legend(title=None)
        if x == "epoch":
            axes.set_xticks(sorted(curves["epoch"].unique()))

    return draw(paint, name)


def evidence(rule: Rule, runs: pd.DataFrame, name: str) -> str | None:
    """The runs against their rule: what a reader needs to see to believe the verdict."""
    arm = runs[runs["arm"] == rule.arm].dropna(subset=[rule.metric])
    if arm.empty:
        return None
    if isinstance(rule, Equivalent):
        return _pairs(rule, arm, name)
    if isinstance(rule, Difference):
        both = runs[runs["arm"].isin([rule.arm, rule.baseline])]
        return _dots(both, rule.metric, "arm", name, None, False)
    limit = rule.limit if isinstance(rule, Bound) else rule.threshold
    return _dots(arm, rule.metric, None, name, limit, isinstance(rule, Bound))


def _dots(
    runs: pd.DataFrame, metric: str, split: str | None, name: str, limit: float | None, log: bool
) -> str:
    """A dot for each run, by framework."""
    order = list(dict.fromkeys(runs["framework"]))
    smallest = runs[metric][runs[metric] > 0].min()

    def paint(axes: Axes) -> None:
        for position, framework in enumerate(order):
            own = runs[runs["framework"] == framework]
            for offset, (_, part) in enumerate(own.groupby(split) if split else [("", own)]):
                values = part[metric].clip(lower=smallest / 3) if log else part[metric]
                spread = 0.25 * (pd.Series(range(len(values))) / max(len(values) - 1, 1) - 0.5)
                axes.scatter(
                    values,
                    position + 0.2 * offset + spread,
                    color=look(framework).colour,
                    marker=look(framework).marker,
                    s=30,
                    alpha=0.8,
                )
            if not log and not split:
                found = inference.interval(own[metric].tolist())
                if found.low > float("-inf"):
                    axes.plot([found.low, found.high], [position + 0.3] * 2, color=INK, lw=1.2)
                    axes.plot(found.mean, position + 0.3, "|", color=INK, ms=9)
        if limit is not None:
            axes.axvline(limit, color=INK, lw=1, ls="--")
            kind = "limit" if log else "threshold"
            axes.annotate(
                f"{kind} {limit:g}", (limit, 1), xycoords=("data", "axes fraction"), va="bottom",
                ha="center", fontsize=9,
            )  # fmt: skip
        axes.set_yticks(range(len(order)), [title(f) for f in order])
        axes.set(xlabel=metric.replace("_", " "), ylim=(len(order) - 0.4, -0.6))
        if log:
            axes.set_xscale("log")

    return draw(paint, name, 0.9 + 0.5 * len(order))


def _pairs(rule: Equivalent, arm: pd.DataFrame, name: str) -> str | None:
    """The paired difference of every two frameworks with its 90 % interval, and the margin."""
    wide = arm.pivot(index="seed", columns="framework", values=rule.metric).dropna()
    pairs = list(combinations(wide.columns, 2))
    if not pairs or len(wide) < 2:
        return None

    def paint(axes: Axes) -> None:
        axes.axvspan(-rule.margin, rule.margin, color=INK, alpha=0.07, lw=0)
        axes.axvline(0, color=INK, lw=0.8)
        for position, (first, second) in enumerate(pairs):
            found = inference.t_interval((wide[first] - wide[second]).tolist(), 0.90)
            axes.plot([found.low, found.high], [position] * 2, color=INK, lw=1.4)
            axes.plot(found.mean, position, "o", color=look(first).colour, ms=6)
        labels = [f"{title(a)} − {title(b)}" for a, b in pairs]
        axes.set_yticks(range(len(pairs)), labels)
        axes.set(
            xlabel=f"difference in {rule.metric} on shared seeds (90 % interval; band: the margin)",
            ylim=(len(pairs) - 0.4, -0.6),
            xlim=(-1.6 * rule.margin, 1.6 * rule.margin),
        )

    return draw(paint, name, 0.9 + 0.36 * len(pairs))


def ordered(names: Sequence[str], runs: pd.DataFrame) -> pd.DataFrame:
    """The rows of a table in the order of the report's columns."""
    rank = {name: position for position, name in enumerate(names)}
    return runs.sort_values("framework", key=lambda column: column.map(rank), kind="stable")
