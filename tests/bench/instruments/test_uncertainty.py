"""Entropies, ranks and calibration, by numbers that can be computed by hand."""

import math

import numpy as np
import pytest

from bench import weights
from bench.contract import INFERENCE, Config
from bench.errors import UserError
from bench.instruments import uncertainty
from bench.instruments.uncertainty import Bin
from bench.randomness import stream
from bench.specs import segnet
from implementations.numpy import adapter

SURE, TORN = np.array([50.0, 0.0]), np.array([0.0, 0.0])


def test_passes_that_agree_have_no_mutual_information() -> None:
    found = uncertainty.summarized([np.array([SURE, TORN])] * 3)
    np.testing.assert_allclose(found.entropy, [0, math.log(2)], atol=1e-15)
    np.testing.assert_allclose(found.mutual_information, [0, 0], atol=1e-15)
    np.testing.assert_allclose(found.probabilities[1], [0.5, 0.5])


def test_passes_that_contradict_each_other_are_all_mutual_information() -> None:
    """Each is sure of another class: together they are as torn as one that is torn."""
    found = uncertainty.summarized([SURE[None], SURE[None, ::-1]])
    np.testing.assert_allclose(found.entropy, math.log(2))
    np.testing.assert_allclose(found.mutual_information, math.log(2), rtol=1e-12)


def test_mutual_information_is_entropy_of_the_mean_less_the_mean_of_entropies() -> None:
    logits = stream(0, "passes").normal(size=(5, 2, 3, 4)) * 3
    found = uncertainty.summarized(iter(logits))
    p = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    own = -(p * np.log(p)).sum(-1)
    mean = p.mean(0)
    np.testing.assert_allclose(found.probabilities, mean)
    np.testing.assert_allclose(found.entropy, -(mean * np.log(mean)).sum(-1))
    np.testing.assert_allclose(found.mutual_information, found.entropy - own.mean(0), atol=1e-14)
    assert found.mutual_information.min() > 0
    np.testing.assert_array_equal(found.classes, mean.argmax(-1))


def test_large_logits_and_float32_are_no_obstacle() -> None:
    p = uncertainty.softmax(np.array([[1000.0, 0.0], [-1000.0, -1000.0]], np.float32))
    assert p.tolist() == [[1.0, 0.0], [0.5, 0.5]]
    assert uncertainty.entropy(p).tolist() == [0.0, math.log(2)]


# --- ranks


def test_auroc_is_the_share_of_pairs_in_order() -> None:
    score, wrong = np.array([0.1, 0.4, 0.35, 0.8]), np.array([False, False, True, True])
    assert uncertainty.auroc(score, wrong) == 0.75
    assert uncertainty.auroc(np.ones(4), wrong) == 0.5
    assert uncertainty.auroc(score.reshape(2, 2), wrong.reshape(2, 2)) == 0.75
    assert math.isnan(uncertainty.auroc(score, np.zeros(4, bool)))
    assert math.isnan(uncertainty.auroc(np.array([0.1, np.nan, 0.3, 0.4]), wrong))
    assert math.isnan(uncertainty.auroc(score, np.ones(4, bool)))


def test_sparsification_against_the_best_order() -> None:
    wrong = np.array([True, False, False, True])
    assert uncertainty.sparsification_error(np.array([3, 1, 2, 4]), wrong) == 0.0
    # In the order of scores the answers are wrong, right, right, wrong: errors among the n lowest
    # are 1, 1, 1, 2, among the n best 0, 0, 1, 2.
    found = uncertainty.sparsification_error(np.array([1, 2, 3, 4]), wrong)
    assert found == pytest.approx((1 / 1 + 1 / 2 + 0 + 0) / 4)


# --- calibration


