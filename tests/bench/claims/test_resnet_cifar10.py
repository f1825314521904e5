"""The recipe of the paper, number by number, and what a net is shown."""

import dataclasses
import math
from pathlib import Path

import numpy as np
import pytest

from bench import claim as claims
from bench import dataset
from bench.claims import resnet_cifar10 as published
from bench.dataset import Images
from bench.datasets import cifar10
from bench.errors import UserError
from bench.randomness import stream
from bench.specs import resnet
from tests.bench.claims.jobs import job

CLAIM = claims.get("resnet_cifar10")
UNREACHABLE = "http://127.0.0.1:1"


@pytest.fixture
def colors(monkeypatch: pytest.MonkeyPatch) -> Images:
    """Twelve images of CIFAR-10's kind, eight of them for training."""
    draws = stream(0, "colors")
    images = Images(draws.integers(0, 256, (12, 32, 32, 3), np.uint8), np.arange(12) % 10)
    few = dataclasses.replace(cifar10.DATASET, train=8, test=4)
    monkeypatch.setattr(dataset, "get", lambda name: few)
    monkeypatch.setattr(dataset, "load", lambda name, data_dir: images)
    return images


def test_the_recipe_is_the_papers() -> None:
    recipe = CLAIM.budgets["extended"].settings
    steps, rate = recipe["steps"], recipe["learning_rate"]
    assert (steps, recipe["batch_size"], recipe["weight_decay"]) == (64_000, 128, 1e-4)
    falls = published.boundaries(steps)
    assert falls == (32_000, 48_000)
    rates = published.schedule(job(CLAIM, "cifar10"), falls, rate)
    asked = (0, 31_999, 32_000, 47_999, 48_000, 63_999)
    assert [rates(step) for step in asked] == pytest.approx([0.1, 0.1, 0.01, 0.01, 0.001, 0.001])
    spec = resnet.spec(recipe["depth"], width=recipe["width"])
    assert spec.parameter_count == 269_722
    assert {block.shortcut for block in spec.options["blocks"]} == {"identity"}


def test_the_mean_of_every_pixel_of_the_training_images_is_subtracted(colors: Images) -> None:
    data, mean = published.centered(job(CLAIM, "cifar10", tested=2))
    assert np.array_equal(data.train_x, colors.x[:8])
    by_hand = colors.x[:8].astype(float).sum(axis=0) / 8 / 255
    assert mean == pytest.approx(by_hand, abs=1e-14)
    assert data.test_x == pytest.approx(colors.x[[8, 10]] / 255 - by_hand, abs=1e-14)
    assert np.array_equal(data.test_y, colors.y[[8, 10]])


def test_a_net_for_colors_takes_steps(colors: Images) -> None:
    outcome = published.run(job(CLAIM, "cifar10", steps=4, batch_size=4))
    assert outcome.metrics.keys() == CLAIM.metrics.keys()
    assert outcome.record["trained"] == 8
    assert [row["step"] for row in outcome.series["tests"]] == [2, 3, 4]
    assert outcome.metrics["test_error"] == outcome.series["tests"][-1]["error"]
    assert outcome.metrics["test_error"] in (0, 25, 50, 75, 100)
    assert 0 < outcome.metrics["train_loss"] < 10


def test_smoke_takes_steps_on_photographs() -> None:
    outcome = published.run(job(CLAIM, "photographs"))
    assert outcome.record["trained"] == 6000
    assert all(math.isfinite(value) for value in outcome.metrics.values())


def test_weight_decay_reaches_the_update() -> None:
    """With a decay so large that nothing else is left, another one gives another net."""
    weak, strong = (
        published.run(job(CLAIM, "photographs", weight_decay=decay)).metrics["train_loss"]
        for decay in (1e-4, 9.0)
    )
    assert weak != strong


def test_a_diverged_run_has_no_error() -> None:
    with np.errstate(all="ignore"):
        found = published.run(job(CLAIM, "photographs", learning_rate=1e38, steps=4)).metrics
    assert math.isnan(found["test_error"])
    assert math.isnan(found["train_loss"])


def test_without_the_images_one_sentence_names_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "127.0.0.1")
    (file,) = cifar10.DATASET.files
    hidden = dataclasses.replace(file, urls=(f"{UNREACHABLE}/{file.name}",))
    monkeypatch.setattr(cifar10, "DATASET", dataclasses.replace(cifar10.DATASET, files=(hidden,)))
    asked = dataclasses.replace(job(CLAIM, "cifar10", budget="extended"), data_dir=tmp_path)
    with pytest.raises(UserError) as refused:
        published.run(asked)
    words = str(refused.value)
    assert words.startswith("cifar10 is not on this machine and its publisher cannot be reached")
    assert words.endswith(f"put {file.name} into {tmp_path / 'cifar10'}")
