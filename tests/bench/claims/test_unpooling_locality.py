"""Masks worth a number that is worked out by hand; nets that differ in the upsampling alone."""

import math
from dataclasses import replace

import numpy as np
import pytest

from bench import samples, scenes
from bench.claims import unpooling_locality as locality
from bench.errors import UserError
from bench.instruments import segmentation
from bench.scenes import digits
from bench.training import Fit
from tests.bench.claims.jobs import job

CLAIM = locality.CLAIM


def measured(truth: np.ndarray, found: np.ndarray) -> dict[str, float]:
    return locality.measured(truth, found, segmentation.confusion(truth, found, 3))


def test_place_and_name_are_measured_apart() -> None:
    """Everything is where it is, and half of it is called by the other class."""
    truth = np.zeros((1, 6, 6), int)
    truth[0, 1:3, 1:5], truth[0, 4, 1:5] = 1, 2
    found = truth.copy()
    found[0, 1] *= 2  # four of the first digit's eight pixels
    found[0, 4, 1:3] = 1  # two of the second's four
    got = measured(truth, found)
    assert got["foreground_iou"] == got["boundary_0"] == got["boundary_1"] == 1
    assert got["naming"] == 0.5
    assert got["accuracy"] == 1 - 6 / 36
    assert got["mean_iou"] == pytest.approx((1 + 4 / 10 + 2 / 8) / 3)


def test_the_name_is_asked_of_what_is_found_alone() -> None:
    truth = np.array([[[1, 1, 2, 0]]])
    assert measured(truth, np.array([[[1, 0, 1, 2]]]))["naming"] == 0.5
    assert measured(truth, np.zeros_like(truth))["naming"] == 0


def test_a_boundary_that_is_one_pixel_off() -> None:
    truth = np.zeros((1, 9, 9), int)
    truth[0, 2:5, 2:5] = 1
    got = measured(truth, np.roll(truth, 1, axis=2))
    assert got["boundary_1"] == 1
    assert got["boundary_0"] < 1
    assert got["foreground_iou"] == 6 / 12


def test_the_nets_differ_in_the_upsampling_alone() -> None:
    nets = {arm: locality.net(arm, 32, 3) for arm in CLAIM.arms}
    counts = {arm: net.parameter_count for arm, net in nets.items()}
    more = counts.pop("transposed") / counts["indices"]
    assert len(set(counts.values())) == 1
    assert f"{more - 1:.0%}".replace("%", " % more") in CLAIM.compared
    assert {net.options["upsampling"] for net in nets.values()} == set(CLAIM.arms)
    for net in nets.values():
        assert net.options["class_weights"] == digits.CLASS_WEIGHTS


def test_a_run_that_diverged_has_no_number() -> None:
    with np.errstate(all="ignore"):
        found = locality.run(job(CLAIM, "indices", learning_rate=1e200)).metrics
    assert found.keys() == CLAIM.metrics.keys()
    assert all(map(math.isnan, found.values()))


def test_a_class_that_is_missing_is_refused_before_anything_is_trained(monkeypatch) -> None:
    scenes = digits.prepare(0, 8, 8, 24)
    full = replace(scenes, test_y=np.where(scenes.test_y == 2, 1, scenes.test_y))
    digits.kept.cache_clear()
    monkeypatch.setattr(digits, "prepare", lambda *sizes: full)
    monkeypatch.setattr(locality, "system_for", lambda *what: pytest.fail("something was built"))
    with pytest.raises(UserError, match="no pixel of the scenes is of class digit from five"):
        locality.run(job(CLAIM, "indices"))


def test_scenes_are_made_once_for_the_arms_of_a_seed() -> None:
    digits.kept.cache_clear()
    for arm in ("indices", "nearest"):
        locality.run(job(CLAIM, arm))
    assert digits.kept.cache_info().misses == 1


def test_every_ten_steps_make_a_point() -> None:
    rows = locality.smoothed(Fit([1.0] * 10 + [3.0] * 10), "indices")
    assert [(row["step"], row["loss"]) for row in rows] == [(10, 1.0), (20, 3.0)]


def test_what_is_shown_is_what_was_drawn_and_found() -> None:
    data = digits.prepare(0, 8, 8, 24)
    found = 2 - data.test_y
    rows = locality.shown("fixed", data, found)
    assert [row["column"] for row in rows] == ["scene", "truth", "fixed"] * locality.SHOWN
    np.testing.assert_array_equal(samples.pixels(rows[-2]), data.test_y[locality.SHOWN - 1])
    np.testing.assert_array_equal(samples.pixels(rows[-1]), found[locality.SHOWN - 1])
    drawn = scenes.restored(data, data.test_x)[0, ..., 0]
    np.testing.assert_allclose(samples.pixels(rows[0]) / 255, np.clip(drawn, 0, 1), atol=0.003)
