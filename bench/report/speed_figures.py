"""Figures of timings: ratios with their intervals, and the roofline of the machine."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from bench.contract import VARIANTS
from bench.report.drawing import INK, draw
from bench.report.style import in_order, look, title
from bench.timing.limits import Limits

Record = Mapping[str, Any]

MARKERS = dict(zip(VARIANTS, ("o", "D"), strict=True))
LIBRARY = ("^", "v", "P", "X")  # forms of a library, in the order of their names
TICKS = (0.1, 0.2, 0.5, 0.7, 1, 1.5, 2, 3, 5, 10, 20, 50, 100)
CLOSE = (0.6, 0.8, 0.9, 1.1, 1.2, 1.3)  # where all ratios are near 1
FAINT = 0.35
ACROSS = 120  # characters of a net's name that fit beside each other above the roofline
DODGE = 1.02  # between frameworks of one net, so that none hides another


def named(row: Record) -> str:
    """PyTorch native."""
    return f"{title(row['framework'])} {row['form']}"


def baseline(row: Record) -> str:
    """What the ratio is to: PyTorch eager."""
    framework, _, form = row["baseline"].partition(" ")
    return f"{title(framework)} {form}"


def ratios(rows: Sequence[Record], label: str) -> str | None:
    """A dot and its interval for each contestant, the fastest above; the band is the noise.

    Hollow: not told from the baseline. None where nothing has a ratio.
    """
    compared = sorted((r for r in rows if r["ratio"] is not None), key=lambda r: -r["ratio"])
    if not compared:
        return None

    def paint(axes: Axes) -> None:
        axes.axvline(1, color=INK, linewidth=1)
        floor = rows[0]["noise_floor"]
        axes.axvspan(1 / (1 + floor), 1 + floor, color=INK, alpha=0.09, linewidth=0)
        reached = [1.0, *(row["ratio"] for row in compared)]
        for place, row in enumerate(compared):
            colour = look(row["framework"]).colour
            ends = [row["ratio_low"], row["ratio_high"]]
            reached += ends
            axes.plot(ends, [place, place], color=colour, linewidth=2.4, alpha=0.55)
            axes.plot(
                row["ratio"], place, linestyle="", color=colour, markersize=6.5,
                marker=marker(row, rows),
                markerfacecolor=colour if row["judged"] and row["correct"] else "none",
            )  # fmt: skip
        axes.set_yticks(range(len(compared)), [_label(row) for row in compared])
        axes.set_ylim(-0.6, len(compared) - 0.4)
        axes.grid(visible=False, axis="y")
        axes.set_xscale("log")
        low, high = _span(reached)
        axes.set_xlim(low, high)
        ticks = [t for t in TICKS + (CLOSE if high < 3 * low else ()) if low < t < high]
        axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
        axes.xaxis.set_minor_locator(NullLocator())
        axes.set_xlabel(f"time over that of {baseline(rows[0])}; less is faster")

    return draw(paint, label, width=9.2, height=0.9 + 0.27 * len(compared))


def _label(row: Record) -> str:
    return named(row) + ("" if row["correct"] else " (wrong)")


def marker(row: Record, rows: Sequence[Record]) -> str:
    """One for each form: the variants', then those of the libraries."""
    forms = sorted({r["form"] for r in rows} - set(VARIANTS))
    marks = MARKERS | {form: LIBRARY[n % len(LIBRARY)] for n, form in enumerate(forms)}
    return marks[row["form"]]


def _span(values: Sequence[float]) -> tuple[float, float]:
    """A little more than the values reach, on a logarithmic axis."""
    low, high = min(values), max(values)
    rim = max(1.12, (high / low) ** 0.08)
    return low / rim, high * rim


def attained(rows: Sequence[Record]) -> Limits:
    """What the machine attains: medians over what was timed, each measured beside it."""
    machines = [row["machine"] for row in rows]
    return Limits(
        float(np.median([m["gemm_operations_per_second"] for m in machines])),
        float(np.median([m["stream_bytes_per_second"] for m in machines])),
    )


