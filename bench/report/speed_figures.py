"""Figures of timings: ratios with their intervals, and the roofline of the machine."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, NullLocator

from bench.contract import VARIANTS
from bench.report.drawing import INK, draw, logarithmic
from bench.report.style import in_order, look, title
from bench.timing.limits import Limits

Record = Mapping[str, Any]

MARKERS = dict(zip(VARIANTS, ("o", "D"), strict=True))
LIBRARY = ("^", "v", "P", "X")  # forms of a library, in the order of their names
TICKS = (0.1, 0.2, 0.5, 0.7, 1, 1.5, 2, 3, 5, 10, 20, 50, 100)
FAINT = 0.35


def named(row: Record) -> str:
    """PyTorch native."""
    return f"{title(row['framework'])} {row['form']}"


def ratios(rows: Sequence[Record], label: str) -> str | None:
    """A dot and its interval for each contestant, the fastest above; the band is the noise.

    Hollow: not told from the baseline. None where nothing has a ratio.
    """
    compared = sorted((r for r in rows if r["ratio"] is not None), key=lambda r: -r["ratio"])
    if not compared:
        return None

    def paint(axes: Axes) -> None:
        axes.axvline(1, color=INK, linewidth=1)
        if floor := rows[0]["noise_floor"]:
            axes.axvspan(1 / (1 + floor), 1 + floor, color=INK, alpha=0.09, linewidth=0)
        for place, row in enumerate(compared):
            colour = look(row["framework"]).colour
            ends = [end for end in (row["ratio_low"], row["ratio_high"]) if end is not None]
            if len(ends) == 2 and ends[0] > 0 and math.isfinite(ends[1]):
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
        low, high = _span([1.0, *(r["ratio"] for r in compared)])
        axes.set_xlim(low, high)
        ticks = [tick for tick in TICKS if low < tick < high]
        axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
        axes.xaxis.set_minor_locator(NullLocator())
        axes.set_xlabel(f"time over that of {rows[0]['baseline']}; less is faster")

    return draw(paint, label, width=6.4, height=0.9 + 0.27 * len(compared))


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


def roofline(rows: Sequence[Record], label: str) -> str:
    """Operations a second by operations a byte: every contestant below what the machine attains.

    All contestants of a net stand above each other; the names of the nets stand over them.
    """
    machines = [row["machine"] for row in rows]
    limits = Limits(
        float(np.median([m["gemm_operations_per_second"] for m in machines])),
        float(np.median([m["stream_bytes_per_second"] for m in machines])),
    )
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
        for row in rows:
            axes.plot(
                row["intensity"], row["operations_per_second"], linestyle="", markersize=6,
                marker=marker(row, rows), color=look(row["framework"]).colour, alpha=0.85,
                markerfacecolor=look(row["framework"]).colour if row["correct"] else "none",
            )  # fmt: skip
        for place, (net, intensity) in enumerate(_nets(rows)):
            axes.axvline(intensity, color=INK, alpha=FAINT, linewidth=0.6, zorder=0)
            axes.annotate(
                net.replace("_", " "), (intensity, top), ha="center", va="bottom", fontsize=8.5,
                xytext=(0, 20 + 11 * (place % 3)), textcoords="offset points",
                annotation_clip=False,
            )  # fmt: skip
        axes.set_xlim(left, right)
        axes.set_ylim(bottom, 1.6 * top)
        logarithmic(axes, "x")
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value / 1e9:g}"))
        axes.yaxis.set_minor_locator(NullLocator())
        axes.set(xlabel="operations a byte, at most", ylabel="GFLOP/s")
        _legend(axes, rows)

    return draw(paint, label, width=9.2, height=5.2)


def _nets(rows: Sequence[Record]) -> list[tuple[str, float]]:
    return sorted({(row["net"], row["intensity"]) for row in rows}, key=lambda pair: pair[1])


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
