"""The gallery shows what the generators make, and is there when their files are not."""

import base64
import dataclasses
import io
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench import scenes
from bench.datasets import mnist5k, photographs
from bench.errors import UserError
from bench.report import gallery, gather, pages, pictures
from bench.scenes import aerial

KINDS = {kind.key: kind for kind in gallery.KINDS}


def opened(svg: str) -> list[np.ndarray]:
    """Every picture of a sheet in red, green and blue, the legend's scale of heat last."""
    data = re.findall(r"base64,([^\"]+)", svg)
    return [np.asarray(Image.open(io.BytesIO(base64.b64decode(d))).convert("RGB")) for d in data]


@pytest.mark.parametrize("key", KINDS)
def test_a_kind_shows_its_scenes_and_their_classes(key: str) -> None:
    """The generator's pixels and masks, in the order image, height, classes; a legend of all."""
    kind = KINDS[key]
    found, data = gallery.shown(kind), kind.prepare(None)
    across = 3 if kind.depth else 2
    drawn = opened(found.sheet)[: gallery.SHOWN * across]
    raw = scenes.restored(data, data.test_x)
    for number in range(gallery.SHOWN):
        image, mask = drawn[number * across], drawn[number * across + across - 1]
        expected = np.broadcast_to(np.clip(raw[number][..., :3], 0, 1), image.shape)
        np.testing.assert_allclose(image / 255, expected, atol=0.5 / 255 + 1e-9)
        for label, color in enumerate(pictures.CLASS_COLORS[: len(kind.classes)]):
            shown = (mask == list(bytes.fromhex(color[1:]))).all(axis=-1)
            np.testing.assert_array_equal(shown, data.test_y[number] == label)
    assert all(f">{name}</text>" in found.sheet for name in kind.classes)
    assert list(found.shares) == list(kind.classes)
    assert sum(found.shares.values()) == pytest.approx(1)
    assert found.settings["side"] == gallery.SIDE
    assert gallery.shown(kind) == found


def test_the_settings_of_a_generator_are_told() -> None:
    told = {key: gallery.shown(kind).settings for key, kind in KINDS.items()}
    assert told["aerial_alike"]["color_distance"] == 0.04
    assert told["aerial_apart"]["color_distance"] == aerial.DISTANCES.high
    assert told["aerial_alike"].keys() >= {"height_overlap", "height_noise", "seed"}
    assert told["digits"] == {"seed": 0, "side": 48}


def test_what_is_not_there_is_told_in_place_of_pictures(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def nowhere(data_dir: Path | None):
        raise UserError("stereo is not on this machine: install <it>")

    (tmp_path / "standard").mkdir()
    without = dataclasses.replace(KINDS["stereo"], prepare=nowhere)
    monkeypatch.setattr(gallery, "KINDS", (KINDS["digits"], without))
    gallery.page.cache_clear()
    try:
        text = pages.pages(gather.gather(tmp_path / "standard"))["gallery.html"]
    finally:
        gallery.page.cache_clear()
    assert "There are no pictures: stereo is not on this machine: install &lt;it&gt;." in text
    assert text.count('class="sheet"') == 1
    assert without.source in text.replace("&#39;", "'")


def test_the_page_tells_kinds_and_where_photographs_come_from(tmp_path: Path) -> None:
    (tmp_path / "standard").mkdir()
    written = pages.pages(gather.gather(tmp_path / "standard"))
    text = written["gallery.html"]
    assert text.count('class="sheet"') == len(KINDS)
    for key, kind in KINDS.items():
        assert f'<section id="{key}">' in text
        assert kind.title in text
    for dataset in (photographs.DATASET, mnist5k.DATASET):
        assert dataset.licence in text
    assert 'href="gallery.html"' in written["index.html"]
    assert "color distance 0.04" in text
