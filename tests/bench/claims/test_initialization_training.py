"""Which rate which arm is searched over, and what a run answers."""

import pytest

from bench import claim as claims
from bench.claims import initialization_training as trained
from bench.hypothesis import Difference
from tests.bench.claims.jobs import job

CLAIM = claims.get("initialization_training")


def test_every_arm_is_searched() -> None:
    assert CLAIM.search is not None
    assert CLAIM.search.grid.keys() == CLAIM.arms.keys()
    assert CLAIM.search.metric in CLAIM.metrics


def test_every_rule_is_about_arms_of_the_standard_budget() -> None:
    for hypothesis in CLAIM.hypotheses:
        assert isinstance(hypothesis.rule, Difference)
        assert {hypothesis.rule.arm, hypothesis.rule.baseline} <= set(trained.STANDARD)


def test_a_shallow_net_trains_and_a_starved_one_does_not() -> None:
    found = {
        name: trained.run(job(CLAIM, name, steps=60, learning_rate=0.03))
        for name in ("relu_3_he", "relu_3_constant_small")
    }
    assert found["relu_3_he"].metrics.keys() == CLAIM.metrics.keys()
    assert found["relu_3_he"].metrics["accuracy"] > 0.7
    assert found["relu_3_constant_small"].metrics["accuracy"] < 0.3
    assert found["relu_3_constant_small"].metrics["train_loss"] == pytest.approx(2.30, abs=0.02)
