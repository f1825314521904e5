"""The claims about residual nets: what they compute themselves, and runs that diverge."""

import math
from typing import Any

import numpy as np
import pytest

from bench import claim as claims
from bench.claims import residual_branches, residual_depth, residual_gradients
from bench.errors import UserError
from tests.bench.claims.jobs import job

GRADIENTS, DEPTH, BRANCHES = (
    claims.get(f"residual_{name}") for name in ("gradients", "depth", "branches")
)
HUGE = 1e30


def test_the_slope_of_the_gradient_is_by_depth() -> None:
    assert residual_gradients.per_layer({8: 0.5, 20: 7.0, 56: 0.5 * 2**24}) == 0.5
    assert residual_gradients.per_layer({8: 4.0, 56: 4.0 / 2**12}) == -0.25
    assert residual_gradients.per_layer({8: 3.0}) == 0
    for lost in (0.0, math.inf, math.nan):
        assert math.isnan(residual_gradients.per_layer({8: 1.0, 56: lost}))


def test_depths_that_go_the_wrong_way_are_refused() -> None:
    with pytest.raises(UserError, match="got 56 and 8 layers"):
        residual_gradients.run(job(GRADIENTS, "plain", shallowest=56, deepest=8))


def test_images_stand_in_the_middle_of_their_background() -> None:
    x = np.full((2, 28, 28, 1), 0.5)
    x[0, 0, 0, 0] = -1.0
    framed = residual_gradients.framed(x)
    assert framed.shape == (2, 32, 32, 1)
    assert (framed[:, 2:30, 2:30] == x).all()
    assert (framed[:, [0, 1, 30, 31]] == -1.0).all()


@pytest.mark.parametrize("norm", ["", "_norm"])
def test_gradients_of_every_depth_and_layer(norm: str) -> None:
    """A slope has both depths, a picture every convolution of the deepest net."""
    found = {
        kind: residual_gradients.run(job(GRADIENTS, f"{kind}{norm}", deepest=20, apart=12))
        for kind in residual_gradients.KINDS
    }
    for outcome in found.values():
        assert outcome.metrics.keys() == GRADIENTS.metrics.keys()
        shallow, deep = (float(row["gradient"]) for row in outcome.series["depths"])
        growth = math.log2(deep / shallow) / 12
        assert outcome.metrics["growth"] == pytest.approx(growth)
        assert outcome.metrics["shrinkage"] == -outcome.metrics["growth"]
        assert outcome.metrics["drift"] == abs(outcome.metrics["growth"])
        layers = outcome.series["layers"]
        assert len(layers) == 19  # convolutions: all but the dense layer
        assert layers[0]["gradient"] == deep
    growth = {kind: outcome.metrics["growth"] for kind, outcome in found.items()}
    worst = max(growth, key=lambda kind: growth[kind])
    assert worst == ("plain" if norm else "residual")


def test_the_gradient_does_not_depend_on_the_scale_of_the_batch() -> None:
    """Twice the same images: the mean over the batch halves the gradients, and the ratio stays."""
    few, many = (
        residual_gradients.signal.levels(system, "ask", batch, ["conv1", "logits"])
        for system, batch in _twice()
    )
    assert few[0].backward == pytest.approx(2 * many[0].backward)
    ratios = [levels[0].backward / levels[1].backward for levels in (few, many)]
    assert ratios[0] == pytest.approx(ratios[1])


def _twice():
    given = job(GRADIENTS, "residual")
    spec = residual_gradients.net("residual", 8)
    update = {"ask": residual_gradients.Update("cross_entropy", ("",), residual_gradients.sgd())}
    x = np.random.default_rng(0).standard_normal((2, 32, 32, 1))
    y = np.array([3, 7])
    for times in (1, 2):
        system = residual_gradients.system_for(given, spec, update, "float64")
        system.load(residual_gradients.weights.initial(spec, 0))
        yield system, {"x": np.tile(x, (times, 1, 1, 1)), "y": np.tile(y, times)}


