"""Layers and losses that a folder writes out, against the library's own in tests/natives.

pytest tests/implementations/suite_natives_layers.py --framework pytorch. Collected by
test_natives.py, one process a framework.
"""

from types import ModuleType

import numpy as np
import pytest

from bench.contract import INFERENCE, TRAINING, Update
from bench.optimizers import sgd
from bench.randomness import stream
from bench.specs import (
    convnet,
    mlp,
    segnet,
    single_activation,
    single_batch_norm,
    single_upsampling,
)
from bench.specs.convnet import Block
from tests.implementations.aligned import built, drawn, same

DENSE, IMAGE = (5,), (6, 4, 3)


@pytest.mark.parametrize("unbiased", [True, False])
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("inputs", [DENSE, IMAGE], ids=["dense", "image"])
def test_batch_norm(adapter, natives, inputs, training: bool, unbiased: bool) -> None:
    norm = {"decay": 0.8, "epsilon": 1e-3, "unbiased": unbiased}
    spec = single_batch_norm.spec(inputs, norm)
    draws, width = stream(1, "natives"), inputs[-1:]
    learned = {name: draws.normal(size=width) for name in spec.parameters}
    kept = {name: draws.uniform(0.5, 2, width) for name in spec.buffers}
    system, arrays = built(adapter, spec, learned, kept), drawn(spec)
    mode = TRAINING if training else INFERENCE
    answer = system.evaluate("response", system.stage(arrays), mode)
    y, mean, variance = natives.batch_norm(
        arrays["x"], *learned.values(), *kept.values(), training=training, **norm
    )
    same(natives, "batch_norm", answer.outputs["response"], y)
    same(natives, "batch_norm", answer.buffers["bn/running_mean"], mean)
    same(natives, "batch_norm", answer.buffers["bn/running_variance"], variance)


@pytest.mark.parametrize("inputs", [DENSE, IMAGE], ids=["dense", "image"])
def test_gradient_of_batch_norm(adapter: ModuleType, natives: ModuleType, inputs) -> None:
    norm = {"decay": 0.8, "epsilon": 1e-3, "unbiased": True}
    spec = single_batch_norm.spec(inputs, norm)
    draws = stream(1, "natives")
    learned = {name: draws.normal(size=inputs[-1:]) for name in spec.parameters}
    ask = Update("energy", ("", "input:x"), sgd())
    system, arrays = built(adapter, spec, learned, ask=ask), drawn(spec)
    gradients = system.differentiate("ask", system.stage(arrays)).gradients
    expected = natives.batch_norm_gradient(
        arrays["x"], *learned.values(), norm["epsilon"], arrays["cotangent"]
    )
    for name, gradient in zip(("input:x", "bn/scale", "bn/shift"), expected, strict=True):
        same(natives, "batch_norm_gradient", gradients[name], gradient)


def test_dropout(adapter: ModuleType, natives: ModuleType) -> None:
    """The library draws; its mask, seen in what it left, is handed to the technique."""
    spec = mlp.spec((8,), (), 8, dropout="inverted", keep_input=0.75)
    weight = {"fc1/weight": np.eye(8), "fc1/bias": np.zeros(8)}
    system, arrays = built(adapter, spec, weight), drawn(spec, 64)
    left = natives.dropout(arrays["x"], 0.75, seed=0)
    mask = (left != 0).astype(float)
    assert 0.6 < mask.mean() < 0.9
    batch = system.stage({"x": arrays["x"], "dropout/input": mask})
    same(natives, "dropout", system.evaluate("logits", batch, TRAINING).outputs["logits"], left)


@pytest.mark.parametrize("activation", mlp.ACTIVATIONS)
def test_activation(adapter: ModuleType, natives: ModuleType, activation: str) -> None:
    spec = single_activation.spec(64, activation)
    ask = Update("energy", ("input:x",), sgd())
    system, arrays = built(adapter, spec, ask=ask), drawn(spec)
    arrays["x"][:, :3] = (0, -800, 800)
    value, gradient = natives.activation(activation, arrays["x"], arrays["cotangent"])
    batch = system.stage({**arrays, "value": value, "delta": arrays["cotangent"]})
    forward = system.evaluate("forward", batch, INFERENCE).outputs["value"]
    backward = system.evaluate("backward", batch, INFERENCE).outputs["gradient"]
    same(natives, "activation", forward, value)
    same(natives, "activation", backward, gradient)
    through = system.differentiate("ask", batch).gradients["input:x"]
    same(natives, "activation", through, gradient)


