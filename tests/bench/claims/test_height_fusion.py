"""What each arm is shown, what it costs in parameters, and what a run answers."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from bench import samples, scenes
from bench.claims import height_fusion as fusion
from bench.errors import UserError
from bench.hypothesis import Difference
from bench.scenes import aerial
from tests.bench.claims.jobs import job

CLAIM = fusion.CLAIM


def test_late_fusion_has_twice_the_parameters_and_the_narrow_one_as_many() -> None:
    counts = {name: fusion.net(arm).parameter_count for name, arm in fusion.ALL.items()}
    assert counts["late"] / counts["early"] == pytest.approx(1.91, abs=0.005)
    assert counts["late_narrow"] / counts["early"] == pytest.approx(1, abs=0.01)
    assert counts["late_apart"] == counts["late_apart_others"] == counts["late"]
    for name in ("early", "late", "late_narrow"):
        assert f"{counts[name]:,}" in CLAIM.compared


def test_every_rule_changes_one_thing_and_is_about_arms_of_the_standard_budget() -> None:
    for hypothesis in CLAIM.hypotheses:
        rule = hypothesis.rule
        assert isinstance(rule, Difference)
        arm, baseline = fusion.ALL[rule.arm], fusion.ALL[rule.baseline]
        assert {rule.arm, rule.baseline} <= set(fusion.STANDARD)
        assert arm.color_distance == baseline.color_distance
        assert arm.height_overlap == baseline.height_overlap
        assert (arm.net != baseline.net) != (arm.heights != baseline.heights)


def test_a_tile_with_the_height_of_another() -> None:
    """Colors and classes stay, heights move by one tile, within their part."""
    data = aerial.prepare(0, 5, 3, 16)
    found = aerial.mismatched(data)
    for own, other in ((data.train_x, found.train_x), (data.test_x, found.test_x)):
        np.testing.assert_array_equal(other[..., :3], own[..., :3])
        for number in range(len(own)):
            np.testing.assert_array_equal(other[number, ..., 3], own[number - 1, ..., 3])
    np.testing.assert_array_equal(found.train_y, data.train_y)
    assert not np.array_equal(found.test_x, data.test_x)


@pytest.mark.parametrize(
    ("name", "channels", "heights"),
    [("rgb", 3, None), ("height", 1, 0), ("early", 4, 0), ("late_apart_others", 4, -1)],
)
def test_an_arm_sees_its_channels(monkeypatch, name: str, channels: int, heights: Any) -> None:
    """Noted where the batches are made: which channels, and whose heights."""
    given: list[Any] = []
    monkeypatch.setattr(
        fusion.training,
        "batches",
        lambda data, *rest: given.append(data) or iter(()),
    )
    with np.errstate(all="ignore"), pytest.warns(RuntimeWarning):  # no step, so no mean loss
        fusion.run(job(CLAIM, name, train=6, tested=4))
    (seen,) = given
    assert seen.train_x.shape[-1] == fusion.net(fusion.ALL[name]).inputs["x"][-1] == channels
    distance = fusion.ALL[name].color_distance
    whole = aerial.prepare(0, 6, 4, 16, color_distance=distance)
    if heights is not None:
        np.testing.assert_array_equal(seen.test_x[0, ..., -1], whole.test_x[heights, ..., 3])
    if channels > 1:
        np.testing.assert_array_equal(seen.test_x[..., :3], whole.test_x[..., :3])


def test_colors_alike_hide_what_heights_tell() -> None:
    """A short training, of what the claim is about: the gain is there, and it is large."""
    settings = {"budget": "standard", "steps": 60, "train": 240, "tested": 40, "seed": 100}
    found = {arm: fusion.run(job(CLAIM, arm, **settings)) for arm in ("rgb", "early")}
    assert found["rgb"].metrics.keys() == CLAIM.metrics.keys()
    gain = found["early"].metrics["mean_iou"] - found["rgb"].metrics["mean_iou"]
    assert gain > 2 * fusion.EFFECT
    each = found["rgb"].record["class_iou"]
    assert list(each) == list(aerial.CLASSES)
    assert found["rgb"].metrics["worst_iou"] == min(each.values())
    assert found["rgb"].metrics["mean_iou"] == pytest.approx(np.mean(list(each.values())))


def test_a_run_that_diverged_has_no_value() -> None:
    with np.errstate(all="ignore"):
        found = fusion.run(job(CLAIM, "early", learning_rate=1e200)).metrics
    assert all(map(math.isnan, found.values()))


def test_a_class_that_is_missing_is_refused_before_anything_is_trained(monkeypatch) -> None:
    tiles = aerial.prepare(0, 4, 4, 16)
    without = np.where(tiles.test_y == 3, 0, tiles.test_y)  # no tree in the tiles for testing
    full = replace(tiles, test_y=without)
    monkeypatch.setattr(fusion, "_tiles", lambda *sizes: full)
    monkeypatch.setattr(fusion, "system_for", lambda *what: pytest.fail("something was built"))
    with pytest.raises(UserError, match="no pixel of the scenes is of class tree"):
        fusion.run(job(CLAIM, "early"))


def test_points_of_the_curves() -> None:
    def points(name: str) -> dict[str, Any]:
        return fusion.curves(fusion.ALL[name], 0.5)

    row = {"net": "early fusion", "mean_iou": 0.5}
    assert points("early") == {"colors": [{**row, "color_distance": fusion.ALIKE}]}
    assert points("early_color_8") == {"colors": [{**row, "color_distance": 0.08}]}
    assert points("early_overlap_25") == {"overlaps": [{**row, "height_overlap": 0.25}]}
    heights = [r["color_distance"] for r in points("height")["colors"]]
    assert heights == [fusion.ALIKE, fusion.APART]
    for name in ("late_narrow", "late_apart_others", "stereo"):
        assert points(name) == {}


def test_height_alone_sees_no_color() -> None:
    """So that one run stands for all distances."""
    near, far = (
        aerial.seen(aerial.prepare(0, 4, 4, 16, distance), "height")
        for distance in (fusion.ALIKE, fusion.APART)
    )
    np.testing.assert_array_equal(near.train_x, far.train_x)
    np.testing.assert_array_equal(near.test_y, far.test_y)


def test_what_is_shown_is_what_was_drawn() -> None:
    data = aerial.prepare(0, 4, 4, 16)
    found = 3 - data.test_y
    rows = fusion.shown("late", data, found)
    assert [row["column"] for row in rows[:4]] == ["color", "height in meters", "truth", "by late"]
    assert len(rows) == 4 * fusion.SHOWN
    np.testing.assert_array_equal(samples.pixels(rows[2]), data.test_y[0])
    np.testing.assert_array_equal(samples.pixels(rows[-1]), found[fusion.SHOWN - 1])
    raw = scenes.restored(data, data.test_x)[0]
    np.testing.assert_allclose(
        samples.pixels(rows[0]) / 255, np.clip(raw[..., :3], 0, 1), atol=0.003
    )
    assert samples.pixels(rows[1]).max() > 0.3 * 255  # a house is 3 m high or more, of 9
    assert fusion.shown("rgb_apart", data, found) == fusion.shown("stereo", data, found) == []
