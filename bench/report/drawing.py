"""From axes to inline SVG: text in the page's colour, the same bytes for the same data.

Colours are stand-ins while Matplotlib draws; in the page they are custom properties, so that a
figure follows the page into the dark.
"""

import html
import io
import math
import re
import zlib
from collections.abc import Callable
from typing import Any, Literal, cast

import matplotlib as mpl

mpl.use("svg")

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from bench.report.style import ARM_COLOURS, LOOKS, OTHER

INK = "#010203"  # becomes currentColor
RULES = {
    "svg.fonttype": "none",
    "svg.hashsalt": "quatuor",
    "font.family": "sans-serif",
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.alpha": 0.16,
    "grid.linewidth": 0.7,
    "axes.linewidth": 0.7,
    "xtick.major.width": 0.7,
    "ytick.major.width": 0.7,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
    "legend.frameon": False,
    "lines.linewidth": 1.6,
    **dict.fromkeys(
        (
            *("text.color", "axes.labelcolor", "axes.edgecolor", "grid.color"),
            *("xtick.color", "ytick.color"),
        ),
        INK,
    ),
}
LONG = 50  # characters of an id
SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def draw(paint: Callable[[Axes], None], label: str, width: float = 5.6, height: float = 3.2) -> str:
    """An SVG element of so many inches; `label` tells a reader who sees nothing what is drawn."""
    with mpl.rc_context(cast(Any, RULES)):
        figure, axes = plt.subplots(figsize=(width, height), layout="constrained")
        paint(axes)
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
        plt.close(figure)
    text = buffer.getvalue()
    text = text[text.index("<svg") :].replace(INK, "currentColor")
    for look in (*LOOKS.values(), OTHER):
        text = text.replace(look.colour, f"var(--p-{look.key})")
    for number, colour in enumerate(ARM_COLOURS):
        text = text.replace(colour, f"var(--a-{number})")
    # Ids of several figures on one page must not meet.
    mark = re.sub(r"\W+", "-", label.lower())
    if len(mark) > LONG:  # two long labels may begin alike
        mark = f"{mark[:LONG]}-{zlib.crc32(mark.encode()):08x}"
    text = re.sub(r'(id="|url\(#|href="#)', rf"\g<1>{mark}-", text)
    # What has no colour of its own is black in SVG: let it be the text's.
    opened = f'<svg role="img" aria-label="{html.escape(label)}" fill="currentColor"'
    text = text.replace("<svg", opened, 1)
    return re.sub(r"\s*<metadata>.*?</metadata>", "", text, flags=re.DOTALL)


def logarithmic(axes: Axes, which: Literal["x", "y"], zero: float | None = None) -> None:
    """Powers of ten in plain Unicode. `zero`: where values of exactly 0 are drawn and marked."""
    axes.set(**{f"{which}scale": "log"})
    axis: Axis = axes.xaxis if which == "x" else axes.yaxis
    low, high = axis.get_view_interval()
    few = high < 30 * low
    axis.set_major_locator(LogLocator(10, subs=(1, 2, 5) if few else (1,), numticks=7))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda value, _: power_of_ten(value)))
    if zero is not None:
        ticks = [tick for tick in axis.get_majorticklocs() if 3 * zero < tick <= high]
        axis.set_ticks([zero, *ticks], ["0", *map(power_of_ten, ticks)])


def power_of_ten(value: float) -> str:
    """0.02, 500, 10⁻⁷, 2·10⁻⁷: as a tick of a logarithmic axis."""
    if 1e-3 < value < 1e4:
        return f"{value:g}"
    exponent = math.floor(math.log10(value) + 1e-9)
    factor = round(value / 10.0**exponent)
    power = f"10{str(exponent).translate(SUPERSCRIPT)}"
    return power if factor == 1 else f"{factor}·{power}"