def test_what_depth_costs() -> None:
    found = residual_depth.metrics({8: 0.5, 20: 0.75, 44: math.nan})
    assert (found["cost_20"], found["gain_20"]) == (0.25, -0.25)
    assert math.isnan(found["loss_44"])
    assert found["cost_44"] == pytest.approx(math.log(10) - 0.5)
    fewer = residual_depth.metrics({8: 0.5, 20: 0.75})  # a net that was not trained costs nothing
    assert math.isnan(fewer["cost_44"])
    lost = residual_depth.metrics({8: math.nan, 20: 0.75})
    assert math.isnan(lost["cost_20"])
    assert math.isnan(lost["gain_20"])


def test_every_rule_has_nets_that_are_trained() -> None:
    for budget in ("standard", "extended"):
        settings = DEPTH.budgets[budget].settings
        for hypothesis in DEPTH.hypotheses:
            depth = hypothesis.rule.metric.rpartition("_")[2]
            for kind in residual_depth.KINDS:
                assert f"{kind}_{depth}_rate" in settings


@pytest.mark.parametrize("kind", residual_depth.KINDS)
def test_a_run_trains_a_net_for_every_rate(kind: str) -> None:
    rates: dict[str, Any] = {"plain_8_rate": 0.1, "residual_8_rate": 0.1, f"{kind}_20_rate": 0.1}
    outcome = residual_depth.run(job(DEPTH, kind, steps=10, **rates))
    assert outcome.metrics.keys() == DEPTH.metrics.keys()
    known = {name for name, value in outcome.metrics.items() if math.isfinite(value)}
    assert known == {"loss_8", "loss_20", "cost_20", "gain_20"}
    assert {row["net"] for row in outcome.series["losses"]} == {
        f"{kind}, 8 layers",
        f"{kind}, 20 layers",
    }


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # NumPy tells of what overflows
def test_a_net_that_diverged_has_no_loss() -> None:
    found = residual_depth.run(job(DEPTH, "residual", residual_8_rate=HUGE, steps=4))
    assert math.isnan(found.metrics["loss_8"])


@pytest.mark.parametrize("arm", ["residual_8", "plain_20"])
def test_every_block_is_seen_before_and_after(arm: str) -> None:
    outcome = residual_branches.run(job(BRANCHES, arm))
    assert outcome.metrics.keys() == BRANCHES.metrics.keys()
    assert all(math.isfinite(value) for value in outcome.metrics.values())
    rows = outcome.series["response"]
    assert len(rows) == {"residual_8": 6, "plain_20": 18}[arm]
    trained = [float(r["response"]) for r in rows if r["net"] == f"{arm}, trained"]
    assert outcome.metrics["response"] == pytest.approx(np.mean(trained))
    start = [float(r["response"]) for r in rows if r["net"] == f"{arm}, initial weights"]
    assert start == pytest.approx([0] * len(start), abs=1e-3)
    ratios = [[], []]
    for row in outcome.series["ratio"]:
        ratios[row["net"] == f"{arm}, trained"].append(float(row["ratio"]))
    before, after = map(np.mean, ratios)
    assert outcome.metrics["below"] == pytest.approx(-after)
    assert outcome.metrics["shrunk"] == pytest.approx(before - after)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_block_of_a_diverged_net_has_no_size() -> None:
    found = residual_branches.run(job(BRANCHES, "residual_8", learning_rate=HUGE, steps=4))
    assert all(math.isnan(value) for value in found.metrics.values())


@pytest.mark.parametrize("described", [GRADIENTS, DEPTH, BRANCHES], ids=lambda c: c.name)
def test_every_figure_has_its_series(described: claims.Claim) -> None:
    arm = described.arms_at(described.budgets["smoke"])[0]
    drawn = claims.module(described.name).run(job(described, arm, steps=12)).series
    for figure in described.figures:
        assert {figure.x, figure.y, figure.hue} <= drawn[figure.series][0].keys()
