"""The scales of the inputs, and the usable range of rates."""

import math
from pathlib import Path
from typing import Any, cast

import numpy as np

from bench import dataset
from bench.claim import Job
from bench.claims.input_normalization import CLAIM, SWEEP, decades, mean_loss, scaled
from implementations.numpy import adapter


def job(arm: str) -> Job:
    settings = CLAIM.budgets["smoke"].settings
    return Job("numpy", adapter, arm, 0, settings, "cpu", 1, cast(Path | None, None), _silent)


def _silent(fraction: float, text: str) -> Any:
    return None


def test_decades_count_the_rates_that_train() -> None:
    assert decades([0.5, 0.9, 1.0, 1.1, math.nan, math.inf], usable=1.0) == 1.5
    assert decades([math.nan] * 9, usable=1.0) == 0
    assert len(SWEEP) == 9
    np.testing.assert_allclose(SWEEP[-1] / SWEEP[0], 1e4)


def test_the_scales() -> None:
    raw, unit, standardized = (scaled(job(arm)).train_x for arm in ("raw", "unit", "standardized"))
    assert (raw.min(), raw.max()) == (0, 255)
    np.testing.assert_allclose(unit, raw / 255)
    assert abs(standardized.mean()) < 1e-5  # the framework computed in float32
    assert abs(standardized.std() - 1) < 1e-5
    reference = dataset.prepare("mnist5k", 0)
    np.testing.assert_allclose(standardized, reference.train_x, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(scaled(job("standardized")).test_x, reference.test_x, atol=1e-5)


def test_the_mean_loss_counts_what_diverged_as_chance() -> None:
    assert mean_loss([1.0, 2.0], 2) == 1.5
    assert mean_loss([1.0, 300.0], 2) == 1.75
    assert mean_loss([1.0, math.nan], 4) == (1.0 + 3 * 2.5) / 4
