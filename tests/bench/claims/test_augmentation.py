"""What the arms of the augmentation claim do to the images."""

from typing import Any

import numpy as np
import pytest

from bench import dataset
from bench.claim import Job
from bench.claims.augmentation import CLAIM, VARIATIONS, changed, draws
from implementations.numpy import adapter


def job(arm: str) -> Job:
    return Job("numpy", adapter, arm, 0, CLAIM.budgets["smoke"].settings, "cpu", 1, None, _silent)


def _silent(fraction: float, text: str) -> Any:
    return None


def test_draws_stay_within_the_largest_and_repeat() -> None:
    drawn = draws(0, 3, 1000, 15, 2)
    assert 0.9 * np.deg2rad(15) < np.abs(drawn["angle"]).max() <= np.deg2rad(15)
    assert 1.9 < np.abs(drawn["shift"]).max() <= 2
    assert drawn["shift"].shape == (1000, 2)
    np.testing.assert_array_equal(drawn["scale"], 1)
    np.testing.assert_array_equal(drawn["angle"], draws(0, 3, 1000, 15, 2)["angle"])
    assert not np.array_equal(drawn["angle"], draws(0, 4, 1000, 15, 2)["angle"])


def test_arms_without_and_with_variation() -> None:
    data = dataset.prepare("mnist5k", 0, normalize=False)
    reference = dataset.prepare("mnist5k", 0)
    batch = {"x": data.train_x[:8], "y": data.train_y[:8]}
    same = changed(job("none"), data)(0, batch)
    np.testing.assert_allclose(same["x"], reference.train_x[:8], atol=1e-12)
    varied = changed(job("valid"), data)(0, batch)["x"]
    assert varied.shape == same["x"].shape
    assert np.abs(varied - same["x"]).max() > 0.1
    # What comes from outside of an image is background, a standardized 0.
    background = reference.train_x.min()
    assert varied.min() == pytest.approx(background, abs=1e-5)


@pytest.mark.parametrize("arm", VARIATIONS)
def test_every_arm_is_described(arm: str) -> None:
    assert arm in CLAIM.arms
