"""Scenes: repeatable, labelled where they should be, apart in training and testing, never flat."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from bench import dataset, scenes
from bench.dataset import Prepared
from bench.datasets import mnist5k, photographs
from bench.errors import UserError
from bench.scenes import aerial, digits, stereo

KINDS: dict[str, Any] = {"digits": digits, "aerial": aerial, "stereo": stereo}


def original(data: Prepared) -> tuple[np.ndarray, np.ndarray]:
    """Pixels of both parts before they were normalized."""
    return scenes.restored(data, data.train_x), scenes.restored(data, data.test_x)


@pytest.mark.parametrize("kind", KINDS)
def test_a_seed_names_its_scenes(kind: str) -> None:
    one, again, other = (KINDS[kind].prepare(seed, 6, 4, 24) for seed in (3, 3, 4))
    channels = 1 if kind == "digits" else 4
    assert one.train_x.shape == (6, 24, 24, channels)
    assert one.test_y.shape == (4, 24, 24)
    assert (one.train_x.dtype, one.train_y.dtype) == (np.float64, np.int64)
    for field in ("train_x", "train_y", "test_x", "test_y"):
        np.testing.assert_array_equal(getattr(one, field), getattr(again, field))
        assert (getattr(one, field) != getattr(other, field)).any()
    assert not np.array_equal(one.train_x[:4], one.test_x)
    assert one.record == again.record


@pytest.mark.parametrize("kind", KINDS)
def test_the_training_part_is_normalized_and_every_class_is_there(kind: str) -> None:
    data = KINDS[kind].prepare(0, 60, 20)
    np.testing.assert_allclose(data.train_x.mean(axis=(0, 1, 2)), 0, atol=1e-12)
    np.testing.assert_allclose(data.train_x.var(axis=(0, 1, 2)), 1, atol=1e-12)
    classes = list(range(len(KINDS[kind].CLASSES)))
    assert np.unique(data.train_y).tolist() == np.unique(data.test_y).tolist() == classes
    shares = list(data.record["shares"].values())
    np.testing.assert_allclose(shares, [(data.train_y == label).mean() for label in classes])
    assert data.record["scenes"] == kind


def near_ties(kind: str) -> float:
    """The share of 2x2 windows whose maximum is within 1e-9 of its runner-up."""
    settings = {"height_noise": 0.0} if kind == "aerial" else {}
    x = KINDS[kind].prepare(0, 100, 1, **settings).train_x
    entries = np.stack([x[:, a::2, b::2] for a in (0, 1) for b in (0, 1)])
    gaps = np.diff(np.sort(entries, axis=0)[-2:], axis=0)
    return float((gaps < 1e-9).mean())


@pytest.mark.parametrize("kind", KINDS)
def test_no_pooling_window_is_flat(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Photographs hold equal bytes side by side, roofs and digits are flat: the dither is not."""
    assert near_ties(kind) < 1e-4
    monkeypatch.setattr(KINDS[kind], "DITHER", 0.0)
    assert near_ties(kind) > 0.01


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"train": 0}, "number of training scenes must be 1 or more, got 0"),
        ({"test": -1}, "number of test scenes must be 1 or more, got -1"),
        ({"train": 2.5}, "number of training scenes must be 1 or more, got 2.5"),
        ({"test": True}, "number of test scenes must be 1 or more, got True"),
        ({"side": 12}, r"the side of these scenes must be \d+ .* pixels, got 12"),
        ({"side": 48.0}, r"pixels, got 48\.0"),
    ],
)
def test_what_cannot_be_is_refused(kind: str, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        KINDS[kind].prepare(**{"seed": 0, "train": 2, "test": 2, "side": 48, **settings})


@pytest.mark.parametrize(("kind", "largest"), [("digits", 153), ("stereo", 297)])
def test_the_largest_side_is_that_of_the_smallest_region(kind: str, largest: int) -> None:
    assert KINDS[kind].prepare(0, 30, 30, largest).train_x.shape[1:3] == (largest, largest)
    with pytest.raises(UserError, match=f"{largest} pixels, got {largest + 1}"):
        KINDS[kind].prepare(0, 2, 2, largest + 1)


# --- digits


def replaced(monkeypatch: pytest.MonkeyPatch, side: int, values: Callable[[int], np.ndarray]):
    """Digits are squares of full ink, of values by the split; photographs are flat: 0 and 255."""
    train, _ = dataset.split(mnist5k.DATASET, 0)
    frames = np.zeros((5000, digits.FRAME, digits.FRAME))
    frames[:, :side, :side] = 1
    labels = values(5000)
    labels[train] = 0
    textures = {"train": [np.full((60, 50), 0)], "test": [np.full((60, 50), 255)]}
    sources = frames, np.full((5000, 2), side), labels, textures
    monkeypatch.setattr(digits, "_sources", lambda data_dir: sources)


def test_training_and_testing_share_no_digit_and_no_region(monkeypatch) -> None:
    replaced(monkeypatch, 20, lambda count: np.full(count, 9))
    data = digits.prepare(0, 50, 50)
    assert np.unique(data.train_y).tolist() == [0, 1]
    assert np.unique(data.test_y).tolist() == [0, 2]
    (train, test), y = original(data), (data.train_y, data.test_y)
    for x, mask, level in zip((train, test), y, (0.0, digits.BRIGHTEST), strict=True):
        noise = 6 * digits.DITHER
        np.testing.assert_allclose(x[..., 0][mask == 0], level, atol=noise)
        np.testing.assert_allclose(x[..., 0][mask > 0], 1.0, atol=noise)


@pytest.mark.parametrize("side", [5, 12])
def test_one_to_three_digits_that_do_not_meet(monkeypatch, side: int) -> None:
    replaced(monkeypatch, side, lambda count: np.full(count, 3))
    data = digits.prepare(0, 300, 1)
    areas = (data.train_y > 0).sum(axis=(1, 2)) / side**2
    found, counts = np.unique(areas, return_counts=True)
    assert found.tolist() == [1, 2, 3]
    assert counts.min() > 60
    touched = np.any(data.train_y > 0, axis=0)
    for border in (touched[0], touched[-1], touched[:, 0], touched[:, -1]):
        assert np.any(border)


def test_masks_are_where_the_ink_is() -> None:
    data = digits.prepare(0, 200, 50)
    x, y = original(data)[0][..., 0], data.train_y
    noise = 6 * digits.DITHER
    assert x[y > 0].min() > 0.5 - noise
    assert x[y == 0].max() < 0.5 + 0.5 * digits.BRIGHTEST + noise
    sure = x > 0.8 + noise
    assert (y[sure] > 0).all()
    assert sure.sum() > 0.5 * (y > 0).sum()


def test_ink_is_cut_to_its_box_and_keeps_its_label() -> None:
    frames, sizes, labels, textures = digits._sources(None)
    images = dataset.load("mnist5k")
    np.testing.assert_array_equal(labels, images.y)
    assert sizes.max() == digits.FRAME
    ink = (images.x[..., 0] / 255).sum(axis=(1, 2))
    np.testing.assert_allclose(frames.sum(axis=(1, 2)), ink)
    for frame, (height, width) in zip(frames[::97], sizes[::97], strict=True):
        assert frame[0].any()
        assert frame[:, 0].any()
        assert frame[height - 1].any()
        assert frame[:, width - 1].any()
        assert not frame[height:].any()
        assert not frame[:, width:].any()
    assert [len(textures[part]) for part in ("train", "test")] == [len(photographs.NAMES)] * 2


# --- aerial


def test_a_setting_moves_what_it_names_and_nothing_else() -> None:
    plain = aerial.prepare(0, 20, 5)
    for other, channels in (
        (aerial.prepare(0, 20, 5, color_distance=0.3), slice(0, 3)),
        (aerial.prepare(0, 20, 5, height_overlap=0.2), slice(3, 4)),
        (aerial.prepare(0, 20, 5, height_noise=1.0), slice(3, 4)),
    ):
        np.testing.assert_array_equal(other.train_y, plain.train_y)
        moved = (original(other)[0] - original(plain)[0])[..., channels]
        same = np.delete(original(other)[0] - original(plain)[0], np.r_[channels], axis=-1)
        assert np.abs(moved).max() > 0.1
        assert np.abs(same).max() < 1e-12


@pytest.mark.parametrize("distance", [0.0, 0.05, 0.4])
def test_roofs_and_crowns_are_as_far_as_the_distance_says(distance: float) -> None:
    data = aerial.prepare(0, 400, 1, color_distance=distance)
    x, y = original(data)[0], data.train_y
    means = [x[y == label][:, :3].mean(axis=0) for label in range(4)]
    for near, far in ((1, 2), (0, 3)):
        assert np.linalg.norm(means[near] - means[far]) == pytest.approx(distance, abs=0.01)
    assert np.linalg.norm(means[0] - means[1]) > 0.15


def test_heights_overlap_or_do_not() -> None:
    for overlap, low in ((1.0, 3.0), (0.5, 6.0), (0.0, 9.0)):
        data = aerial.prepare(0, 300, 1, height_overlap=overlap, height_noise=0.0)
        height, y = original(data)[0][..., 3], data.train_y
        edge = 5 * aerial.DITHER
        assert np.abs(height[y < 2]).max() < aerial.SLOPE / 2 + edge
        assert 3 - edge < height[y == 2].min()
        assert 8.5 < height[y == 2].max() < 9 + edge
        # A crown is domed by half of its height.
        assert low / 2 - edge < height[y == 3].min() < low / 2 + 1.5
        assert low + 5 < height[y == 3].max() < low + 6 + edge


def test_modalities_are_channels_of_the_same_tiles() -> None:
    data = aerial.prepare(0, 3, 2, 16)
    rgb, height, both = (aerial.seen(data, name) for name in ("rgb", "height", "both"))
    np.testing.assert_array_equal(np.concatenate([rgb.train_x, height.train_x], -1), data.train_x)
    np.testing.assert_array_equal(both.test_x, data.test_x)
    assert rgb.train_y is data.train_y
    with pytest.raises(UserError, match="unknown modality 'hight'; did you mean height"):
        aerial.seen(data, "hight")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"color_distance": -0.1}, r"color_distance must be a number in \[0, 0.4\], got -0.1"),
        ({"color_distance": 0.5}, "color_distance .* got 0.5"),
        ({"height_overlap": 1.5}, r"height_overlap must be a number in \[0, 1\], got 1.5"),
        ({"height_noise": float("nan")}, "height_noise .* got nan"),
        ({"height_noise": "much"}, "height_noise .* got 'much'"),
    ],
)
def test_an_ambiguity_out_of_range_is_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        aerial.prepare(0, 2, 2, **settings)


