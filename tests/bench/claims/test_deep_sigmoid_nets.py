"""The gradient of sigmoid and ReLU nets before training, and the claim's own bookkeeping."""

import math

import pytest

from bench import claim as claims
from bench.claims import deep_sigmoid_nets as deep
from tests.bench.claims.jobs import job

CLAIM = claims.get("deep_sigmoid_nets")


def test_every_arm_is_searched_where_its_budget_runs_it() -> None:
    assert CLAIM.search is not None
    assert CLAIM.search.grid.keys() == CLAIM.arms.keys()
    assert CLAIM.search.metric in CLAIM.metrics


def test_a_sigmoid_net_hands_back_less_of_its_gradient() -> None:
    found = {name: deep.run(job(CLAIM, name, steps=2)) for name in ("sigmoid_6", "relu_6")}
    lost = {name: outcome.metrics["halvings"] for name, outcome in found.items()}
    assert lost["sigmoid_6"] > lost["relu_6"] + 1
    assert len(found["relu_6"].series["levels"]) == 7


def test_a_run_that_never_gets_there_is_censored_at_its_horizon() -> None:
    outcome = deep.run(job(CLAIM, "sigmoid_2", steps=16))
    assert outcome.metrics.keys() == CLAIM.metrics.keys()
    assert (outcome.metrics["log2_steps"], outcome.metrics["reached"]) == (4, 0)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # NumPy tells of what overflows
def test_a_diverged_run_is_a_result() -> None:
    outcome = deep.run(job(CLAIM, "relu_2", steps=16, learning_rate=1e30))
    assert math.isnan(outcome.metrics["accuracy"])
    assert math.isnan(outcome.metrics["train_loss"])
    assert math.isnan(outcome.metrics["log2_steps"])