def roofline(rows: Sequence[Record], label: str) -> str:
    """Operations a second by operations a byte: every contestant below what the machine attains.

    A net's contestants stand at its intensity, its framework a little beside each other; its name
    stands above.
    """
    limits = attained(rows)
    ridge = limits.gemm / limits.stream
    left, right = _span([ridge / 2, *(row["intensity"] for row in rows)])
    bottom, _ = _span([row["operations_per_second"] for row in rows])
    top = max(limits.gemm, *(row["operations_per_second"] for row in rows))

    def paint(axes: Axes) -> None:
        at = np.geomspace(left, right, 200)
        axes.plot(at, [limits.attainable(x) for x in at], color=INK, linewidth=1.6)
        axes.fill_between(
            at, [limits.attainable(x) for x in at], 10 * top, color=INK, alpha=0.05, linewidth=0
        )
        axes.annotate(
            f"GEMM {limits.gemm / 1e9:.0f} GFLOP/s", (right, limits.gemm), ha="right",
            va="bottom", fontsize=9, xytext=(-4, 3), textcoords="offset points",
        )  # fmt: skip
        axes.annotate(
            f"stream\n{limits.stream / 1e9:.0f} GB/s", (left, limits.attainable(left)), ha="left",
            va="top", fontsize=9, xytext=(8, -2), textcoords="offset points",
        )  # fmt: skip
        frameworks = in_order({row["framework"] for row in rows})
        for row in rows:
            aside = DODGE ** (frameworks.index(row["framework"]) - (len(frameworks) - 1) / 2)
            axes.plot(
                row["intensity"] * aside, row["operations_per_second"], linestyle="", markersize=6,
                marker=marker(row, rows), color=look(row["framework"]).colour, alpha=0.85,
                markerfacecolor=look(row["framework"]).colour if row["correct"] else "none",
            )  # fmt: skip
        for net, intensity, level in _labels(rows, left, right):
            axes.axvline(intensity, color=INK, alpha=FAINT, linewidth=0.6, zorder=0)
            axes.annotate(
                net, (intensity, 1), ha="center", va="bottom", fontsize=8.5,
                xycoords=axes.get_xaxis_transform(), xytext=(0, 3 + 11 * level),
                textcoords="offset points", annotation_clip=False,
            )  # fmt: skip
        axes.set_xlim(left, right)
        axes.set_ylim(bottom, 1.35 * top)
        for axis, scale, unit in (
            (axes.xaxis, axes.set_xscale, 1),
            (axes.yaxis, axes.set_yscale, 1e9),
        ):
            scale("log")
            axis.set_major_locator(LogLocator(10, subs=(1, 2, 5)))
            axis.set_minor_locator(NullLocator())
            axis.set_major_formatter(FuncFormatter(lambda value, _, unit=unit: f"{value / unit:g}"))
        axes.set(xlabel="operations a byte, at most", ylabel="GFLOP/s")
        _legend(axes, rows)

    return draw(paint, label, width=9.2, height=5.2)


def _labels(rows: Sequence[Record], left: float, right: float) -> list[tuple[str, float, int]]:
    """Name, intensity and level of each net: the lowest one where no name meets another."""
    nets = sorted({(row["intensity"], row["net"].replace("_", " ")) for row in rows})
    ends: list[float] = []  # of the last name on each level, in characters from the left
    placed = []
    for intensity, net in nets:
        middle = ACROSS * math.log(intensity / left) / math.log(right / left)
        start, end = middle - len(net) / 2 - 1, middle + len(net) / 2 + 1
        level = next((n for n, taken in enumerate(ends) if taken <= start), len(ends))
        ends[level : level + 1] = [end]
        placed.append((net, intensity, level))
    return placed


def _legend(axes: Axes, rows: Sequence[Record]) -> None:
    """Colours say the framework, marks the form."""
    frameworks = in_order({row["framework"] for row in rows})
    forms = [v for v in VARIANTS if any(r["form"] == v for r in rows)]
    forms += sorted({row["form"] for row in rows} - set(VARIANTS))
    handles = [
        *(axes.plot([], [], "s", color=look(f).colour, markersize=7)[0] for f in frameworks),
        *(axes.plot([], [], marker({"form": f}, rows), color=INK, markersize=6)[0] for f in forms),
    ]
    axes.legend(
        handles, [*map(title, frameworks), *forms], ncols=len(handles), loc="upper center",
        bbox_to_anchor=(0.5, -0.12), fontsize=9, handlelength=1, columnspacing=1.3,
    )  # fmt: skip
