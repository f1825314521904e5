"""Single techniques of one framework folder against their formulas.

pytest tests/implementations/suite_techniques.py --framework pytorch. Collected by
test_techniques.py, one process a framework.
"""

from collections.abc import Callable
from dataclasses import replace
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from bench.contract import INFERENCE, TRAINING, Config, Evaluation, Gradients, Mode, State, Update
from bench.conventions import BATCH_NORM
from bench.errors import UserError
from bench.optimizers import Optimizer, adagrad, adam, deck_adam, deck_momentum, momentum, sgd
from bench.randomness import stream
from bench.spec import Spec
from bench.specs import convnet, mlp, single_activation, single_batch_norm
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


def identity(form: str, keep: float) -> Spec:
    return mlp.spec((8,), (), 8, dropout=form, keep_input=keep)


@pytest.mark.parametrize("form", ["deck", "inverted"])
def test_dropout_by_its_table(adapter: ModuleType, form: str) -> None:
    spec = identity(form, 0.75)
    system, batch = adapter.build(spec, {}, Config(dtype="float64")), drawn(spec)
    system.load(State({"fc1/weight": np.eye(8), "fc1/bias": np.zeros(8)}))
    kept = batch["x"] * batch["dropout/input"]
    expected = {
        TRAINING: kept if form == "deck" else kept / 0.75,
        INFERENCE: 0.75 * batch["x"] if form == "deck" else batch["x"],
    }
    for mode, y in expected.items():
        close(system.evaluate("logits", system.stage(batch), mode).outputs["logits"], y)


@pytest.mark.parametrize("mode", [TRAINING, INFERENCE], ids=["training", "inference"])
def test_both_forms_are_one_net(adapter: ModuleType, mode: Mode) -> None:
    """x mask W is x mask / p times p W, and p x W is x times p W."""
    specs = {form: mlp.spec((9,), (8, 6), 3, "relu", None, form, 0.8, 0.5) for form in mlp.FORMS}
    parameters = dict(initial(specs["deck"]).parameters)
    logits = []
    for form, spec in specs.items():
        system = built(adapter, spec)
        if form == "inverted":
            keeps = {"fc1": 0.8, "fc2": 0.5, "fc3": 0.5}
            for layer, keep in keeps.items():
                parameters[f"{layer}/weight"] = keep * parameters[f"{layer}/weight"]
        system.load(State(parameters))
        batch = system.stage(drawn(spec))
        logits.append(system.evaluate("logits", batch, mode).outputs["logits"])
    close(logits[1], logits[0])


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


RATES = (0.1, 0.1, 0.03, 0.3, 0.01)


def formula(rule: Optimizer, p: np.ndarray, gradients: list[np.ndarray]) -> list[Any]:
    """The parameter and the slots after steps at RATES, as bench/optimizers.py writes the rules."""
    c, name = dict(rule.constants), rule.name
    first, second = np.zeros_like(p), np.zeros_like(p)
    for t, (g, lr) in enumerate(zip(gradients, RATES, strict=True), start=1):
        if name == "sgd":
            p = p - lr * g
        elif name == "momentum":
            first = c["momentum"] * first + g
            p = p - lr * first
        elif name == "deck_momentum":
            first = c["momentum"] * first + lr * g
            p = p - first
        elif name == "adagrad":
            first = first + g**2
            p = p - lr * g / (np.sqrt(first) + c["epsilon"])
        else:
            first = c["beta1"] * first + (1 - c["beta1"]) * g
            second = c["beta2"] * second + (1 - c["beta2"]) * g**2
            m, v = first / (1 - c["beta1"] ** t), second / (1 - c["beta2"] ** t)
            inside = name == "deck_adam"
            root = np.sqrt(v + c["epsilon"]) if inside else np.sqrt(v) + c["epsilon"]
            p = p - lr * m / root
    return [p, first, second]


@pytest.mark.parametrize(
    ("rule", "slots"),
    [
        (sgd(), ()),
        (momentum(0.9), ("velocity",)),
        (deck_momentum(0.9), ("velocity",)),
        (adagrad(1e-2), ("accumulator",)),
        (adam(0.9, 0.99, 1e-2), ("first_moment", "second_moment")),
        (deck_adam(0.9, 0.99, 1e-2), ("first_moment", "second_moment")),
    ],
    ids=lambda value: getattr(value, "name", None),
)
def test_optimizers_by_their_formulas(adapter: ModuleType, rule: Optimizer, slots) -> None:
    """A large epsilon shows where it stands, a rate that changes who remembers it."""
    spec, draws = mlp.spec((70, 300), (), 3), stream(0, "optimizers")  # more than a block
    system = built(adapter, spec, {"train": Update("cross_entropy", ("",), rule)})
    start = system.export().parameters
    gradients = [{name: draws.normal(size=a.shape) for name, a in start.items()} for _ in RATES]
    for given, rate in zip(gradients, RATES, strict=True):
        system.apply("train", Gradients({}, given, Evaluation({})), rate)
    state = system.export()
    assert state.step == {"train": len(RATES)}
    assert state.optimizer["train"].keys() == {f"{n}/{slot}" for n in start for slot in slots}
    for name, parameter in start.items():
        expected = formula(rule, parameter, [given[name] for given in gradients])
        close(state.parameters[name], expected[0])
        for position, slot in enumerate(slots, start=1):
            close(state.optimizer["train"][f"{name}/{slot}"], expected[position])


