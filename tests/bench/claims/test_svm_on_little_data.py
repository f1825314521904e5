"""Machine and net see the same images, the parts that they are measured on do not overlap, and the
clock of either stops when it has learned."""

import itertools
import math

import numpy as np
import pytest

from bench import claim as claims
from bench import conventions, dataset, systems, training, weights
from bench.claims import svm_on_little_data as little
from bench.contract import Config, Update
from bench.optimizers import momentum
from bench.specs import mlp
from tests.bench.claims.jobs import job

CLAIM = claims.get("svm_on_little_data")


def test_validation_follows_training_and_the_test_is_apart() -> None:
    data = dataset.prepare("mnist5k", 0)
    found = little.parts(data, 100)
    assert {name: len(y) for name, (_, y) in found.items()} == {
        "accuracy": 1000,
        "train_accuracy": 100,
        "validation_error": 1000,
    }
    np.testing.assert_array_equal(found["validation_error"][1], data.train_y[100:1100])
    assert len(little.parts(data, 4000)["validation_error"][1]) == 1000


def test_a_machine_learns_what_it_saw() -> None:
    outcome = little.run(job(CLAIM, "svm_100"))
    assert outcome.metrics.keys() == CLAIM.metrics.keys()
    assert outcome.metrics["train_accuracy"] == 1.0
    assert 0.5 < outcome.metrics["accuracy"] < 0.95


def test_a_net_sees_the_first_images_alone() -> None:
    outcome = little.run(job(CLAIM, "mlp_100", steps=60))
    assert outcome.metrics.keys() == CLAIM.metrics.keys()
    assert outcome.record["data"]["train"] == 100
    assert outcome.metrics["train_accuracy"] > 0.9


@pytest.fixture
def seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock on which whatever is measured takes a second."""
    ticks = itertools.count()
    monkeypatch.setattr(little.time, "process_time", lambda: float(next(ticks)))


@pytest.mark.usefixtures("seconds")
def test_the_clock_of_a_net_stops_after_the_epoch_in_which_it_has_learned() -> None:
    """Epochs are of two steps; a net that learned goes on, and its clock does not."""
    found = little.run(job(CLAIM, "mlp_100", steps=60))
    learned = found.record["learned_after"]
    assert learned % 2 == 0
    assert 2 < learned < 60
    assert found.metrics["learned"] == 1
    assert found.metrics["time"] == pytest.approx(math.log2(1000 * learned))
    before = little.run(job(CLAIM, "mlp_100", steps=learned - 1))
    assert before.record["learned_after"] is None
    assert before.metrics["learned"] == 0
    assert before.metrics["time"] == pytest.approx(math.log2(1000 * (learned - 1)))


@pytest.mark.usefixtures("seconds")
def test_the_clock_of_a_machine_is_that_of_one_fit() -> None:
    found = little.run(job(CLAIM, "svm_100"))
    assert found.metrics["time"] == pytest.approx(math.log2(1000))
    assert found.series["sizes"][0]["milliseconds"] == pytest.approx(1000)


def test_what_warms_the_net_up_is_undone() -> None:
    """Two steps, and not three, from the initial weights."""
    asked = job(CLAIM, "mlp_100", steps=2)
    found = little.run(asked)
    update = {training.TRAIN: Update("cross_entropy", ("",), momentum(conventions.MOMENTUM))}
    system = systems.build(asked.adapter, mlp.spec(), update, Config())
    system.load(weights.initial(mlp.spec(), 0))
    data = dataset.prepare("mnist5k", 0)
    given = training.batches(dataset.first(data, 100), 0, asked.settings["batch_size"], 2)
    training.fit(system, given, asked.settings["learning_rate"])
    for metric, (x, y) in little.parts(data, 100).items():
        share = training.test(system, x, y)[0]
        assert found.metrics[metric] == (1 - share if metric == "validation_error" else share)


def test_a_net_that_diverges_has_no_time() -> None:
    with np.errstate(all="ignore"):
        found = little.run(job(CLAIM, "mlp_100", learning_rate=1e30))
    assert found.metrics.keys() == CLAIM.metrics.keys()
    assert all(math.isnan(value) for value in found.metrics.values())


def test_every_net_is_searched() -> None:
    assert CLAIM.search is not None
    assert set(CLAIM.search.grid) | set(little.SVM) == set(CLAIM.arms)
