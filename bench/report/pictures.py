"""Small pictures side by side: scenes, maps of classes, maps of a quantity; with their legend.

One SVG that holds PNGs, so that nothing is fetched, with text in the page's color. Pictures keep
their colors in the dark, and have an outline. Classes differ in lightness as well as in color.
"""

import base64
import html
import io
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from PIL import Image

from bench import samples
from bench.errors import UserError

CLASS_COLORS = ("#2c313a", "#d1495b", "#8fd0f5", "#f6ecb0", "#2f9e6e", "#7a5aa9")
SHADES = "magma"  # from dark to light
SIDE, GAP, EDGE = 96, 8, 2  # of a picture, between two, around all of them
LINE, LETTER, SWATCH, SCALE = 18, 6.6, 14, 90  # sizes in the legend and the headings
OUTLINE = 'fill="none" stroke="currentColor" stroke-opacity="0.5"'


def sheet(rows: Sequence[Mapping[str, Any]], classes: Sequence[str], label: str) -> str:
    """An SVG of pictures (bench/samples.py): a row for each scene, a column for each heading.

    Headings stand in the order in which they come; of several pictures for one place the first is
    shown. `classes`: their names, from number 0 on. Raises UserError for a class without a name or
    a color, and for maps of heat whose scales differ.
    """
    cells: dict[tuple[Any, str], Mapping[str, Any]] = {}
    for row in rows:
        cells.setdefault((row["scene"], str(row["column"])), row)
    scenes, columns = (list(dict.fromkeys(keys)) for keys in zip(*cells, strict=True))
    heads = [textwrap.wrap(column.replace("_", " "), int(SIDE / LETTER)) for column in columns]
    top = EDGE + LINE * max(map(len, heads))
    tall = max(SIDE * row["height"] / row["width"] for row in cells.values())
    width = EDGE + len(columns) * (SIDE + GAP)
    parts = []
    for number, lines in enumerate(heads):
        middle = EDGE + number * (SIDE + GAP) + SIDE / 2
        for place, line in enumerate(reversed(lines)):
            parts.append(_text(middle, top - LINE * place - 6, line, 'text-anchor="middle"'))
    for (scene, column), row in cells.items():
        x = EDGE + columns.index(column) * (SIDE + GAP)
        y = top + scenes.index(scene) * (tall + GAP)
        parts.append(_image(x, y, SIDE, SIDE * row["height"] / row["width"], png(row, classes)))
    x, y = EDGE, top + len(scenes) * (tall + GAP)
    for drawn, wide in _legend(cells.values(), classes):
        if x > EDGE and x + wide > width:
            x, y = EDGE, y + LINE
        parts.append(f'<g transform="translate({x:g} {y:g})">{drawn}</g>')
        x, width = x + wide, max(width, x + wide)
    said = html.escape(f"{label}: {', '.join(columns)}, of {len(scenes)} scenes")
    height = y + LINE + EDGE
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="sheet" role="img" aria-label="{said}" '
        f'width="{width:g}" height="{height:g}" viewBox="0 0 {width:g} {height:g}" '
        f'fill="currentColor" font-family="sans-serif" font-size="12">{"".join(parts)}</svg>'
    )


def png(row: Mapping[str, Any], classes: Sequence[str]) -> bytes:
    """The picture of a row as PNG, a pixel a pixel."""
    pixels = samples.pixels(row)
    drawn = Image.fromarray(pixels)
    if row["kind"] != "image":
        drawn.putpalette(_shades() if row["kind"] == "heat" else _palette(pixels, classes))
    written = io.BytesIO()
    drawn.save(written, "PNG", optimize=True)
    return written.getvalue()


def _palette(pixels: np.ndarray, classes: Sequence[str]) -> bytes:
    known = min(len(classes), len(CLASS_COLORS))
    if pixels.max() >= known:
        raise UserError(f"a map has class {pixels.max()}, names and colors are there for {known}")
    return b"".join(bytes.fromhex(color[1:]) for color in CLASS_COLORS)


def _shades() -> bytes:
    return mpl.colormaps[SHADES](np.arange(256), bytes=True)[:, :3].tobytes()


def _legend(rows: Iterable[Mapping[str, Any]], classes: Sequence[str]) -> list[tuple[str, float]]:
    """What the colors mean: every entry and the width that it takes."""
    rows = list(rows)
    tops = {row["top"] for row in rows if row["kind"] == "heat"}
    if len(tops) > 1:
        raise UserError(f"one scale of heat cannot go up to {sorted(tops)}: draw two figures")
    entries = []
    if any(row["kind"] == "classes" for row in rows):
        for color, name in zip(CLASS_COLORS, classes, strict=False):
            swatch = f'<rect width="{SWATCH}" height="{SWATCH}" fill="{color}"/>'
            drawn = swatch + _frame(0, 0, SWATCH, SWATCH) + _text(SWATCH + 6, 11.5, name)
            entries.append((drawn, SWATCH + 22 + LETTER * len(name)))
    for top in tops:
        ends = ("0", f"{top:.3g}")
        strip = np.arange(256, dtype=np.uint8)[None]
        row = samples.picture(0, "", "heat", strip, 255.0)
        start = 6 + LETTER
        drawn = _text(0, 11.5, ends[0]) + _image(start, 0, SCALE, SWATCH, png(row, classes))
        drawn += _text(start + SCALE + 6, 11.5, ends[1])
        entries.append((drawn, start + SCALE + 22 + LETTER * len(ends[1])))
    return entries


def _image(x: float, y: float, width: float, height: float, data: bytes) -> str:
    link = f"data:image/png;base64,{base64.b64encode(data).decode()}"
    size = f'x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}"'
    how = 'preserveAspectRatio="none" style="image-rendering:pixelated"'
    return f'<image {size} {how} href="{link}"/>' + _frame(x, y, width, height)


def _frame(x: float, y: float, width: float, height: float) -> str:
    return f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" {OUTLINE}/>'


def _text(x: float, y: float, text: str, how: str = "") -> str:
    return f'<text x="{x:g}" y="{y:g}" {how}>{html.escape(text)}</text>'
