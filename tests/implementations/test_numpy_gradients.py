"""The reference's hand-derived gradients against central differences, in float64."""

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view

from bench import weights
from bench.contract import INFERENCE, TRAINING, Config, Mode, State, Update
from bench.conventions import BATCH_NORM
from bench.optimizers import sgd
from bench.randomness import stream
from bench.spec import Spec
from bench.specs import (
    convnet,
    lenet,
    mlp,
    single_activation,
    single_batch_norm,
    single_convolution,
    single_max_pool,
)
from bench.specs.convnet import Block
from implementations.numpy import adapter, layers
from implementations.numpy.tape import LINE, Node, Tape, Workspace
from implementations.numpy.techniques import activations
from tests.implementations.differences import (
    TOLERANCE,
    agrees,
    ask,
    differences,
    everything,
    random_state,
)


@pytest.mark.parametrize(
    ("stride", "padding"), [(1, 0), (1, 1), (1, 4), (2, 0), (2, 1), (2, 3), (2, 4), (3, 2), (3, 5)]
)
@pytest.mark.parametrize(("channels", "filters"), [(1, 1), (3, 4)])
def test_convolution(stride: int, padding: int, channels: int, filters: int) -> None:
    spec = single_convolution.spec(7, channels, filters, 3, stride, padding)
    draws = stream(2, "convolution")
    batch = {name: draws.normal(size=(3, *shape)) for name, shape in spec.inputs.items()}
    state = random_state(spec)
    gradients, energy = ask(spec, ("", "input:x"), "energy", batch, state)
    arrays = {**state.parameters, "input:x": batch["x"]}
    for name, gradient in gradients.items():
        assert agrees(gradient, energy(name), arrays[name]), name


