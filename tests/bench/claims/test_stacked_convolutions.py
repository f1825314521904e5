"""Counts from the paper, nets that differ in nothing but their kernels, and nets that diverge."""

import math

import numpy as np
import pytest

from bench import claim as claims
from bench.claims import stacked_convolutions as stacks
from bench.errors import UserError
from bench.spec import Spec
from bench.specs import vgg
from tests.bench.claims.jobs import job


def nets_of(arm: str) -> dict[str, Spec]:
    return stacks.nets(stacks.PAIRS[arm], 8, stacks.INPUTS, stacks.CLASSES)


@pytest.mark.parametrize("arm", stacks.PAIRS)
def test_nets_of_a_pair_see_the_same_pixels_and_begin_alike(arm: str) -> None:
    pair = stacks.PAIRS[arm]
    nets = nets_of(arm)
    assert stacks.view(pair.stacked) == stacks.view(pair.single)
    if arm != "one_stage":
        first = [net.parameters["conv1_1/weight"].shape for net in nets.values()]
        assert first == [(3, 3, 1, 8), (3, 3, 1, 8), (3, 3, 1, 7)]
    single = nets["width"]
    assert {p.shape[-1] for n, p in single.parameters.items() if n.startswith("conv")} == {8}
    assert (not single.buffers) == (arm == "plain")


def test_the_view_is_counted_pixel_by_pixel() -> None:
    """A pixel is seen if some tap joins it to the unit, window by window from behind."""
    pair = stacks.PAIRS["batch_norm"]
    for stages in (pair.stacked, pair.single):
        felt = {0}
        for kernels in reversed(stages):
            felt = {2 * unit + tap for unit in felt for tap in range(2)}
            for kernel in reversed(kernels):
                felt = {unit + tap for unit in felt for tap in range(kernel)}
        assert stacks.view(stages) == max(felt) + 1 == 42


def test_equal_parameters_are_nearly_equal() -> None:
    """By hand, with channels 7, 6 and 7: 9x7 + 25x42 + 49x42 + 2x20 of batch norm + 112x12 + 12."""
    nets = nets_of("batch_norm")
    by_hand = 63 + 1050 + 2058 + 40 + 1344 + 12
    assert nets["parameters"].parameter_count == by_hand
    stacked = 72 + 2 * 576 + 3 * 576 + 2 * 48 + 16 * 8 * 12 + 12
    assert nets["stacked"].parameter_count == stacked
    assert nets["width"].parameter_count == 72 + 1600 + 3136 + 2 * 24 + 16 * 8 * 12 + 12
    assert abs(stacked / by_hand - 1) < 0.01


def test_a_net_that_diverged_counts_as_one_that_guesses() -> None:
    gains = stacks.gains(
        {"stacked": 1.0, "width": math.nan, "parameters": 1.5},
        {"stacked": 0.5, "width": math.nan, "parameters": 0.25},
    )
    assert gains == {
        "loss_gain_width": math.log(12) - 1,
        "loss_gain_parameters": 0.5,
        "accuracy_gain_width": 0.5 - 1 / 12,
        "accuracy_gain_parameters": 0.25,
    }
    lost = stacks.gains(
        {"stacked": math.nan, "width": math.nan, "parameters": 1.5},
        {"stacked": math.nan, "width": math.nan, "parameters": 0.25},
    )
    assert lost["loss_gain_width"] == lost["accuracy_gain_width"] == 0
    assert max(lost["loss_gain_parameters"], lost["accuracy_gain_parameters"]) < 0


def test_a_run_counts_what_was_built() -> None:
    claim = claims.get("stacked_convolutions")
    outcome = stacks.run(job(claim, "one_stage"))
    assert outcome.metrics.keys() == claim.metrics.keys()
    assert outcome.metrics["two_error"] == outcome.metrics["three_error"] == 0
    assert outcome.metrics["two_doubling"] == pytest.approx(54 / 50)
    assert outcome.metrics["three_doubling"] == pytest.approx(90 / 98)
    assert outcome.metrics["view_error"] == 0


def test_a_diverged_run_is_kept() -> None:
    claim = claims.get("stacked_convolutions")
    with np.errstate(all="ignore"):
        found = stacks.run(job(claim, "plain", learning_rate=1e38, steps=8)).metrics
    assert math.isnan(found["loss_stacked"] + found["accuracy_stacked"])
    assert all(math.isfinite(value) for name, value in found.items() if "gain" in name)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: vgg.net(((3, 2),), (4,)), r"odd sides, got \[\[3, 2\]\]"),
        (lambda: vgg.net(((3,),), (0,)), r"widths must be at least 1, got \[0\]"),
        (lambda: vgg.net(((3,), (3,)), (4, 4), (30, 32, 3)), "multiples of 4, got"),
    ],
)
def test_what_is_no_net_is_refused(call, message: str) -> None:
    with pytest.raises(UserError, match=message):
        call()
