"""What a folder writes out against the library's own, aligned: tests/natives/<framework>.py.

pytest tests/implementations/suite_natives.py --framework pytorch. Collected by test_natives.py, one
process a framework.
"""

import importlib
from collections.abc import Mapping
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from bench.contract import INFERENCE, TRAINING, Config, Evaluation, Gradients, State, System, Update
from bench.optimizers import Optimizer, adagrad, adam, deck_adam, deck_momentum, momentum, sgd
from bench.randomness import stream
from bench.spec import Spec
from bench.specs import (
    convnet,
    mlp,
    preprocessing,
    segnet,
    single_activation,
    single_batch_norm,
    single_upsampling,
)
from bench.specs.convnet import Block
from tests.implementations.systems import EXACT

DENSE, IMAGE = (5,), (6, 4, 3)
RATES = (0.1, 0.1, 0.03, 0.03, 0.01)  # a rule that holds the rate differs once it changes


@pytest.fixture(scope="module")
def natives(name: str, adapter: ModuleType) -> ModuleType:
    """After the adapter, which settles precision and threads."""
    return importlib.import_module(f"tests.natives.{name}")


def built(
    adapter: ModuleType,
    spec: Spec,
    parameters: Mapping[str, np.ndarray] | None = None,
    buffers: Mapping[str, np.ndarray] | None = None,
    **updates: Update,
) -> System:
    system: System = adapter.build(spec, updates, Config(dtype="float64"))
    system.load(State(parameters or {}, buffers or {}))
    return system


def drawn(spec: Spec, examples: int = 4) -> dict[str, np.ndarray]:
    draws = stream(0, "natives")
    return {name: draws.normal(size=(examples, *shape)) for name, shape in spec.inputs.items()}


def same(natives: ModuleType, technique: str, found: Any, expected: Any) -> None:
    """Relative to the largest entry; 1e-12, or what the library is excused with."""
    found, expected = np.asarray(found), np.asarray(expected)
    assert found.shape == expected.shape
    limit = natives.TOLERANCES.get(technique, EXACT)
    assert np.abs(found - expected).max() <= limit * max(np.abs(expected).max(), 1e-300)


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


def stepped(system: System, gradients: list[np.ndarray]) -> np.ndarray:
    """fc1/weight after steps on given gradients, the bias having none."""
    for gradient, rate in zip(gradients, RATES, strict=True):
        given = {"fc1/weight": gradient, "fc1/bias": np.zeros(3)}
        system.apply("train", Gradients({}, given, Evaluation({})), rate)
    return system.export().parameters["fc1/weight"]


@pytest.mark.parametrize(
    "rule",
    [
        sgd(),
        momentum(0.9),
        deck_momentum(0.9),
        adagrad(1e-2),
        adam(0.9, 0.99, 1e-2),
        deck_adam(0.9, 0.99, 1e-2),
    ],
    ids=lambda rule: rule.name,
)
def test_optimizer(adapter: ModuleType, natives: ModuleType, rule: Optimizer) -> None:
    """A large epsilon shows where it stands."""
    technique = f"optimize {rule.name}"
    if technique in natives.UNALIGNED:
        pytest.skip(natives.UNALIGNED[technique])
    spec, draws = mlp.spec((4,), (), 3), stream(4, "natives")
    weight = draws.normal(size=(4, 3))
    gradients = [draws.normal(size=(4, 3)) for _ in RATES]
    initial = {"fc1/weight": weight, "fc1/bias": np.zeros(3)}
    system = built(adapter, spec, initial, train=Update("cross_entropy", ("",), rule))
    expected = natives.optimize(rule.name, weight, gradients, RATES, **rule.constants)
    same(natives, technique, stepped(system, gradients), expected)


@pytest.mark.parametrize("limit", [0.5, 100.0])
def test_clip_by_global_norm(adapter: ModuleType, natives: ModuleType, limit: float) -> None:
    spec, draws = mlp.spec((4,), (), 3), stream(5, "natives")
    gradients = {name: draws.normal(size=p.shape) for name, p in spec.parameters.items()}
    zeros = {name: np.zeros(p.shape) for name, p in spec.parameters.items()}
    update = Update("cross_entropy", ("",), sgd(), clip_global_norm=limit)
    system = built(adapter, spec, zeros, train=update)
    system.apply("train", Gradients({}, gradients, Evaluation({})), 1.0)
    expected = natives.clip_by_global_norm(gradients, limit)
    for name, parameter in system.export().parameters.items():
        same(natives, "clip_by_global_norm", -parameter, expected[name])


