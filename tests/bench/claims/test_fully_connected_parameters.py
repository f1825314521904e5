"""Counts known from elsewhere, and a run on what NumPy builds."""

import pytest

from bench import claim as claims
from bench.claims import fully_connected_parameters as counted
from tests.bench.claims.jobs import job


def test_the_closed_forms() -> None:
    assert counted.closed_form(28) == 203_530
    assert counted.closed_form(64) == 1_051_402
    assert counted.closed_form(224) == 12_847_882
    assert counted.CONVOLUTIONS == 74_496


def test_a_run_counts_what_was_built() -> None:
    claim = claims.get("fully_connected_parameters")
    outcome = counted.run(job(claim, "side_28"))
    assert outcome.metrics.keys() == claim.metrics.keys()
    assert outcome.metrics["fully_connected"] == 203_530
    assert outcome.metrics["fully_connected_error"] == outcome.metrics["convolutions_error"] == 0
    assert outcome.metrics["convolution_doublings"] == 0
    assert outcome.metrics["convolution_share"] == pytest.approx(74_496 / 1_682_954)
    assert len(outcome.series["counts"]) == 4
