"""What stands around the branches of residual nets: the derivatives derived by hand, and values."""

from collections.abc import Callable
from functools import partial

import numpy as np
import pytest

from bench.randomness import stream
from bench.spec import Spec
from bench.specs import resnet
from implementations.numpy import layers, residual
from implementations.numpy.tape import Node, Tape
from tests.implementations.differences import agrees, everything

Layer = Callable[[Node], Node]
SHAPE = (2, 5, 6, 3)


def by_its_input(layer: Layer, shape: tuple[int, ...] = SHAPE) -> bool:
    """Whether the gradient of a weighted sum of the output agrees with central differences."""
    draws = stream(0, "residual")
    value = draws.normal(size=shape)
    weights = draws.normal(size=layer(Node(value, Tape())).value.shape)

    def energy(array: np.ndarray) -> float:
        return float(layer(Node(array, Tape())).dot(weights).value)

    x = Node(value, tape := Tape(), wanted=True)
    tape.backward([layer(x).dot(weights)])
    assert x.gradient is not None
    return agrees(x.gradient, energy, value)


def twice(x: Node) -> Node:
    """Both uses of x, one of them bent, so that the two gradients differ."""
    return residual.add(layers.average_pool(x, 1, 1), residual.add(x, x))


@pytest.mark.parametrize(
    "layer",
    [
        twice,
        partial(residual.identity_shortcut, filters=3, stride=1),
        partial(residual.identity_shortcut, filters=7, stride=2),
        partial(residual.identity_shortcut, filters=3, stride=2),
        partial(residual.identity_shortcut, filters=5, stride=1),
        lambda x: residual.pad(x, 2, 0.5),
        residual.global_average_pool,
        lambda x: layers.max_pool(residual.pad(x, 1, float("-inf")), 3, 2),
    ],
)
def test_gradient_by_the_input(layer: Layer) -> None:
    assert by_its_input(layer)


def test_a_forgotten_use_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    def forgetful(x: Node, y: Node) -> Node:
        return x.tape.output(x.value + y.value, (x, y), x.add_gradient)

    monkeypatch.setattr(residual, "add", forgetful)
    assert not by_its_input(twice)


def test_both_sides_of_a_sum_own_their_gradient() -> None:
    """A layer may overwrite the gradient that it is given: the other side must not see it."""
    tape = Tape()
    x, y = (Node(np.array([1.0, 2.0]), tape, wanted=True) for _ in range(2))

    def overwriting(node: Node) -> Node:
        def backward(delta: np.ndarray) -> None:
            delta *= 10
            node.add_gradient(delta)

        return tape.output(node.value, (node,), backward)

    total = residual.add(overwriting(x), overwriting(y))
    tape.backward([total.dot(np.array([1.0, -1.0]))])
    np.testing.assert_array_equal(np.array([x.gradient, y.gradient]), [[10, -10]] * 2)


def test_a_side_that_nothing_is_asked_of_gets_no_gradient() -> None:
    tape = Tape()
    x, y = Node(np.ones(2), tape), Node(np.ones(2), tape, wanted=True)
    tape.backward([residual.add(x, y).dot(np.array([1.0, 2.0]))])
    assert x.gradient is None
    assert y.gradient is not None
    assert y.gradient.tolist() == [1, 2]


def test_the_shortcut_takes_the_first_pixel_and_leaves_new_channels_empty() -> None:
    x = np.arange(2 * 5 * 6 * 3, dtype=float).reshape(SHAPE) + 1
    y = residual.identity_shortcut(Node(x, Tape()), 5, 2).value
    assert y.shape == (2, 3, 3, 5)
    np.testing.assert_array_equal(y[..., :3], x[:, ::2, ::2])
    assert (y[..., 3:] == 0).all()


def test_a_rim_never_wins_and_is_never_drawn_with() -> None:
    """All entries are negative: a rim of zeros would be the maximum everywhere at the border."""
    x = -1 - np.abs(stream(0, "rim").normal(size=(1, 4, 4, 1)))
    padded = residual.pad(Node(x, Tape()), 1, float("-inf"))
    pooled = layers.max_pool(padded, 3, 2).value[0, :, :, 0]
    assert pooled.shape == (2, 2)
    assert pooled[0, 0] == x[0, :2, :2].max()
    assert pooled[1, 1] == x[0, 1:4, 1:4].max()


BASIC = resnet.blocks(2, (2, 3), (1, 1), "identity", None)
BOTTLENECKS = resnet.blocks(2, (1, 2), (1, 1), "projection", "3x3")
NETS = {
    "identity": resnet.net((4, 8, 2), 3, resnet.Convolution(2, 3), False, BASIC),
    "bottlenecks": resnet.net((16, 16, 1), 3, resnet.Convolution(2, 7, 2), True, BOTTLENECKS),
    "without batch norm": resnet.spec(8, (8, 8, 1), 3, "projection", None, 1 / 8),
}


@pytest.mark.parametrize("spec", NETS.values(), ids=NETS)
def test_nets(spec: Spec) -> None:
    draws = stream(1, "residual nets")
    batch = {"x": draws.normal(size=(3, *spec.inputs["x"])), "y": np.array([0, 2, 1])}
    everything(spec, "cross_entropy", batch)