# --- the stereo pair


def test_tiles_of_the_stereo_pair_lie_left_and_right(monkeypatch: pytest.MonkeyPatch) -> None:
    columns = np.broadcast_to(np.arange(100.0)[None, :, None], (60, 100, 4))
    classes = np.broadcast_to(np.arange(100) % 4, (60, 100))
    monkeypatch.setattr(stereo, "_image", lambda data_dir: (columns, classes))
    data = stereo.prepare(0, 200, 200, 16)
    (train, test), noise = original(data), 6 * 100 / 255
    assert train.max() < 60 + noise
    assert test.min() > 60 - noise
    assert train.min() < 10
    assert test.max() > 90
    # A pixel and its class are of one place.
    assert set(np.diff(data.train_y[0, 0]).tolist()) == {1, -3}


def test_the_stereo_pair_is_the_photograph() -> None:
    pixels, classes = stereo._image(None)
    assert pixels.shape == (500, 741, 4)
    assert classes.shape == (500, 741)
    assert 0 <= pixels[..., :3].min() < pixels[..., :3].max() <= 1
    assert 7 < pixels[..., 3].min() < pixels[..., 3].max() < 60
    # The motorcycle stands before its shed: the middle is nearer than the top.
    assert pixels[200:300, 300:400, 3].mean() > pixels[:50, :, 3].mean() + 5
