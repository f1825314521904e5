"""What a net with dropout does not know, from several answers to the same question.

Monte-Carlo dropout: T passes with masks and batch norm as it was trained, of softmax p_t each.

    p = (1/T) sum_t p_t                     the answer
    H[p] = -sum_k p_k log p_k               predictive entropy, in nats
    H[p] - (1/T) sum_t H[p_t]               mutual information of the answer and the masks: what the
                                            passes do not agree on

Gal and Ghahramani (2016), "Dropout as a Bayesian approximation"; for maps of classes Kendall,
Badrinarayanan and Cipolla (2015), "Bayesian SegNet". One pass without masks has an entropy too, and
no mutual information: the baseline.

Whether a number is an uncertainty is asked of the errors: how well it ranks them (AUROC; the curve
that is left when the least certain pixels are taken away), and whether confidence is accuracy
(calibration; Guo and others 2017, "On calibration of modern neural networks").
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from sklearn.metrics import roc_auc_score

from bench import training
from bench.contract import INFERENCE, Mode, System
from bench.errors import UserError
from bench.ledger import DATA, LEDGER
from bench.spec import Spec

MONTE_CARLO = Mode(batch_statistics=False, dropout=True)
BINS = 15


@dataclass(frozen=True)
class Prediction:
    """probabilities (..., classes); entropy and mutual_information (...)."""

    probabilities: np.ndarray
    entropy: np.ndarray
    mutual_information: np.ndarray

    @property
    def classes(self) -> np.ndarray:
        return self.probabilities.argmax(axis=-1)


@dataclass(frozen=True)
class Bin:
    """Answers whose confidence lies in (low, high]: how many, their confidence and accuracy."""

    low: float
    high: float
    count: int
    confidence: float
    accuracy: float


def plain(system: System, x: np.ndarray) -> Prediction:
    """One pass without masks."""
    asked = system.evaluate("logits", system.stage({"x": x}), INFERENCE)
    return summarized([asked.outputs["logits"]])


def monte_carlo(system: System, spec: Spec, x: np.ndarray, seed: int, samples: int) -> Prediction:
    """So many passes with masks of the seed. Raises UserError for less than one, and for a net that
    has no mask."""
    if samples < 1:
        raise UserError(f"Monte-Carlo dropout needs 1 sample or more, got {samples}")
    if not spec.options.get("keep"):
        raise UserError(f"Monte-Carlo dropout needs a net with masks, {spec.architecture} has none")

    def passes() -> Iterator[np.ndarray]:
        asked = ({"x": x} for _ in range(samples))
        for batch in LEDGER.each(DATA, training.masked(spec, seed, asked, "monte carlo")):
            answer = system.evaluate("logits", system.stage(batch), MONTE_CARLO)
            yield answer.outputs["logits"]

    return summarized(passes())


def summarized(passes: Iterable[np.ndarray]) -> Prediction:
    """Of the logits (..., classes) of every pass, in float64, one pass at a time in memory."""
    total, entropies, count = np.zeros(()), np.zeros(()), 0
    for logits in passes:
        probabilities = softmax(logits)
        total, entropies = total + probabilities, entropies + entropy(probabilities)
        count += 1
    mean = total / count
    predictive = entropy(mean)
    return Prediction(mean, predictive, predictive - entropies / count)


def softmax(logits: np.ndarray) -> np.ndarray:
    """Over the last axis, in float64."""
    shifted = logits.astype(np.float64) - logits.max(axis=-1, keepdims=True)
    exponentials = np.exp(shifted)
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


def entropy(probabilities: np.ndarray) -> np.ndarray:
    """-sum_k p_k log p_k over the last axis, 0 log 0 being 0."""
    logs = np.log(np.where(probabilities > 0, probabilities, 1.0))
    return -(probabilities * logs).sum(axis=-1)


def auroc(score: np.ndarray, wrong: np.ndarray) -> float:
    """How often a wrong answer has a higher score than a right one, ties counting a half.

    Not-a-number where all answers are wrong, or none, or a score is not finite: of a net that
    diverged. Raises UserError for another size.
    """
    _check_sizes(score, wrong)
    if wrong.all() or not wrong.any() or not np.isfinite(score).all():
        return float("nan")
    return float(roc_auc_score(wrong.ravel(), score.ravel()))


def sparsification_error(score: np.ndarray, wrong: np.ndarray) -> float:
    """The area between two curves: the error rate of what is left when the answers of the highest
    scores are taken away, and when the wrong ones are taken first.

        (1/N) sum_(n = 1..N) [errors among the n lowest by score - among the n best] / n

    0 for a score by which every wrong answer is above every right one. Of equal scores the first
    comes first. Ilg and others (2018), "Uncertainty estimates and multi-hypotheses networks for
    optical flow". Raises UserError for another size.
    """
    _check_sizes(score, wrong)
    flat = wrong.ravel().astype(np.float64)
    left = np.arange(1, flat.size + 1)
    ordered = np.cumsum(flat[np.argsort(score.ravel(), kind="stable")])
    best = np.cumsum(np.sort(flat))
    return float(((ordered - best) / left).mean())


def reliability(probabilities: np.ndarray, labels: np.ndarray, bins: int = BINS) -> list[Bin]:
    """By confidence, the largest probability, in bins of equal width; those without an answer are
    left out. Raises UserError for labels of another size, and for less than one bin."""
    if bins < 1:
        raise UserError(f"calibration needs 1 bin or more, got {bins}")
    _check_sizes(probabilities[..., 0], labels)
    confidence = probabilities.max(axis=-1).ravel()
    right = (probabilities.argmax(axis=-1) == labels).ravel()
    number = np.ceil(confidence * bins).astype(int).clip(1, bins) - 1
    counts = np.bincount(number, minlength=bins)
    sums = np.bincount(number, confidence, bins), np.bincount(number, right, bins)
    return [
        Bin(k / bins, (k + 1) / bins, int(counts[k]), *(float(s[k] / counts[k]) for s in sums))
        for k in range(bins)
        if counts[k]
    ]


def calibration_error(bins: list[Bin]) -> float:
    """Expected calibration error: sum_b n_b / N |accuracy_b - confidence_b|."""
    total = sum(one.count for one in bins)
    return sum(one.count * abs(one.accuracy - one.confidence) for one in bins) / total


def _check_sizes(one: np.ndarray, other: np.ndarray) -> None:
    if one.shape != other.shape or one.size == 0:
        raise UserError(f"answers of size {one.shape} are judged by {other.shape}")
