"""The law's values, and a run that follows it."""

import numpy as np
import pytest

from bench import claim as claims
from bench.claim import Within
from bench.claims import initialization_signal
from tests.bench.claims.jobs import job


@pytest.mark.parametrize(
    ("activation", "rule", "expected"),
    [
        ("linear", "constant_large", 4.0),
        ("relu", "constant_large", 3.5),
        ("linear", "glorot_printed", -0.5),
        ("relu", "glorot_printed", -1.0),
        ("linear", "glorot", 0.0),
        ("relu", "he", 0.0),
    ],
)
def test_the_law(activation: str, rule: str, expected: float) -> None:
    assert initialization_signal.slope(activation, rule) == pytest.approx(expected)


def test_every_law_is_about_an_arm_and_a_metric() -> None:
    claim = claims.get("initialization_signal")
    for hypothesis in claim.hypotheses:
        assert hypothesis.rule.arm in claim.arms
        assert hypothesis.rule.metric in claim.metrics


def test_a_run_follows_the_law_and_draws_it() -> None:
    claim = claims.get("initialization_signal")
    outcome = initialization_signal.run(job(claim, "linear_glorot_printed"))
    assert outcome.metrics.keys() == claim.metrics.keys()
    assert outcome.metrics["forward"] == pytest.approx(-0.5, abs=0.1)
    rows = outcome.series["linear"]
    sizes = [float(row["forward"]) for row in rows]
    assert len(rows) == 20
    assert np.log2(sizes[-1] / sizes[0]) == pytest.approx(outcome.metrics["total"])


def test_the_printed_and_the_mended_rule_differ_by_their_half() -> None:
    rules = {h.name: h.rule for h in claims.get("initialization_signal").hypotheses}
    printed, mended = rules["Glorot as printed keeps"], rules["Glorot mended keeps"]
    assert isinstance(printed, Within)
    assert isinstance(mended, Within)
    assert (printed.low, printed.high) == (mended.low, mended.high) == (-0.1, 0.1)