def test_reliability_by_hand() -> None:
    confidence = np.array([0.55, 0.6, 0.9, 1.0])
    probabilities = np.stack([confidence, 1 - confidence], axis=-1)
    bins = uncertainty.reliability(probabilities, np.array([0, 1, 0, 0]), bins=5)
    assert [(one.low, one.high, one.count) for one in bins] == [(0.4, 0.6, 2), (0.8, 1.0, 2)]
    assert [one.accuracy for one in bins] == [0.5, 1.0]
    np.testing.assert_allclose([one.confidence for one in bins], [0.575, 0.95])
    expected = 0.5 * abs(0.5 - 0.575) + 0.5 * abs(1.0 - 0.95)
    assert uncertainty.calibration_error(bins) == pytest.approx(expected)


def test_answers_drawn_by_their_own_probabilities_are_calibrated() -> None:
    draws = stream(1, "calibration")
    p = draws.uniform(0.5, 1, 200_000)
    probabilities = np.stack([p, 1 - p], axis=-1)
    labels = (draws.random(len(p)) > p).astype(int)
    bins = uncertainty.reliability(probabilities, labels)
    assert uncertainty.calibration_error(bins) < 0.005
    assert sum(one.count for one in bins) == len(p)
    wrong = uncertainty.reliability(probabilities**4, labels)
    assert uncertainty.calibration_error(wrong) > 0.1


def test_a_confidence_of_one_is_in_the_last_bin() -> None:
    assert uncertainty.reliability(np.array([[1.0, 0.0]]), np.array([0]), 4) == [
        Bin(0.75, 1.0, 1, 1.0, 1.0)
    ]


# --- a net with masks


def bayesian():
    spec = segnet.spec((8, 8, 1), 3, (3, 4), (1, 1), dropout="inverted", keep=0.5)
    system = adapter.build(spec, {}, Config(dtype="float64"))
    system.load(weights.initial(spec, 0))
    return spec, system, stream(2, "images").normal(size=(3, 8, 8, 1))


def test_masks_are_those_of_the_seed_and_batch_norm_stays_as_it_is() -> None:
    spec, system, x = bayesian()
    before = system.export().buffers
    one, again, other = (uncertainty.monte_carlo(system, spec, x, seed, 4) for seed in (0, 0, 1))
    np.testing.assert_array_equal(one.probabilities, again.probabilities)
    assert (one.probabilities != other.probabilities).any()
    assert one.mutual_information.max() > 1e-3
    for name, array in system.export().buffers.items():
        np.testing.assert_array_equal(array, before[name])
    # Of one scene alone as of three: batch norm does not see the others.
    plain = uncertainty.plain(system, x)
    np.testing.assert_allclose(uncertainty.plain(system, x[:1]).entropy, plain.entropy[:1])
    np.testing.assert_allclose(plain.mutual_information, 0, atol=1e-14)
    logits = system.evaluate("logits", system.stage({"x": x}), INFERENCE).outputs["logits"]
    np.testing.assert_array_equal(plain.probabilities, uncertainty.softmax(logits))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: uncertainty.auroc(np.ones(3), np.ones(4, bool)), r"\(3,\) are judged by \(4,\)"),
        (lambda: uncertainty.sparsification_error(np.ones(0), np.ones(0)), r"\(0,\) are judged"),
        (lambda: uncertainty.reliability(np.ones((2, 3)), np.ones(3)), r"\(2,\) are judged"),
        (lambda: uncertainty.reliability(np.ones((2, 3)), np.ones(2), 0), "1 bin or more, got 0"),
    ],
)
def test_what_cannot_be_judged_is_refused(call, message: str) -> None:
    with pytest.raises(UserError, match=message):
        call()


def test_monte_carlo_without_a_sample_or_a_mask_is_refused() -> None:
    spec, system, x = bayesian()
    with pytest.raises(UserError, match="needs 1 sample or more, got 0"):
        uncertainty.monte_carlo(system, spec, x, 0, 0)
    with pytest.raises(UserError, match="needs a net with masks, segnet has none"):
        uncertainty.monte_carlo(system, segnet.spec(), x, 0, 1)