@pytest.mark.parametrize("pooling", ["max", "average"])
@pytest.mark.parametrize("window", [2, 3])
def test_pooling(adapter: ModuleType, natives: ModuleType, pooling: str, window: int) -> None:
    """Of a side that the window does not divide: the rest is left out."""
    spec = convnet.spec(
        (8, 7, 2), (Block(3, 1, pooling=pooling, window=window),), (), activation="tanh"
    )
    draws = stream(3, "natives")
    weights = {name: draws.normal(size=p.shape) for name, p in spec.parameters.items()}
    system = built(adapter, spec, weights, train=Update("cross_entropy", ("",), sgd()))
    batch = system.stage({"x": draws.normal(size=(4, 8, 7, 2)), "y": draws.integers(0, 10, 4)})
    traced = {name: (x, gradient) for name, x, gradient in system.trace("train", batch)}
    x, by_x = traced["tanh1"]
    y, delta = traced["pool1"]
    expected = getattr(natives, f"{pooling}_pool")(x, window, window, delta)
    same(natives, f"{pooling}_pool", y, expected[0])
    same(natives, f"{pooling}_pool", by_x, expected[1])


@pytest.mark.parametrize("inputs", [(6, 4, 3), (7, 5, 3)], ids=["even", "odd"])
def test_unpooling(adapter: ModuleType, natives: ModuleType, inputs) -> None:
    spec = single_upsampling.spec(inputs)
    system, arrays = built(adapter, spec, ask=Update("energy", ("input:x",), sgd())), drawn(spec)
    batch = system.stage(arrays)
    y, by_x = natives.unpool(arrays["x"], arrays["cotangent"])
    same(natives, "unpool", system.evaluate("response", batch, INFERENCE).outputs["response"], y)
    same(natives, "unpool", system.differentiate("ask", batch).gradients["input:x"], by_x)


@pytest.mark.parametrize("upsampling", ["nearest", "bilinear"])
def test_upsampling(adapter: ModuleType, natives: ModuleType, upsampling: str) -> None:
    spec = single_upsampling.spec((8, 6, 3), upsampling)
    system, arrays = built(adapter, spec, ask=Update("energy", ("input:x",), sgd())), drawn(spec)
    (_, pooled, by_pooled), (_, up, delta) = system.trace("ask", system.stage(arrays))
    y, gradient = natives.upsample(upsampling, pooled, delta)
    same(natives, f"upsample {upsampling}", up, y)
    same(natives, f"upsample {upsampling}", by_pooled, gradient)


def test_transposed_convolution(adapter: ModuleType, natives: ModuleType) -> None:
    spec = single_upsampling.spec((8, 6, 3), "transposed")
    weight = stream(9, "natives").normal(size=(2, 2, 3, 3))
    ask = Update("energy", ("",), sgd())
    system, arrays = built(adapter, spec, {"up/weight": weight}, ask=ask), drawn(spec)
    batch = system.stage(arrays)
    (_, pooled, by_pooled), (_, up, delta) = system.trace("ask", batch)
    gradient = system.differentiate("ask", batch).gradients["up/weight"]
    expected = natives.transposed_convolution(pooled, weight, delta)
    for found, theirs in zip((up, by_pooled, gradient), expected, strict=True):
        same(natives, "transposed_convolution", found, theirs)


def test_cross_entropy(adapter: ModuleType, natives: ModuleType) -> None:
    spec = mlp.spec((8,), (), 10)
    draws = stream(2, "natives")
    weights = {name: 3 * draws.normal(size=p.shape) for name, p in spec.parameters.items()}
    train = Update("cross_entropy", ("",), sgd())
    system = built(adapter, spec, weights, train=train)
    labels = draws.integers(0, 10, 6)
    batch = system.stage({"x": draws.normal(size=(6, 8)), "y": labels})
    (_, logits, gradient), *_ = system.trace("train", batch)
    loss, expected = natives.cross_entropy(logits, labels)
    same(
        natives, "cross_entropy", system.differentiate("train", batch).terms["cross_entropy"], loss
    )
    same(natives, "cross_entropy", gradient, expected)


def test_pixel_cross_entropy(adapter: ModuleType, natives: ModuleType) -> None:
    weights = (0.3, 1.0, 2.5)
    spec = segnet.spec((4, 8, 2), 3, (3,), (1,), "nearest", None, class_weights=weights)
    draws = stream(10, "natives")
    learned = {name: draws.normal(size=p.shape) for name, p in spec.parameters.items()}
    system = built(adapter, spec, learned, train=Update("cross_entropy", ("",), sgd()))
    labels = draws.integers(0, 3, (5, 4, 8))
    batch = system.stage({"x": draws.normal(size=(5, 4, 8, 2)), "y": labels})
    traced = {name: (x, gradient) for name, x, gradient in system.trace("train", batch)}
    logits, gradient = traced["logits"]
    loss, expected = natives.pixel_cross_entropy(logits, labels, weights)
    found = system.differentiate("train", batch).terms["cross_entropy"]
    same(natives, "pixel_cross_entropy", found, loss)
    same(natives, "pixel_cross_entropy", gradient, expected)
