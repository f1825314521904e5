"""A run that diverges answers with not-a-number, and is never taken for an exact agreement."""

import math

import numpy as np
import pytest

from bench import claim as claims
from bench.claims import dropout_scaling, momentum_forms
from tests.bench.claims.jobs import job

HUGE = 1e200  # a rate at which the second step already overflows


@pytest.mark.parametrize("arm", momentum_forms.CLAIM.arms)
def test_forms_of_momentum(arm: str) -> None:
    with np.errstate(all="ignore"):
        found = momentum_forms.run(job(momentum_forms.CLAIM, arm, learning_rate=HUGE))
    assert math.isnan(found.metrics["distance"])


def test_forms_of_dropout() -> None:
    arm = next(iter(dropout_scaling.CLAIM.arms))
    with np.errstate(all="ignore"):
        found = dropout_scaling.run(job(dropout_scaling.CLAIM, arm, learning_rate=HUGE))
    assert math.isnan(found.metrics["same_rate"])


COUNTING = [name for name in claims.names() if "log2_steps" in claims.get(name).metrics]


@pytest.mark.parametrize("name", COUNTING)
def test_a_count_of_steps_is_none_where_it_diverged(name: str) -> None:
    described = claims.get(name)
    arm = described.arms_at(described.budgets["smoke"])[0]
    with np.errstate(all="ignore"):
        found = claims.module(name).run(job(described, arm, learning_rate=HUGE)).metrics
    assert math.isnan(found["log2_steps"])
    assert found[described.censored["log2_steps"]] == 0


def test_claims_count_steps() -> None:
    assert {"optimizers", "relu_convergence", "batch_norm_iterations"} <= set(COUNTING)


@pytest.mark.parametrize("name", claims.names())
def test_every_rule_is_about_arms_and_metrics_that_there_are(name: str) -> None:
    described = claims.get(name)
    for hypothesis in described.hypotheses:
        rule = hypothesis.rule
        assert rule.metric in described.metrics
        assert {rule.arm, getattr(rule, "baseline", rule.arm)} <= described.arms.keys()
    assert set(described.clocked) <= described.metrics.keys()
    assert {*described.censored, *described.censored.values()} <= described.metrics.keys()
