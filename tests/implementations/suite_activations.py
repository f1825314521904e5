"""Activations and their derivatives against their formulas, alone and in a net.

pytest tests/implementations/suite_activations.py --framework pytorch. Collected by
test_techniques.py, one process a framework.
"""

from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from bench.contract import INFERENCE, Update
from bench.optimizers import sgd
from bench.specs import mlp, single_activation
from tests.implementations.systems import built, close, drawn

FORMULAS: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "relu": (lambda x: x * (x > 0), lambda x, f: x > 0),
    "sigmoid": (lambda x: 1 / (1 + np.exp(-x)), lambda x, f: f * (1 - f)),
    "tanh": (np.tanh, lambda x, f: 1 - f**2),
    "identity": (lambda x: x, lambda x, f: np.ones_like(x)),
}


@pytest.mark.parametrize("activation", mlp.ACTIVATIONS)
def test_an_activations_gradient_alone_is_the_nets(adapter: ModuleType, activation: str) -> None:
    spec = single_activation.spec(64, activation)
    system = built(adapter, spec, {"ask": Update("energy", ("input:x",), sgd())})
    arrays = drawn(spec)
    arrays["x"][:, 0] = 0  # the kink of the ReLU, whose derivative there is 0
    function, derivative = FORMULAS[activation]
    value = system.evaluate("forward", system.stage(arrays), INFERENCE).outputs["value"]
    close(value, function(arrays["x"]))
    batch = system.stage({**arrays, "value": value, "delta": arrays["cotangent"]})
    alone = system.evaluate("backward", batch, INFERENCE).outputs["gradient"]
    close(alone, arrays["cotangent"] * derivative(arrays["x"], value))
    close(system.differentiate("ask", batch).gradients["input:x"], alone)
    ((traced, x, gradient),) = system.trace("ask", batch)
    assert traced == "activation"
    close(x, value)
    close(gradient, arrays["cotangent"])


@pytest.mark.parametrize("activation", ["sigmoid", "tanh"])
def test_what_is_given_to_the_backward_pass_is_used(adapter: ModuleType, activation: str) -> None:
    """Nothing of the forward pass is computed again: another value, another gradient."""
    spec = single_activation.spec(8, activation)
    system, arrays = built(adapter, spec), drawn(spec)
    gradient = system.evaluate("backward", system.stage(arrays), INFERENCE).outputs["gradient"]
    derivative = FORMULAS[activation][1]
    close(gradient, arrays["delta"] * derivative(arrays["x"], arrays["value"]))


@pytest.mark.parametrize("activation", mlp.ACTIVATIONS)
def test_activations_saturate_without_overflow(adapter: ModuleType, activation: str) -> None:
    spec = single_activation.spec(2, activation)
    system = built(adapter, spec, {"ask": Update("energy", ("input:x",), sgd())})
    arrays = dict.fromkeys(spec.inputs, np.ones((1, 2))) | {"x": np.array([[-1e4, 1e4]])}
    value = system.evaluate("forward", system.stage(arrays), INFERENCE).outputs["value"]
    gradient = system.differentiate("ask", system.stage(arrays)).gradients["input:x"]
    expected = {"relu": [0, 1e4], "sigmoid": [0, 1], "tanh": [-1, 1], "identity": [-1e4, 1e4]}
    np.testing.assert_array_equal(value, [expected[activation]])
    slopes = {"relu": [0, 1], "sigmoid": [0, 0], "tanh": [0, 0], "identity": [1, 1]}
    np.testing.assert_array_equal(gradient, [slopes[activation]])