@pytest.mark.parametrize("limit", [None, 0.5])
def test_weight_decay_by_its_formula(adapter: ModuleType, limit: float | None) -> None:
    """All that the update moves decays, batch norm's scale and shift too, behind the clipping.

    What differentiate() answers is the objective's gradient, without the penalty's.
    """
    spec, draws = mlp.spec((4,), (3,), 3, norm=BATCH_NORM), stream(6, "weight decay")
    start = {name: draws.normal(size=p.shape) for name, p in spec.parameters.items()}
    given = {name: draws.normal(size=p.shape) for name, p in spec.parameters.items()}
    moved = [name for name in start if name.startswith(("fc1/", "bn1/"))]
    update = Update("cross_entropy", ("fc1/", "bn1/"), sgd(), TRAINING, limit, 0.25)
    plain = Update("cross_entropy", ("fc1/", "bn1/"), sgd())
    system = adapter.build(spec, {"train": update, "plain": plain}, Config(dtype="float64"))
    system.load(State(start))
    batch = system.stage({"x": draws.normal(size=(5, 4)), "y": draws.integers(0, 3, 5)})
    answers = [system.differentiate(name, batch).gradients for name in ("train", "plain")]
    assert distance(*answers) == 0
    system.apply("train", Gradients({}, {n: given[n] for n in moved}, Evaluation({})), 0.1)
    norm = np.sqrt(sum((given[name] ** 2).sum() for name in moved))
    scale = 1 if limit is None else limit / norm
    assert {"bn1/scale", "bn1/shift"} <= set(moved) < set(start)
    for name, found in system.export().parameters.items():
        step = 0.1 * (scale * given[name] + 0.25 * start[name]) if name in moved else 0
        close(found, start[name] - step)


def test_piecewise_constant_changes_at_its_boundaries(technique) -> None:
    piecewise = technique("schedules").piecewise_constant
    rates = [piecewise(step, [2, 5], [0.1, 0.3, 0.01]) for step in range(8)]
    assert rates == [0.1, 0.1, 0.3, 0.3, 0.3, 0.01, 0.01, 0.01]
    assert all(type(rate) is float for rate in rates)
    assert piecewise(7, [], [0.1]) == 0.1
    assert piecewise(0, [0], [0.1, 0.2]) == 0.2
    assert piecewise(10_000_001, [10_000_001], [0.1, 0.2]) == 0.2


def test_exponential_decay_is_continuous(technique) -> None:
    decay = technique("schedules").exponential_decay
    for step in (0, 1, 99, 100, 101, 100_000):
        rate = decay(step, 0.1, 0.96, 100)
        assert type(rate) is float
        assert rate == pytest.approx(0.1 * 0.96 ** (step / 100), rel=1e-14)
    assert decay(100, 0.1, 0.5, 100) == pytest.approx(0.05, rel=1e-15)
    assert decay(7, 0.1, 1, 3) == 0.1


@pytest.mark.parametrize(
    ("file", "function", "arguments", "message"),
    [
        ("schedules", "piecewise_constant", (-1, [2], [1.0, 0.1]), r"step .*\[0, inf\).* -1"),
        ("schedules", "piecewise_constant", (0, [2, 2], [1.0, 0.1, 0.1]), r"boundaries .*\[2, 2\]"),
        ("schedules", "piecewise_constant", (0, [3, 2], [1.0, 0.1, 0.1]), r"boundaries .*\[3, 2\]"),
        ("schedules", "piecewise_constant", (0, [2], [1.0]), "boundar.* 1"),
        ("schedules", "piecewise_constant", (0, [2], [1.0, 0.0]), r"rate.*\(0, inf\).* 0.0"),
        ("schedules", "exponential_decay", (-2, 0.1, 0.9, 5), r"step .*\[0, inf\).* -2"),
        ("schedules", "exponential_decay", (0, -0.1, 0.9, 5), r"rate .*\(0, inf\).* -0.1"),
        ("schedules", "exponential_decay", (0, 0.1, 0, 5), r"decay .*\(0, 1\].* 0"),
        ("schedules", "exponential_decay", (0, 0.1, 1.5, 5), r"decay .*\(0, 1\].* 1.5"),
        ("schedules", "exponential_decay", (0, 0.1, 0.9, 0), r"period .*\(0, inf\).* 0"),
        ("dropout", "draw", ((3,), 0, 0), r"keep .*\(0, 1\].* 0"),
        ("dropout", "draw", ((3,), 1.5, 0), r"keep .*\(0, 1\].* 1.5"),
        ("initializers", "draw", ("he_norm", (2, 3), "dense", 0), "did you mean he_normal"),
        ("initializers", "draw", ("he_normal", (0, 3), "dense", 0), r"at least 1 .*\(0, 3\)"),
        ("initializers", "draw", ("he_normal", (2, 0), "dense", 0), r"at least 1 .*\(2, 0\)"),
        (
            "initializers",
            "draw",
            ("he_normal", (3, 3, 0, 2), "convolution", 0),
            r"at least 1 .*0, 2\)",
        ),
        (
            "initializers",
            "draw",
            ("constant_small_normal", (0, 3), "dense", 0),
            r"at least 1 .*\(0, 3\)",
        ),
    ],
)
def test_bad_input_is_refused(technique, file: str, function: str, arguments, message) -> None:
    """With the name and what is allowed."""
    with pytest.raises(UserError, match=message):
        getattr(technique(file), function)(*arguments)


def test_dropout_refuses_bad_input(adapter: ModuleType) -> None:
    spec = identity("deck", 0.5)
    for option, message in (({"keep": {"input": 1.5}}, "keep"), ({"dropout": "decks"}, "deck")):
        system = built(adapter, replace(spec, options={**spec.options, **option}))
        batch = system.stage(drawn(spec))
        with pytest.raises(UserError, match=message):
            system.evaluate("logits", batch, TRAINING)