def test_convolution_in_blocks_is_the_convolution_of_the_whole(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    spec = single_convolution.spec(7, 3, 4, 3, 1, 1)
    draws = stream(2, "blocks")
    batch = {name: draws.normal(size=(5, *shape)) for name, shape in spec.inputs.items()}
    whole, _ = ask(spec, ("", "input:x"), "energy", batch, random_state(spec))
    monkeypatch.setattr(layers, "BLOCK_BYTES", 20_000)
    blocks, _ = ask(spec, ("", "input:x"), "energy", batch, random_state(spec))
    for name, gradient in whole.items():
        np.testing.assert_allclose(blocks[name], gradient, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize(("window", "stride"), [(2, 2), (3, 2), (2, 1)])
def test_max_pool(window: int, stride: int) -> None:
    spec = single_max_pool.spec(7, 2, window, stride)
    draws = stream(3, "pooling")
    # Distinct entries a tenth apart: no window is near a tie.
    size = (2, *spec.inputs["x"])
    x = draws.permutation(np.arange(np.prod(size)) / 10.0).reshape(size)
    batch = {"x": x, "cotangent": draws.normal(size=(2, *spec.inputs["cotangent"]))}
    gradients, energy = ask(spec, ("input:x",), "energy", batch, State({}))
    assert agrees(gradients["input:x"], energy("input:x"), x)


@pytest.mark.parametrize("mode", [TRAINING, INFERENCE], ids=["training", "inference"])
@pytest.mark.parametrize("inputs", [(5,), (4, 3, 2)], ids=["dense", "image"])
def test_batch_norm(inputs: tuple[int, ...], mode: Mode) -> None:
    spec = single_batch_norm.spec(inputs)
    draws = stream(7, "batch norm")
    batch = {name: draws.normal(1, 2, size=(3, *shape)) for name, shape in spec.inputs.items()}
    everything(spec, "energy", batch, mode)


@pytest.mark.parametrize("activation", ["relu", "sigmoid", "tanh", "identity"])
def test_activation(activation: str) -> None:
    spec = single_activation.spec(30, activation)
    draws = stream(8, activation)
    batch = {name: draws.normal(size=(2, *shape)) for name, shape in spec.inputs.items()}
    everything(spec, "energy", batch)


@pytest.mark.parametrize(("window", "stride"), [(2, 2), (3, 2), (2, 1)])
def test_average_pool(window: int, stride: int) -> None:
    """It is linear, so its gradient is its matrix: that of every output by every input."""
    draws = stream(9, "pooling")
    x = Node(draws.normal(size=(2, 7, 6, 3)), tape := Tape(), wanted=True)
    pooled = layers.average_pool(x, window, stride)
    cotangent = draws.normal(size=pooled.value.shape)
    tape.backward([pooled.dot(cotangent)])
    assert x.gradient is not None

    def energy(array: np.ndarray) -> float:
        entries = sliding_window_view(array, (window, window), axis=(1, 2))
        means = entries[:, ::stride, ::stride].mean(axis=(-1, -2))
        return float((means * cotangent).sum())

    np.testing.assert_allclose((pooled.value * cotangent).sum(), energy(x.value), rtol=1e-12)
    assert agrees(x.gradient, energy, x.value)


@pytest.mark.parametrize("form", ["deck", "inverted"])
@pytest.mark.parametrize("mode", [TRAINING, INFERENCE], ids=["training", "inference"])
def test_dropout_and_a_net_without_biases(form: str, mode: Mode) -> None:
    spec = mlp.spec((6,), (5, 4), 3, "tanh", BATCH_NORM, form, keep_input=0.8, keep_hidden=0.5)
    draws = stream(10, "dropout")
    batch = {"x": draws.normal(size=(6, 6)), "y": np.arange(6) % 3}
    for name in ("dropout/input", "dropout/fc1", "dropout/fc2"):
        batch[name] = draws.integers(0, 2, (6, *spec.inputs[name]))
    everything(spec, "cross_entropy", batch, mode)


def test_a_net_with_batch_norm_and_average_pooling() -> None:
    blocks = (Block(3, 3, padding=1, pooling="average"), Block(2, 2, pooling="none"))
    spec = convnet.spec((6, 5, 2), blocks, (5,), 3, "sigmoid", BATCH_NORM)
    draws = stream(11, "convnet")
    batch = {"x": draws.normal(size=(3, 6, 5, 2)), "y": np.array([0, 2, 1])}
    everything(spec, "cross_entropy", batch)


def test_ties_go_to_the_first_and_overlaps_add() -> None:
    def gradient(x: list[list[float]], window: int, stride: int) -> list[list[float]]:
        tape = Tape()
        node = Node(np.array(x)[None, :, :, None], tape, wanted=True)
        pooled = layers.max_pool(node, window, stride)
        tape.backward([pooled.dot(np.ones_like(pooled.value))])
        assert node.gradient is not None
        return node.gradient[0, :, :, 0].tolist()

    assert gradient([[5, 5], [5, 5]], 2, 2) == [[1, 0], [0, 0]]
    assert gradient([[1, 5], [5, 5]], 2, 2) == [[0, 1], [0, 0]]
    assert gradient([[0, 0, 0], [0, 9, 0], [0, 0, 0]], 2, 1) == [[0, 0, 0], [0, 4, 0], [0, 0, 0]]


def test_relu_has_no_slope_at_zero_and_sigmoid_does_not_overflow() -> None:
    tape = Tape()
    x = Node(np.array([-1.0, 0.0, 2.0]), tape, wanted=True)
    tape.backward([activations.relu(x).dot(np.ones(3))])
    assert x.gradient is not None
    assert x.gradient.tolist() == [0, 0, 1]
    extreme = activations.sigmoid(Node(np.array([-1000.0, 0.0, 1000.0]), tape)).value
    assert extreme.tolist() == [0, 0.5, 1]


def test_a_value_used_twice_gets_both_gradients() -> None:
    tape = Tape()
    x = Node(np.array([3.0]), tape, wanted=True)
    tape.backward([x.dot(np.array([2.0])), x.dot(np.array([5.0]))])
    assert x.gradient is not None
    assert x.gradient.tolist() == [7.0]


@pytest.mark.parametrize("spec", [mlp.spec(), lenet.spec()], ids=lambda s: s.architecture)
def test_nets(spec: Spec) -> None:
    draws = stream(4, "nets")
    batch = {"x": draws.normal(size=(2, *spec.inputs["x"])), "y": np.array([3, 7])}
    state = random_state(spec)
    gradients, energy = ask(spec, ("",), "cross_entropy", batch, state)
    for name, gradient in gradients.items():
        # Entries of a large gradient are small against its largest; a kink crossed by the step
        # would show as an error of the size of one unit's share, so a few are enough.
        chosen, slopes = differences(energy(name), state.parameters[name], 6)
        off = np.abs(gradient.reshape(-1)[chosen] - slopes).max()
        assert off <= TOLERANCE * np.abs(gradient).max(), name


def test_a_wrong_formula_is_caught() -> None:
    """The deck's printed weight gradient, with the unshifted input."""
    spec = single_convolution.spec(7)
    draws = stream(5, "wrong")
    batch = {name: draws.normal(size=(3, *shape)) for name, shape in spec.inputs.items()}
    state = random_state(spec)
    gradients, energy = ask(spec, ("",), "energy", batch, state)
    right = gradients["conv/weight"]
    printed = np.full_like(right, right[0, 0, 0, 0])
    assert agrees(right, energy("conv/weight"), state.parameters["conv/weight"])
    assert not agrees(printed, energy("conv/weight"), state.parameters["conv/weight"])


def test_steps_reuse_their_arrays() -> None:
    """A workspace that grows would be a leak; results must not alias it."""
    spec = lenet.spec()
    system = adapter.build(spec, {"train": Update("cross_entropy", ("",), sgd())}, Config())
    system.load(weights.initial(spec, 0))
    batch = system.stage({"x": np.ones((4, 28, 28, 1)), "y": np.arange(4)})
    first = system.differentiate("train", batch).gradients["conv1/weight"]
    kept = first.copy()
    sizes = []
    for _ in range(3):
        system.update("train", batch, 0.1)
        sizes.append(len(system.workspace._lent))
    np.testing.assert_array_equal(first, kept)
    assert len(set(sizes)) == 1


@pytest.mark.parametrize("dtype", ["float32", "float64", "int8", "bool"])
@pytest.mark.parametrize("shape", [(), (0, 3), (3, 5), (70_000,), (64, 28, 28, 64)])
def test_arrays_begin_at_a_line_of_the_cache(shape: tuple[int, ...], dtype: str) -> None:
    work = Workspace()
    for array in (work.empty(shape, np.dtype(dtype)), work.zeros(shape, np.dtype(dtype))):
        assert array.ctypes.data % LINE == 0 or not array.size
        assert (array.shape, array.dtype) == (shape, dtype)
        assert array.flags.c_contiguous
        assert array.flags.writeable
