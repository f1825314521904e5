"""The laws' values, runs that follow them, and which rules a hypothesis tells apart."""

import numpy as np
import pytest

from bench import claim as claims
from bench.claims import initialization_signal
from bench.claims.initialization_signal import NETS, Net, laws
from bench.hypothesis import Within
from tests.bench.claims.jobs import job

CLAIM = claims.get("initialization_signal")


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
def test_equal_widths_have_one_gain(activation: str, rule: str, expected: float) -> None:
    found = laws(Net("equal", activation, rule))
    assert [found[m] for m in ("forward", "backward", "balance")] == pytest.approx([expected] * 3)
    assert found["forward_swing"] == found["backward_swing"] == 0


PAIR = np.log2([0.64, 0.16]) / 4  # 4nm/(n+m)^2 and a quarter of it, a pair of layers
ALTERNATING = {  # rule -> forward, backward, swings of both, balance
    "xavier": (0.0, 0.0, 0.0, 2.0, np.log2(1.5625) / 2),
    "he": (0.5, 0.5, 0.0, 2.0, np.log2(1.5625) / 2 + 0.5),
    "glorot": (PAIR[0], PAIR[0], -1.0, 1.0, 0.0),
    "glorot_printed": (PAIR[1], PAIR[1], -1.0, 1.0, -0.5),
}


@pytest.mark.parametrize("rule", ALTERNATING)
def test_alternating_widths_tell_the_rules_apart(rule: str) -> None:
    found = laws(NETS[f"alternating_linear_{rule}"])
    assert tuple(found.values()) == pytest.approx(ALTERNATING[rule])


def test_no_arm_runs_twice_under_two_names() -> None:
    """At equal widths the published rule has Xavier's variance: it is no arm of its own there."""
    assert laws(Net("equal", "relu", "glorot")) == laws(Net("equal", "relu", "xavier"))
    assert not any(net.widths == "equal" and net.rule == "glorot" for net in NETS.values())


def test_the_erratum_rests_on_what_only_the_published_rule_does() -> None:
    """By the laws: the interval that judges it holds the published rule alone."""
    (erratum,) = CLAIM.errata
    rules = {h.name: h.rule for h in CLAIM.hypotheses}
    printed, mended = rules[erratum.refuted_by], rules[erratum.supported_by]
    assert isinstance(printed, Within)
    assert isinstance(mended, Within)
    assert (printed.metric, printed.low, printed.high) == ("balance", mended.low, mended.high)
    assert NETS[printed.arm].rule == "glorot_printed"
    assert NETS[mended.arm].rule == "glorot"
    inside = {
        net.rule
        for net in NETS.values()
        if (net.widths, net.activation) == ("alternating", "linear")
        and mended.low <= laws(net)["balance"] <= mended.high
    }
    assert inside == {"glorot"}


def test_what_the_published_rule_does_is_not_what_xavier_does() -> None:
    published = [h.rule for h in CLAIM.hypotheses if h.name.startswith("Glorot as published")]
    xavier = laws(NETS["alternating_linear_xavier"])
    assert len(published) == 5
    for rule in published:
        assert isinstance(rule, Within)
        assert not rule.low <= xavier[rule.metric] <= rule.high


@pytest.mark.parametrize("arm", ["linear_glorot_printed", "alternating_linear_glorot"])
def test_a_run_follows_the_laws_and_draws_them(arm: str) -> None:
    net = NETS[arm]
    outcome = initialization_signal.run(job(CLAIM, arm))
    assert outcome.metrics.keys() == CLAIM.metrics.keys()
    for metric, expected in laws(net).items():
        assert outcome.metrics[metric] == pytest.approx(expected, abs=0.1)
    rows = outcome.series[net.series]
    sizes = [float(row["forward"]) for row in rows]
    assert len(rows) == 20
    assert np.log2(sizes[-1] / sizes[0]) == pytest.approx(outcome.metrics["total"])


def test_every_series_is_drawn() -> None:
    drawn = {figure.series for figure in CLAIM.figures}
    assert drawn == {net.series for net in NETS.values()} - {"alternating_relu"}  # a single rule
