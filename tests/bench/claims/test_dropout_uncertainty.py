"""Errors of place and of name are told apart; gains are those of one answer over the other."""

import math

import numpy as np
import pytest

from bench import samples
from bench.claims import dropout_uncertainty as claim
from bench.instruments.uncertainty import MONTE_CARLO, Prediction, entropy
from bench.scenes import digits
from tests.bench.claims.jobs import job


def predicted(probabilities: np.ndarray, information: np.ndarray | None = None) -> Prediction:
    found = entropy(probabilities)
    return Prediction(probabilities, found, found if information is None else information)


# Of four pixels: the background's is certain, two of three digits' are found, one is misnamed.
TRUTH = np.array([0, 1, 2, 1])
MAPS = np.array(
    [
        [0.98, 0.01, 0.01],
        [0.10, 0.85, 0.05],
        [0.10, 0.50, 0.40],  # found, and called by the other class, with doubt
        [0.60, 0.30, 0.10],  # missed, with doubt
    ]
)


def test_errors_of_place_and_of_name() -> None:
    got = claim.apart(MAPS, TRUTH)
    assert got == {"place": 1.0, "name": 1.0, "naming": 0.5}
    sure = MAPS.copy()
    sure[1], sure[2] = [0.1, 0.5, 0.4], [0.1, 0.85, 0.05]  # doubt where it is right
    assert claim.apart(sure, TRUTH) == {"place": 1.0, "name": 0.0, "naming": 0.5}
    missed = MAPS.copy()
    missed[3] = [0.99, 0.005, 0.005]  # missed, without a doubt
    assert claim.apart(missed, TRUTH)["place"] == 0.0


def test_the_sum_of_two_classes_decides_on_the_place() -> None:
    """Background has the largest share of the three, and a digit is still the likelier."""
    divided = np.array([[0.4, 0.35, 0.25], [0.9, 0.05, 0.05]])
    assert math.isnan(claim.apart(divided, np.array([1, 0]))["place"])  # no error of place


def test_what_was_never_asked_is_not_a_number() -> None:
    nothing = np.tile([0.9, 0.05, 0.05], (3, 1))
    got = claim.apart(nothing, np.array([0, 1, 2]))
    assert math.isnan(got["name"])
    assert got["naming"] == 0


def test_gains_are_of_the_passes_over_the_plain_pass() -> None:
    plain = MAPS.copy()
    plain[3] = [0.995, 0.004, 0.001]  # as wrong as the passes, and surer than anywhere
    got = claim.measured(predicted(plain), predicted(MAPS, np.array([1, 2, 3, 0])), TRUTH)
    assert got["errors"] == 1.0
    assert got["over_plain"] == pytest.approx(1 - 0.5)  # it ranks one of two errors last
    assert got["over_answer"] == pytest.approx(1 - 0.5)  # of two errors one is found to be a digit
    assert got["information"] == pytest.approx(0.5)
    assert got["error"] == got["error_plain"] == 0.5
    confident = [0.98, 0.85, 0.5, 0.6], [0.98, 0.85, 0.5, 0.995]
    right = np.array([1, 1, 0, 0])
    off, off_plain = (np.abs(right - np.array(c)) for c in confident)
    assert got["calibration_error"] == pytest.approx(off.mean())  # each pixel in a bin of its own
    both = abs(2 - 0.98 - 0.995 - 1) / 2  # of the plain pass two share the uppermost
    assert got["calibration"] == pytest.approx(
        (off_plain[1] + off_plain[2] + 2 * both) / 4 - off.mean()
    )


def test_each_answer_is_judged_by_its_own_errors() -> None:
    truth = np.array([0, 0, 1])
    plain = np.array([[0.9, 0.08, 0.02], [0.8, 0.15, 0.05], [0.5, 0.4, 0.1]])  # misses the digit
    passes = np.array([[0.9, 0.08, 0.02], [0.4, 0.5, 0.1], [0.2, 0.7, 0.1]])  # sees one too many
    got = claim.measured(predicted(plain), predicted(passes), truth)
    assert got["errors"] == 1.0
    assert got["over_plain"] == 0.0
    assert got["over_answer"] == pytest.approx(1 - 0.75)
    assert got["foreground_iou"] == 0.5


def test_masks_are_on_and_batch_norm_is_frozen() -> None:
    assert MONTE_CARLO.dropout
    assert not MONTE_CARLO.batch_statistics
    net = claim.net(32, 3)
    assert set(net.options["keep"]) == {"pool2", "pool3", "decode2", "decode3"}
    assert set(net.options["keep"].values()) == {0.5}
    assert claim.net(24, 1).options["keep"]  # at the smoke budget too


def test_a_run_that_diverged_has_no_number() -> None:
    with np.errstate(all="ignore"):
        found = claim.run(job(claim.CLAIM, claim.ARM, learning_rate=1e200)).metrics
    assert found.keys() == claim.CLAIM.metrics.keys()
    assert all(map(math.isnan, found.values()))


def test_what_is_shown_is_what_was_found_and_how_uncertain() -> None:
    data = digits.prepare(0, 8, 8, 24)
    flat = np.full((*data.test_y.shape, 3), 1 / 3)
    rows = claim.shown(data, predicted(flat), predicted(flat, np.zeros(data.test_y.shape)))
    first = {row["column"]: samples.pixels(row) for row in rows if row["scene"] == 0}
    np.testing.assert_array_equal(first["truth"], data.test_y[0])
    np.testing.assert_array_equal(first["wrong pixels"] > 0, data.test_y[0] > 0)
    assert (first["predictive entropy"] == 255).all()  # log 3 is the top of the scale
    assert (first["softmax entropy"] == 255).all()
    assert (first["mutual information"] == 0).all()
