"""The claim's filters: as many pictures as filters, and what each arm answers."""

import numpy as np
import pytest

from bench import claim as claims
from bench import dataset
from bench.claims import gabor_filters
from bench.datasets import photographs
from tests.bench.claims.jobs import job

CLAIM = claims.get("gabor_filters")


def test_photographs_are_cut_into_patches_that_do_not_meet() -> None:
    report = dataset.check("photographs")
    assert report["examples_per_class"] == [600] * 12
    images = dataset.load("photographs")
    twelve = len(photographs.NAMES)
    assert images.y[: photographs.TRAIN * twelve : photographs.TRAIN].tolist() == list(range(12))
    assert images.x[: photographs.TRAIN].std() > 0


@pytest.mark.parametrize("arm", ["supervised", "shuffled"])
def test_a_run_draws_its_filters(arm: str) -> None:
    outcome = gabor_filters.run(job(CLAIM, arm, steps=2))
    assert outcome.metrics.keys() == CLAIM.metrics.keys()
    assert all(np.isfinite(list(outcome.metrics.values())))
    for name in ("filters", "initial", "surrogates"):
        assert len(outcome.series[name]) == 16 * 11 * 11


def test_the_first_convolution_starts_small() -> None:
    state = gabor_filters.initial(gabor_filters.net(), 0)
    assert state.parameters["conv1/weight"].std() == pytest.approx(0.01, rel=0.1)
    assert state.parameters["conv2/weight"].std() == pytest.approx((2 / 144) ** 0.5, rel=0.1)


def test_independent_components_look_like_gabor_functions() -> None:
    outcome = gabor_filters.run(job(CLAIM, "ica", surrogates=2))
    assert outcome.metrics["fit"] > 0.6
    assert outcome.metrics["gain"] > 0.1
