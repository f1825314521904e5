"""The instrument of signal size, on signals whose size is known."""

import math

import numpy as np
import pytest

from bench import weights
from bench.contract import Config, Update
from bench.instruments import signal
from bench.optimizers import sgd
from bench.specs import mlp
from implementations.numpy import adapter


def test_size_is_the_root_mean_square() -> None:
    assert signal.size(np.array([[3.0, 4.0]])) == pytest.approx(math.sqrt(12.5))
    assert signal.size(np.zeros(3)) == 0.0
    assert signal.size(np.full(4, 1e-200)) == pytest.approx(1e-200)
    assert signal.size(np.full(4, 1e200)) == pytest.approx(1e200)
    assert math.isinf(signal.size(np.array([1.0, math.inf])))


def test_dead_units_are_those_that_no_example_moves() -> None:
    gradient = np.array([[0.0, 1.0, 0.0], [0.0, 0.0, 2.0]])
    assert signal.level(1, np.ones((2, 3)), gradient).dead == pytest.approx(1 / 3)
    assert signal.level(1, np.ones((2, 3)), np.zeros((2, 3))).dead == 1.0


def test_a_line_in_log2_has_its_slope() -> None:
    assert signal.doublings_per_layer([3.0 * 2 ** (-0.5 * n) for n in range(9)]) == pytest.approx(
        -0.5
    )
    assert math.isnan(signal.doublings_per_layer([1.0]))
    assert math.isnan(signal.doublings_per_layer([1.0, math.inf]))


@pytest.mark.parametrize(
    ("activation", "variance", "expected"),
    [("identity", 1 / 256, 0.0), ("relu", 2 / 256, 0.0), ("identity", 1 / 512, -0.5)],
)
def test_the_law_is_that_of_the_papers(activation, variance, expected) -> None:
    assert signal.law(activation, 256, variance) == pytest.approx(expected)


def test_a_net_of_identities_hands_on_what_it_gets() -> None:
    """Unit matrices of twice the size double the signal at every layer, and the gradient back."""
    spec = mlp.spec((8,), (8,) * 5, 8, "identity")
    state = weights.initial(spec, 0)
    parameters = {
        name: 2 * np.eye(8) if name.endswith("weight") else array
        for name, array in state.parameters.items()
    }
    system = adapter.build(
        spec, {"train": Update("cross_entropy", ("",), sgd())}, Config("float64")
    )
    system.load(type(state)(parameters=parameters))
    draws = np.random.default_rng(1)
    batch = {"x": draws.normal(size=(5, 8)), "y": draws.integers(0, 8, 5)}
    layers = [f"fc{n}" for n in range(1, 6)]
    found = signal.levels(system, "train", batch, layers)
    assert [level.layer for level in found] == [1, 2, 3, 4, 5]
    assert found[0].forward == pytest.approx(2 * signal.size(batch["x"]))
    assert signal.doublings_per_layer([x.forward for x in found]) == pytest.approx(1)
    assert signal.doublings_per_layer([x.backward for x in found]) == pytest.approx(-1)
    assert signal.balance(found) == pytest.approx(1)


def alternating(forward: list[float], backward: list[float]) -> list[signal.Level]:
    return [
        signal.Level(n, f, b, 0.0)
        for n, (f, b) in enumerate(zip(forward, backward, strict=True), 1)
    ]


def test_the_balance_is_the_mean_of_the_gains() -> None:
    """Gains of 4 and 1 forward, of 1 and 1/4 back: their mean is 25/16."""
    found = alternating([1.0, 2.0, 2.0], [8.0, 8.0, 16.0])
    assert signal.balance(found) == pytest.approx(math.log2(25 / 16) / 2)
    assert math.isnan(signal.balance(found[:1]))
    assert math.isnan(signal.balance(alternating([1.0, 0.0], [1.0, 1.0])))


def test_the_swing_is_what_even_layers_do_beyond_odd_ones() -> None:
    assert signal.swing([1.0, 4.0, 2.0, 8.0, 4.0]) == pytest.approx(3)
    assert signal.swing([3.0, 6.0, 12.0, 24.0]) == pytest.approx(0)
    assert math.isnan(signal.swing([1.0, 2.0]))
    assert math.isnan(signal.swing([1.0, 2.0, 0.0]))
