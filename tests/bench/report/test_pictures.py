"""Pictures come out of a page as they went into a run, with a legend that names their colors."""

import base64
import io
import itertools
import math
import re
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from bench import samples
from bench.claim import Figure
from bench.errors import UserError
from bench.report import pictures, series

CLASSES = ("ground", "one & two", "three")
LABELS = np.array([[0, 1, 2], [2, 1, 0]])
SVG = {"svg": "http://www.w3.org/2000/svg"}


def row(column: str = "truth", scene: int = 0, labels: np.ndarray = LABELS) -> dict[str, Any]:
    return dict(samples.picture(scene, column, "classes", labels))


def opened(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


def images(svg: str) -> list[np.ndarray]:
    links = [e.attrib["href"] for e in ElementTree.fromstring(svg).iterfind(".//svg:image", SVG)]
    return [opened(base64.b64decode(link.partition("base64,")[2])) for link in links]


def colored(number: int) -> tuple[int, ...]:
    return tuple(bytes.fromhex(pictures.CLASS_COLORS[number][1:]))


def test_pixels_come_back_as_they_went_in() -> None:
    np.testing.assert_array_equal(samples.pixels(row()), LABELS)
    colors = np.random.default_rng(0).integers(0, 256, (4, 5, 3))
    packed = samples.picture(0, "scene", "image", colors / 255)
    np.testing.assert_array_equal(samples.pixels(packed), colors)
    gray = samples.picture(0, "scene", "image", np.array([[[0.0], [1.0]], [[-1.0], [2.0]]]))
    np.testing.assert_array_equal(samples.pixels(gray), [[0, 255], [0, 255]])


def test_heat_is_a_share_of_its_top_and_not_a_number_is_none() -> None:
    heat = samples.picture(0, "entropy", "heat", np.array([[0.0, 1.0, 2.0, math.nan]]), top=2.0)
    np.testing.assert_array_equal(samples.pixels(heat), [[0, 128, 255, 0]])


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("image", np.zeros((2, 2, 2))),
        ("heat", np.zeros((2, 2, 3))),
        ("classes", np.zeros((2, 0), int)),
        ("classes", np.zeros((2, 2))),
        ("classes", np.array([[-1, 0]])),
        ("classes", np.array([[256, 0]])),
    ],
)
def test_what_is_no_picture_is_refused(kind: samples.Kind, values: np.ndarray) -> None:
    with pytest.raises(UserError, match="picture"):
        samples.picture(0, "a", kind, values)


def test_every_class_has_its_color_on_the_map_and_in_the_legend() -> None:
    svg = pictures.sheet([row()], CLASSES, "toy")
    (found,) = images(svg)
    for place, label in np.ndenumerate(LABELS):
        assert tuple(found[place]) == colored(label)
    root = ElementTree.fromstring(svg)
    legend = {
        group.find("svg:text", SVG).text: group.find("svg:rect", SVG).attrib["fill"]  # type: ignore[union-attr]
        for group in root.iterfind("svg:g", SVG)
    }
    assert legend == dict(zip(CLASSES, pictures.CLASS_COLORS, strict=False))


def test_scenes_are_rows_and_headings_are_columns() -> None:
    rows = [row(column, scene) for column in ("truth", "found by_one") for scene in (3, 1)]
    rows.append(row("truth", 3, 0 * LABELS))  # again, from another arm
    root = ElementTree.fromstring(pictures.sheet(rows, CLASSES, "toy"))
    drawn = root.findall("svg:image", SVG)
    assert len(drawn) == 4
    places = [(float(e.attrib["x"]), float(e.attrib["y"])) for e in drawn]
    assert len(set(places)) == 4
    assert len({x for x, _ in places}) == len({y for _, y in places}) == 2
    np.testing.assert_array_equal(
        images(ElementTree.tostring(root, "unicode"))[0][0, 2], colored(2)
    )
    texts = [e.text for e in root.iterfind("svg:text", SVG)]
    assert texts == ["truth", "found by one"]


def test_everything_lies_within_the_sheet() -> None:
    """Long headings, many classes and a scale of heat wrap, and nothing is cut off."""
    rows = [row("a heading that takes several lines")]
    rows += [dict(samples.picture(0, "heat", "heat", np.eye(3), top=1.0986))]
    names = [*CLASSES, "a fourth class", "a fifth of some length"]
    root = ElementTree.fromstring(pictures.sheet(rows, names, "toy"))
    _, _, width, height = map(float, root.attrib["viewBox"].split())
    for group in root.iterfind("svg:g", SVG):
        x, y = map(float, re.findall(r"[\d.]+", group.attrib["transform"]))
        reach = max(
            float(e.attrib["x"]) + pictures.LETTER * len(e.text or "")
            for e in group.iterfind("svg:text", SVG)
        )
        assert x + reach <= width
        assert y + pictures.SWATCH <= height
    for drawn in root.iterfind(".//svg:image", SVG):
        assert float(drawn.attrib["y"]) + float(drawn.attrib["height"]) <= height
    for text in root.iterfind("svg:text", SVG):
        assert float(text.attrib["y"]) >= 12
    assert ">1.1<" in ElementTree.tostring(root, "unicode").replace("ns0:", "")


def test_a_class_without_a_name_and_scales_that_differ_are_refused() -> None:
    with pytest.raises(UserError, match="class 2"):
        pictures.sheet([row()], CLASSES[:2], "toy")
    heats = [dict(samples.picture(0, f"{t}", "heat", np.eye(3), top=t)) for t in (1.0, 2.0)]
    with pytest.raises(UserError, match="scale"):
        pictures.sheet(heats, (), "toy")


def test_nothing_is_fetched_and_no_id_can_meet_another() -> None:
    svg = pictures.sheet([row()], CLASSES, 'toy "quoted" <page>')
    root = ElementTree.fromstring(svg)
    assert root.attrib["role"] == "img"
    assert root.attrib["aria-label"].startswith('toy "quoted" <page>: truth')
    assert " id=" not in svg
    links = re.findall(r'href="([^"]*)"', svg)
    assert all(link.startswith("data:image/png;base64,") for link in links)
    assert links


def luminance(color: str) -> float:
    """Of sRGB, as the guidelines for accessible content define it."""
    parts = np.frombuffer(bytes.fromhex(color[1:]), np.uint8) / 255
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def test_classes_can_be_told_apart_without_color() -> None:
    """The first three by far, where most maps have no more."""
    shades = [luminance(color) + 0.05 for color in pictures.CLASS_COLORS]
    for (i, one), (j, other) in itertools.combinations(enumerate(shades), 2):
        assert max(one, other) / min(one, other) >= (2.5 if max(i, j) < 3 else 1.2)


def test_a_figure_of_maps_shows_one_seed_of_one_framework() -> None:
    table = pd.DataFrame(
        [
            {
                **row(labels=np.full((2, 2), number)),
                "framework": framework,
                "seed": seed,
                "arm": "a",
            }
            for number, (framework, seed) in enumerate([("numpy", 4), ("numpy", 5), ("jax", 4)])
        ]
    )
    figure = Figure("samples", "", kind="maps", classes=CLASSES)
    (found,) = images(series.maps(table.iloc[1:], figure, "toy"))
    assert tuple(found[0, 0]) == colored(1)
