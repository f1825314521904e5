"""Every rule is measured on a net of its own, which it moves as it moves any."""

import math

import numpy as np
import pytest

from bench.claims import optimizer_cost
from bench.claims.optimizer_cost import CLAIM, CONTROL, OPTIMIZERS, PLAIN
from bench.timing import turns
from tests.bench.claims.jobs import job


def test_what_is_dearer_has_a_positive_cost(monkeypatch: pytest.MonkeyPatch) -> None:
    """Adam twice as dear as plain descent, momentum and Adagrad as dear: log2 says 1, 0, 0."""
    seconds = {**dict.fromkeys(OPTIMIZERS, 0.01), "adam": 0.02, CONTROL: 0.01}
    calls_made: list[set[str]] = []

    def measured(calls: dict, settle: object, rounds: int, at_least: float) -> dict:
        calls_made.append(set(calls))
        for call in calls.values():
            call()
        return {name: [taken] * rounds for name, taken in seconds.items()}

    monkeypatch.setattr(turns, "measure", measured)
    outcome = optimizer_cost.run(job(CLAIM, "mlp"))
    assert calls_made == [{*OPTIMIZERS, CONTROL}]
    assert outcome.metrics["adam"] == pytest.approx(1.0)
    assert [outcome.metrics[n] for n in ("momentum", "adagrad", "control")] == [0.0, 0.0, 0.0]
    assert outcome.metrics["milliseconds"] == pytest.approx(10.0)
    rounds = CLAIM.budgets["smoke"].settings["rounds"]
    assert len(outcome.series["rounds"]) == rounds * len(seconds)


def test_every_rule_has_a_net_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    names: list[str] = []

    def build(job, spec, updates):
        names.append(updates["train"].optimizer.name)
        return system_for(job, spec, updates)

    system_for = optimizer_cost.system_for
    monkeypatch.setattr(optimizer_cost, "system_for", build)
    outcome = optimizer_cost.run(job(CLAIM, "mlp", rounds=1))
    assert names == ["sgd", "momentum", "adagrad", "adam"]
    assert all(math.isfinite(value) for value in outcome.metrics.values())
    assert {row["optimizer"] for row in outcome.series["rounds"]} == {*OPTIMIZERS, CONTROL}
    assert np.isclose(optimizer_cost.TENTH, math.log2(1.1))
    assert {h.rule.metric for h in CLAIM.hypotheses} == set(OPTIMIZERS) - {PLAIN}
