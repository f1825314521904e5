"""Batch norm against its formulas: training, inference, gradients, and the batch it refuses.

pytest tests/implementations/suite_batch_norm.py --framework pytorch. Collected by
test_techniques.py, one process a framework.
"""

from types import ModuleType

import numpy as np
import pytest

from bench.contract import INFERENCE, TRAINING, Mode, Update
from bench.conventions import BATCH_NORM
from bench.errors import UserError
from bench.optimizers import sgd
from bench.specs import convnet, single_batch_norm
from tests.implementations.systems import EXACT, built, close, distance, drawn, initial

DENSE, IMAGE = (5,), (6, 4, 3)


@pytest.mark.parametrize("unbiased", [True, False])
@pytest.mark.parametrize("inputs", [DENSE, IMAGE], ids=["dense", "image"])
def test_batch_norm_in_training(adapter: ModuleType, inputs, unbiased: bool) -> None:
    """Decay 0.8 is the weight of the old value; a large epsilon shows where it stands."""
    norm = {"decay": 0.8, "epsilon": 0.1, "unbiased": unbiased}
    spec = single_batch_norm.spec(inputs, norm)
    state, arrays = initial(spec), drawn(spec)
    system = built(adapter, spec)
    answer = system.evaluate("response", system.stage(arrays), TRAINING)
    x = arrays["x"].reshape(-1, inputs[-1])
    mean, variance = x.mean(axis=0), x.var(axis=0)
    y = (arrays["x"] - mean) / np.sqrt(variance + 0.1)
    y = y * state.parameters["bn/scale"] + state.parameters["bn/shift"]
    close(answer.outputs["response"], y)
    estimate = x.var(axis=0, ddof=1) if unbiased else variance
    old = state.buffers
    close(answer.buffers["bn/running_mean"], 0.8 * old["bn/running_mean"] + 0.2 * mean)
    close(answer.buffers["bn/running_variance"], 0.8 * old["bn/running_variance"] + 0.2 * estimate)


@pytest.mark.parametrize("examples", [1, 4])
@pytest.mark.parametrize("inputs", [DENSE, IMAGE], ids=["dense", "image"])
def test_batch_norm_at_inference(adapter: ModuleType, inputs, examples: int) -> None:
    spec = single_batch_norm.spec(inputs, {"decay": 0.8, "epsilon": 0.1, "unbiased": True})
    state, arrays = initial(spec), drawn(spec, examples)
    system = built(adapter, spec)
    answer = system.evaluate("response", system.stage(arrays), INFERENCE)
    y = arrays["x"] - state.buffers["bn/running_mean"]
    y = y / np.sqrt(state.buffers["bn/running_variance"] + 0.1)
    y = y * state.parameters["bn/scale"] + state.parameters["bn/shift"]
    close(answer.outputs["response"], y)
    assert distance(answer.buffers, state.buffers) < EXACT


@pytest.mark.parametrize("mode", [TRAINING, INFERENCE], ids=["training", "inference"])
@pytest.mark.parametrize("inputs", [DENSE, IMAGE], ids=["dense", "image"])
def test_gradients_of_batch_norm(adapter: ModuleType, inputs, mode: Mode) -> None:
    """By hand: what the statistics of the batch pass on is there in training, and only there."""
    spec = single_batch_norm.spec(inputs)
    system = built(adapter, spec, {"ask": Update("energy", ("", "input:x"), sgd(), mode)})
    state, arrays = initial(spec), drawn(spec)
    gradients = system.differentiate("ask", system.stage(arrays)).gradients
    x, delta = (arrays[name].reshape(-1, inputs[-1]) for name in ("x", "cotangent"))
    mean, variance = state.buffers["bn/running_mean"], state.buffers["bn/running_variance"]
    if mode is TRAINING:
        mean, variance = x.mean(axis=0), x.var(axis=0)
    deviation = np.sqrt(variance + BATCH_NORM["epsilon"])
    normalized = (x - mean) / deviation
    close(gradients["bn/scale"], (delta * normalized).sum(axis=0))
    close(gradients["bn/shift"], delta.sum(axis=0))
    through = delta.mean(axis=0) + normalized * (delta * normalized).mean(axis=0)
    expected = delta - through if mode is TRAINING else delta
    expected = state.parameters["bn/scale"] / deviation * expected
    close(gradients["input:x"], expected.reshape(arrays["x"].shape))


def test_one_value_a_channel_is_refused_in_training(adapter: ModuleType) -> None:
    spec = single_batch_norm.spec(DENSE)
    system = built(adapter, spec)
    with pytest.raises(UserError, match=r"batch norm .* two values a channel, got 1"):
        system.evaluate("response", system.stage(drawn(spec, 1)), TRAINING)
    image = single_batch_norm.spec(IMAGE)  # one image has a value for each pixel
    system = built(adapter, image)
    system.evaluate("response", system.stage(drawn(image, 1)), TRAINING)


def test_a_feature_of_one_pixel_is_refused_for_one_image(adapter: ModuleType) -> None:
    """A step of a net, whatever batch it stepped on before: one pixel of one image is one value."""
    blocks = convnet.Block(2, 3), convnet.Block(2, 1, pooling="none")
    spec = convnet.spec((4, 4, 1), blocks, (), 3, norm=BATCH_NORM)
    system = built(adapter, spec, {"train": Update("cross_entropy", ("",), sgd())})
    system.update("train", system.stage(drawn(spec, 2)), 0.1)
    before = system.export()
    with pytest.raises(UserError, match=r"batch norm .* two values a channel, got 1"):
        system.update("train", system.stage(drawn(spec, 1)), 0.1)
    assert distance(system.export().parameters, before.parameters) == 0
    assert distance(system.export().buffers, before.buffers) == 0
