"""The gallery: examples of every kind of scene, drawn when the report is built.

Scenes come from a seed, so that nothing of them is kept among the results: seed 0, held-out scenes,
normalized and described by a training part of their own. A kind whose files are not on this machine
says so in place of its pictures.
"""

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from markupsafe import Markup

from bench import samples, scenes
from bench.dataset import Prepared
from bench.datasets import mnist5k, photographs
from bench.errors import UserError
from bench.report import pictures
from bench.scenes import aerial, digits, stereo

SEED, TRAIN, SHOWN, SIDE = 0, 60, 4, 48
NO_SETTING = {"scenes", "train", "test", "mean", "deviation", "shares", "smoke"}  # of a record


@dataclass(frozen=True)
class Kind:
    """What the gallery shows. depth: the heading of a fourth channel; None: there is none."""

    key: str
    title: str
    text: str
    source: str
    classes: tuple[str, ...]
    prepare: Callable[[Path | None], Prepared]
    depth: str | None = None


@dataclass(frozen=True)
class Shown:
    """A kind with its pictures, or why there are none."""

    kind: Kind
    sheet: str = ""
    shares: dict[str, float] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    missing: str = ""


def _tiles(color_distance: float) -> Callable[[Path | None], Prepared]:
    return lambda data_dir: aerial.prepare(SEED, TRAIN, SHOWN, SIDE, color_distance=color_distance)


GENERATED = "Generated; no photograph is in them."
KINDS = (
    Kind(
        "digits",
        "Digits on photographs",
        "One to three handwritten digits lie on a piece of a photograph. A threshold finds where "
        "they are; only their shape tells whether they are below five.",
        f"Photographs: {photographs.DATASET.source}; licence: {photographs.DATASET.licence}. "
        f"Digits: {mnist5k.DATASET.source}; licence: {mnist5k.DATASET.licence}.",
        digits.CLASSES,
        lambda data_dir: digits.prepare(SEED, TRAIN, SHOWN, SIDE, data_dir),
    ),
    Kind(
        "aerial_alike",
        "Aerial tiles, colors alike",
        "Seen from above, in color and in height. Road and roof look alike, grass and crown too; "
        "height tells these pairs apart, and color those of one height.",
        GENERATED,
        aerial.CLASSES,
        _tiles(0.04),
        "height in meters",
    ),
    Kind(
        "aerial_apart",
        "Aerial tiles, colors apart",
        "The same tiles, their colors as far apart as the generator can put them: color alone "
        "tells all classes.",
        GENERATED,
        aerial.CLASSES,
        _tiles(aerial.DISTANCES.high),
        "height in meters",
    ),
    Kind(
        "stereo",
        "A real stereo pair",
        "Pieces of one photograph with its disparity, which is large where a thing is near. "
        "Classes are clusters of the very pixels that are shown, so that nothing but running is "
        "shown on them.",
        "The motorcycle of Scharstein and others (2014), High-resolution stereo datasets with "
        "subpixel-accurate ground truth, at a quarter of its size, from the package scikit-image, "
        "which has no word on its licence.",
        stereo.CLASSES,
        lambda data_dir: stereo.prepare(SEED, TRAIN, SHOWN, SIDE, data_dir),
        "disparity in pixels",
    ),
)


@functools.lru_cache(maxsize=1)
def page(data_dir: Path | None) -> tuple[Shown, ...]:
    """Every kind with its pictures; drawn once a process."""
    return tuple(shown(kind, data_dir) for kind in KINDS)


def shown(kind: Kind, data_dir: Path | None = None) -> Shown:
    """Draw a kind; what its files lack is told, and is no reason to have no report."""
    try:
        data = kind.prepare(data_dir)
    except UserError as error:
        return Shown(kind, missing=str(error))
    x = scenes.restored(data, data.test_x)
    top = math.ceil(x[..., -1].max())
    rows = []
    for number, (scene, truth) in enumerate(zip(x, data.test_y, strict=True)):
        rows.append(samples.picture(number, "image", "image", scene[..., :3]))
        if kind.depth:
            rows.append(samples.picture(number, kind.depth, "heat", scene[..., 3], top))
        rows.append(samples.picture(number, "classes", "classes", truth))
    return Shown(
        kind,
        Markup(pictures.sheet(rows, kind.classes, kind.title)),
        dict(data.record["shares"]),
        {"seed": SEED} | {k: v for k, v in data.record.items() if k not in NO_SETTING},
    )
