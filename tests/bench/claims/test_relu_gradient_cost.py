"""What is timed is the activation and its derivative: they are right before they are fast."""

import numpy as np
import pytest

from bench.claims import relu_gradient_cost
from bench.contract import INFERENCE, Config, Update
from bench.optimizers import sgd
from bench.specs import single_activation
from implementations.numpy import adapter


@pytest.mark.parametrize("activation", ["relu", "sigmoid", "tanh"])
def test_the_batch_holds_the_value_that_the_forward_pass_gives(activation: str) -> None:
    batch = relu_gradient_cost.batch_of(activation, (2, 50), seed=3)
    ask = {"ask": Update("energy", ("input:x",), sgd())}
    system = adapter.build(single_activation.spec(50, activation), ask, Config(dtype="float64"))
    staged = system.stage(batch)
    value = system.evaluate("forward", staged, INFERENCE).outputs["value"]
    np.testing.assert_allclose(value, batch["value"], rtol=1e-12)
    alone = system.evaluate("backward", staged, INFERENCE).outputs["gradient"]
    automatic = system.differentiate("ask", staged).gradients["input:x"]
    np.testing.assert_allclose(alone, automatic, rtol=1e-12, atol=1e-15)


def test_all_activations_get_the_same_numbers() -> None:
    relu, tanh = (relu_gradient_cost.batch_of(name, (1, 9), seed=0) for name in ("relu", "tanh"))
    np.testing.assert_array_equal(relu["x"], tanh["x"])
    np.testing.assert_array_equal(relu["delta"], tanh["delta"])