@pytest.mark.parametrize("mu", [0.0, 0.9])
def test_weight_decay(adapter: ModuleType, natives: ModuleType, mu: float) -> None:
    """Through the momentum, and large enough that a decay beside it would be seen."""
    spec, draws = mlp.spec((4,), (), 3), stream(9, "natives")
    weight = draws.normal(size=(4, 3))
    gradients = [draws.normal(size=(4, 3)) for _ in range(5)]
    update = Update("cross_entropy", ("",), momentum(mu), weight_decay=0.25)
    initial = {"fc1/weight": weight, "fc1/bias": np.zeros(3)}
    system = built(adapter, spec, initial, train=update)
    for gradient in gradients:
        given = {"fc1/weight": gradient, "fc1/bias": np.zeros(3)}
        system.apply("train", Gradients({}, given, Evaluation({})), 0.1)
    expected = natives.weight_decay(weight, gradients, 0.1, mu, 0.25)
    same(natives, "weight_decay", system.export().parameters["fc1/weight"], expected)


@pytest.mark.parametrize("parts", [2, 3])
def test_accumulation(adapter: ModuleType, natives: ModuleType, parts: int) -> None:
    """Two steps: what was accumulated for the first must not be left for the second."""
    spec, draws = mlp.spec((4,), (), 3), stream(8, "natives")
    weight = draws.normal(size=(4, 3))
    system = built(
        adapter,
        spec,
        {"fc1/weight": weight, "fc1/bias": np.zeros(3)},
        train=Update("cross_entropy", ("fc1/weight",), sgd()),
    )
    gradients = []
    for _ in range(2):
        asked = []
        for _ in range(parts):
            batch = {"x": draws.normal(size=(5, 4)), "y": draws.integers(0, 3, 5)}
            asked.append(system.differentiate("train", system.stage(batch)))
        gradients += [part.gradients["fc1/weight"] for part in asked]
        system.apply("train", system.average(asked, [5] * parts), 0.3)
    expected = natives.accumulated(weight, gradients, parts, 0.3)
    same(natives, "accumulated", system.export().parameters["fc1/weight"], expected)


@pytest.mark.parametrize("schedule", ["piecewise_constant", "exponential_decay"])
def test_schedule(name: str, natives: ModuleType, schedule: str) -> None:
    schedules = importlib.import_module(f"implementations.{name}.techniques.schedules")
    settings = ([3, 7], [0.1, 0.01, 0.001]) if schedule == "piecewise_constant" else (0.1, 0.5, 4.0)
    expected = getattr(natives, schedule)(10, *settings)
    found = [getattr(schedules, schedule)(step, *settings) for step in range(10)]
    same(natives, schedule, found, expected)


def test_standardize(name: str, adapter: ModuleType, natives: ModuleType) -> None:
    normalization = importlib.import_module(f"implementations.{name}.techniques.normalization")
    spec = preprocessing.spec((5, 6, 3))
    system, x = built(adapter, spec), 3 + 2 * stream(6, "natives").normal(size=(4, 5, 6, 3))
    mean, deviation = normalization.statistics(system.stage({"x": x})["x"])
    batch = system.stage({"x": x, "mean": np.asarray(mean), "deviation": np.asarray(deviation)})
    found = system.evaluate("standardized", batch, INFERENCE).outputs["x"]
    same(natives, "standardize", found, natives.standardize(x))


@pytest.mark.parametrize("change", ["affine", "elastic"])
def test_augmentation(adapter: ModuleType, natives: ModuleType, change: str) -> None:
    spec, draws = preprocessing.spec((8, 7, 2)), stream(7, "natives")
    given = {
        "x": draws.normal(size=(4, 8, 7, 2)),
        "angle": draws.uniform(-3, 3, 4),
        "scale": draws.uniform(0.5, 2, 4),
        "shift": draws.uniform(-3, 3, (4, 2)),
    }
    if change == "elastic":
        given = {"x": given["x"], "displacement": draws.uniform(-3, 3, (4, 8, 7, 2))}
    system = built(adapter, spec)
    found = system.evaluate(change, system.stage(given), INFERENCE).outputs["x"]
    same(natives, change, found, getattr(natives, change)(**given))
