"""The parts of the comparison of dropout's two forms."""

from typing import Any

import numpy as np
import pytest

from bench import weights
from bench.claim import Job
from bench.claims.dropout_scaling import (
    CLAIM,
    differences,
    divided,
    groups,
    mean_over_masks,
    net,
    run,
    step,
    system_of,
)
from bench.randomness import stream
from implementations.numpy import adapter


def job(arm: str, **settings: Any) -> Job:
    given = {**CLAIM.budgets["smoke"].settings, **settings}
    return Job("numpy", adapter, arm, 0, given, "cpu", 1, None, _silent)


def _silent(fraction: float, text: str) -> Any:
    return None


def test_the_weights_that_read_masked_units() -> None:
    expected = {"fc1/weight": 0.8, "fc2/weight": 0.5, "fc3/weight": 0.5}
    assert groups(net("usual", "deck")) == expected
    start = weights.initial(net("usual", "deck"), 0)
    deck = divided(start, expected).parameters
    np.testing.assert_array_equal(deck["fc2/weight"], 2 * start.parameters["fc2/weight"])
    np.testing.assert_array_equal(deck["fc2/bias"], start.parameters["fc2/bias"])


def test_a_step_has_a_rate_for_each_group() -> None:
    spec = net("usual", "deck")
    readers = groups(spec)
    system = system_of(job("usual"), spec, readers)
    system.load(weights.initial(spec, 0))
    draws = stream(0, "test")
    batch = {"x": draws.normal(size=(4, 28, 28, 1)), "y": np.arange(4)}
    for name in spec.options["keep"]:
        batch[f"dropout/{name}"] = np.ones((4, *spec.inputs[f"dropout/{name}"]))
    before = system.export().parameters
    asked = system.differentiate("all", system.stage(batch)).gradients
    step(system, batch, 0.1, readers)
    after = system.export().parameters
    for name, gradient in asked.items():
        rate = 0.1 / readers.get(name, 1.0) ** 2
        np.testing.assert_allclose(before[name] - after[name], rate * gradient, atol=1e-12)


def test_differences_are_relative_to_the_largest() -> None:
    one, other = [np.array([1.0, 4.0])], [np.array([2.0, 4.0])]
    assert differences(one, other) == [0.25]


def test_the_mean_over_masks_finds_what_is_exact_and_what_is_not() -> None:
    images = stream(1, "test").normal(size=(3, 28, 28, 1))
    linear, _ = mean_over_masks(job("usual", masks=1000), "identity", images)
    relu, shift = mean_over_masks(job("usual", masks=1000), "relu", images)
    assert 0.3 < linear < 2 < relu
    assert shift > 0.01


@pytest.mark.parametrize("arm", CLAIM.arms)
def test_one_rate_is_another_training(arm: str) -> None:
    found = run(job(arm)).metrics
    assert found["matched"] < 1e-12
    assert found["same_rate"] > 1e-3
