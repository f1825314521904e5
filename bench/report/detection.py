"""How often the regression gate is wrong, as a page shows it: rates, and the curve of detection."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

from bench import store
from bench.report.drawing import INK, draw
from bench.timing.gate import TRIALS


def page(trials: Path = TRIALS) -> dict[str, Any] | None:
    """The rates and the figure; None where no trial has been made."""
    if not trials.is_file():
        return None
    found = store.read(trials)
    planted = found["rates"]["detected"] if found["planted_ratio"] else None
    loads = [entry["load"] for entry in found["trials"]]
    return {
        **{k: found[k] for k in ("rates", "benchmark", "alpha", "cpu_model", "cores")},
        "slowdown": found["planted_ratio"] - 1 if planted else None,
        "share": max(entry["share"] for entry in found["trials"]),
        **{key: found["trials"][0][key] for key in ("allowed", "among")},
        "loads": [min(loads), max(loads)],
        "minutes": max(entry["seconds"] for entry in found["whole"]) / 60
        if found["whole"]
        else None,
        "figure": Markup(curve(found["curve"], found["planted_ratio"], planted)),
    }


def curve(
    points: Sequence[Mapping[str, Any]], ratio: float | None, planted: Mapping[str, Any] | None
) -> str:
    """Share of trials that are called slower by slowdown of the step, with 95 % intervals.

    Filled: the trials in which a slower layer was planted, as they were. The others are the same
    ones, moved and judged anew (bench/timing/gate/proof.py).
    """

    def paint(axes: Axes) -> None:
        at = [point["slowdown"] for point in points]
        axes.plot(at, [_share(point) for point in points], color=INK, marker="o", fillstyle="none")
        axes.fill_between(
            at,
            [point["low"] for point in points],
            [point["high"] for point in points],
            color=INK,
            alpha=0.09,
            linewidth=0,
        )
        if planted and ratio:
            axes.plot([ratio - 1] * 2, [planted["low"], planted["high"]], color=INK)
            axes.plot(ratio - 1, _share(planted), color=INK, marker="D", markersize=7)
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter(PercentFormatter(1, decimals=0, symbol=" %"))
        axes.set_ylim(-0.03, 1.03)
        axes.set(xlabel="how much longer a step lasts", ylabel="called slower")

    return draw(paint, "how often the gate calls a commit slower, by its slowdown", width=6.4)


def _share(rate: Mapping[str, Any]) -> float:
    return rate["count"] / rate["of"] if rate["of"] else 0.0
