"""Machine and net see the same images, and the parts that they are measured on do not overlap."""

import numpy as np

from bench import claim as claims
from bench import dataset
from bench.claims import svm_on_little_data as little
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


def test_every_net_is_searched() -> None:
    assert CLAIM.search is not None
    assert set(CLAIM.search.grid) | set(little.SVM) == set(CLAIM.arms)
