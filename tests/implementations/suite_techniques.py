"""The techniques of one framework folder, against formulas and the NumPy reference.

pytest tests/implementations/suite_techniques.py --framework pytorch. Collected by
test_techniques.py, one process a framework. tests/natives compares them with the library's own.
"""

import importlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from scipy import ndimage, stats

from bench import initializers, ranges, weights
from bench.contract import (
    INFERENCE,
    TRAINING,
    Config,
    Evaluation,
    Gradients,
    Mode,
    Optimizer,
    State,
    System,
    Update,
    adagrad,
    adam,
    deck_adam,
    deck_momentum,
    momentum,
    sgd,
)
from bench.conventions import BATCH_NORM
from bench.errors import ContractError, UserError
from bench.randomness import stream
from bench.spec import Spec
from bench.specs import convnet, mlp, preprocessing, single_activation, single_batch_norm
from bench.specs.convnet import Block
from tests.implementations.suite_contract import distance

EXACT = 1e-12  # the same computation in another order of summation, float64
DENSE, IMAGE = (5,), (6, 4, 3)
MONTE_CARLO = Mode(batch_statistics=False, dropout=True)
TRAIN = {"train": Update("cross_entropy", ("",), adam(0.9, 0.999, 1e-8))}
AVERAGES = (Block(3, 3, padding=1, pooling="average"), Block(4, 3, 2, 1, "none"))
NETS = {
    "linear": mlp.spec((4, 3, 2), (), 3),
    "mlp": mlp.spec((4, 3, 2), (8, 6, 5), 3, "tanh", BATCH_NORM, "deck", 0.8, 0.5),
    "mlp of vectors": mlp.spec((9,), (8,), 3, "identity", None, "inverted", 1.0, 0.5),
    "convnet": convnet.spec((9, 8, 2), (Block(3, 3), Block(4, 2)), (5,), 3, "relu", BATCH_NORM),
    "convnet of averages": convnet.spec((8, 7, 2), AVERAGES, (), 3, "sigmoid", BATCH_NORM),
    "convnet without batch norm": convnet.spec((8, 7, 2), AVERAGES, (6, 5), 3, "tanh"),
}


@pytest.fixture(scope="module")
def name(request: pytest.FixtureRequest) -> str:
    return str(request.config.getoption("--framework"))


@pytest.fixture(scope="module")
def adapter(name: str) -> ModuleType:
    return importlib.import_module(f"implementations.{name}.adapter")


@pytest.fixture(scope="module")
def reference() -> ModuleType:
    return importlib.import_module("implementations.numpy.adapter")


@pytest.fixture(scope="module")
def technique(name: str, adapter: ModuleType) -> Callable[[str], ModuleType]:
    """A file of techniques, after the adapter, which settles precision and threads."""
    return lambda file: importlib.import_module(f"implementations.{name}.techniques.{file}")


def initial(spec: Spec) -> State:
    """No parameter is zero, and the running statistics are not 0 and 1."""
    draws = stream(0, "initial")
    parameters = weights.initial(spec, 0).parameters
    return State(
        {name: a + 0.1 * draws.normal(size=a.shape) for name, a in parameters.items()},
        {name: draws.uniform(0.5, 2, b.shape) for name, b in spec.buffers.items()},
    )


def built(
    adapter: ModuleType,
    spec: Spec,
    updates: Mapping[str, Update] | None = None,
    dtype: Any = "float64",
) -> System:
    system: System = adapter.build(spec, updates or {}, Config(dtype=dtype))
    system.load(initial(spec))
    return system


def drawn(spec: Spec, examples: int = 4, seed: int = 0) -> dict[str, np.ndarray]:
    """Labels, masks, images: a batch of a spec by the names of its entries."""
    draws = stream(seed, "techniques")
    batch: dict[str, np.ndarray] = {}
    for name, shape in spec.inputs.items():
        if name == "y":
            batch[name] = draws.integers(0, 3, examples)
        elif name.startswith("dropout/"):
            batch[name] = draws.integers(0, 2, (examples, *shape)).astype(float)
        else:
            batch[name] = draws.normal(1, 2, size=(examples, *shape))
    return batch


def close(found: Any, expected: Any, limit: float = EXACT) -> None:
    """Relative to the largest entry."""
    found, expected = np.asarray(found), np.asarray(expected)
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() <= limit * max(np.abs(expected).max(), 1e-300)


# --- batch norm ---------------------------------------------------------------------------------


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
    with pytest.raises(ValueError, match="at least two values"):
        system.evaluate("response", system.stage(drawn(spec, 1)), TRAINING)
    image = single_batch_norm.spec(IMAGE)  # one image has a value for each pixel
    system = built(adapter, image)
    system.evaluate("response", system.stage(drawn(image, 1)), TRAINING)


# --- nets and their buffers ---------------------------------------------------------------------


@pytest.mark.parametrize("net", NETS)
def test_nets_are_those_of_the_reference(adapter, reference, net: str) -> None:
    """Outputs, gradients, activations and buffers, in training and at inference."""
    spec = NETS[net]
    systems = [built(module, spec, TRAIN) for module in (adapter, reference)]
    batch = drawn(spec)
    for mode in (TRAINING, INFERENCE, MONTE_CARLO):
        found, expected = (s.evaluate("logits", s.stage(batch), mode) for s in systems)
        close(found.outputs["logits"], expected.outputs["logits"])
        assert distance(found.buffers, expected.buffers) < EXACT
    found, expected = (s.differentiate("train", s.stage(batch), {}) for s in systems)
    assert found.terms == pytest.approx(expected.terms, rel=EXACT)
    assert found.evaluation.decisions.keys() == set(spec.decisions)
    for decision in spec.decisions:
        np.testing.assert_array_equal(
            found.evaluation.decisions[decision], expected.evaluation.decisions[decision]
        )
    # A gradient that vanishes is compared with the largest, not with itself.
    largest = max(np.abs(gradient).max() for gradient in expected.gradients.values())
    for parameter, gradient in expected.gradients.items():
        assert np.abs(found.gradients[parameter] - gradient).max() < EXACT * largest
    ours, theirs = (list(s.trace("train", s.stage(batch))) for s in systems)
    assert tuple(entry[0] for entry in ours) == spec.activations
    for (_, x, gradient), (_, y, expected_gradient) in zip(ours, theirs, strict=True):
        close(x, y)
        close(gradient, expected_gradient)


@pytest.mark.parametrize("net", ["mlp", "convnet"])
def test_update_commits_buffers(adapter: ModuleType, reference: ModuleType, net: str) -> None:
    """update() is apply() of differentiate(), and both are the reference."""
    spec = NETS[net]
    fused, split, other = (built(m, spec, TRAIN) for m in (adapter, adapter, reference))
    for step in range(3):
        batch, before = drawn(spec, seed=step), split.export().buffers
        fused.update("train", fused.stage(batch), 0.01)
        other.update("train", other.stage(batch), 0.01)
        gradients = split.differentiate("train", split.stage(batch))
        assert distance(split.export().buffers, before) == 0
        split.apply("train", gradients, 0.01)
        after = split.export()
        assert distance(after.buffers, gradients.evaluation.buffers) == 0
        assert all(np.abs(after.buffers[n] - before[n]).max() > 1e-3 for n in before)
        one, two = fused.export(), other.export()
        assert distance(one.parameters, after.parameters) < EXACT
        assert distance(one.buffers, after.buffers) < EXACT
        assert distance(one.buffers, two.buffers) < 1e-9  # after Adam, which magnifies rounding


@pytest.mark.parametrize("net", ["mlp", "convnet"])
def test_asking_changes_no_buffer(adapter: ModuleType, net: str) -> None:
    spec = NETS[net]
    system = built(adapter, spec, TRAIN)
    batch, before = system.stage(drawn(spec)), system.export().buffers
    answer = system.evaluate("logits", batch, TRAINING)
    assert distance(answer.buffers, before) > 1e-3
    system.forward("logits", batch, TRAINING)
    system.differentiate("train", batch)
    list(system.trace("train", batch))
    assert distance(system.export().buffers, before) == 0
    assert list(before) == list(spec.buffers)


def test_forward_keeps_its_outputs(adapter: ModuleType) -> None:
    spec = NETS["convnet"]
    system: Any = built(adapter, spec)
    batch = system.stage(drawn(spec))
    assert system.forward("logits", batch, INFERENCE) is None
    system.synchronize()
    logits = system.outputs["logits"]
    expected = system.evaluate("logits", batch, INFERENCE).outputs["logits"]
    close(np.asarray(getattr(logits, "value", logits)), expected)


def test_an_update_of_nothing_moves_buffers_only(adapter: ModuleType) -> None:
    """Statistics are estimated anew; a limit on the norm of no gradient is no obstacle."""
    spec = NETS["mlp"]
    frozen = Update("cross_entropy", (), sgd(), Mode(True, False), clip_global_norm=1.0)
    system = built(adapter, spec, {"estimate": frozen})
    before = system.export()
    batch = system.stage(drawn(spec))
    split = system.differentiate("estimate", batch)
    assert split.gradients == {}
    system.update("estimate", batch, 0.1)
    after = system.export()
    assert distance(after.parameters, before.parameters) == 0
    assert distance(after.buffers, split.evaluation.buffers) < EXACT
    assert distance(after.buffers, before.buffers) > 1e-3


def test_frozen_statistics_stay_while_parameters_move(adapter: ModuleType) -> None:
    spec = NETS["mlp"]
    system = built(adapter, spec, {"train": replace(TRAIN["train"], mode=MONTE_CARLO)})
    before = system.export()
    system.update("train", system.stage(drawn(spec)), 0.1)
    after = system.export()
    assert distance(after.buffers, before.buffers) == 0
    assert distance(after.parameters, before.parameters) > 1e-3


@pytest.mark.parametrize("damage", ["missing", "left over", "shape"])
def test_buffers_that_do_not_fit_are_refused(adapter: ModuleType, damage: str) -> None:
    spec = NETS["mlp"]
    system, state = built(adapter, spec), initial(spec)
    buffers = dict(state.buffers)
    if damage == "missing":
        del buffers["bn1/running_mean"]
    elif damage == "left over":
        buffers["bn9/running_mean"] = np.zeros(3)
    else:
        buffers["bn1/running_mean"] = np.zeros(3)
    with pytest.raises(ContractError, match=r"buffers: .*bn[19]/running_mean"):
        system.load(State(state.parameters, buffers))


def test_buffers_start_where_the_spec_says(adapter: ModuleType) -> None:
    spec = NETS["mlp"]
    system = built(adapter, spec)
    system.load(State(initial(spec).parameters))
    for name, array in system.export().buffers.items():
        np.testing.assert_array_equal(array, np.full(array.shape, spec.buffers[name].initial))


@pytest.mark.parametrize("net", NETS)
def test_float32_stays_float32(adapter: ModuleType, net: str) -> None:
    """Integer masks too, which would widen float32 in some libraries."""
    spec = NETS[net]
    narrow, wide = (built(adapter, spec, TRAIN, dtype) for dtype in ("float32", "float64"))
    batch = drawn(spec)
    masks = {n: a.astype(np.int64) for n, a in batch.items() if n.startswith("dropout/")}
    found = narrow.differentiate("train", narrow.stage({**batch, **masks}))
    expected = wide.differentiate("train", wide.stage(batch))
    for ours, theirs in (
        (found.gradients, expected.gradients),
        (found.evaluation.buffers, expected.evaluation.buffers),
    ):
        assert all(array.dtype == np.float32 for array in ours.values())
        assert distance(ours, theirs) < 1e-4
    narrow.update("train", narrow.stage({**batch, **masks}), 0.01)
    exported = narrow.export()
    assert {a.dtype for a in (*exported.parameters.values(), *exported.buffers.values())} == {
        np.dtype(np.float32)
    }


# --- dropout ------------------------------------------------------------------------------------


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


def test_monte_carlo_dropout(adapter: ModuleType) -> None:
    """Dropout is on, statistics are frozen: other masks, other logits, and the same buffers."""
    spec = NETS["mlp"]
    system, batch = built(adapter, spec), drawn(spec)
    other = {name: 1 - a for name, a in batch.items() if name.startswith("dropout/")}
    answers = [
        system.evaluate("logits", system.stage({**batch, **masks}), MONTE_CARLO)
        for masks in ({}, other)
    ]
    assert distance(answers[0].outputs, answers[1].outputs) > 1e-3
    for answer in answers:
        assert distance(answer.buffers, system.export().buffers) == 0
    alone = {name: array[:1] for name, array in batch.items()}
    single = system.evaluate("logits", system.stage(alone), MONTE_CARLO).outputs["logits"]
    close(single, answers[0].outputs["logits"][:1])  # an example knows nothing of its neighbors


def test_a_missing_mask_is_refused_in_training_only(adapter: ModuleType) -> None:
    spec = NETS["mlp"]
    system, batch = built(adapter, spec, TRAIN), drawn(spec)
    del batch["dropout/fc2"]
    with pytest.raises(ContractError, match="needs a mask"):
        system.evaluate("logits", system.stage(batch), TRAINING)
    with pytest.raises(ContractError, match="needs a mask"):
        system.update("train", system.stage(batch), 0.1)
    images = {"x": batch["x"]}
    system.evaluate("logits", system.stage(images), INFERENCE)


@pytest.mark.parametrize("keep", [0.1, 0.5, 0.8])
def test_masks_by_distribution(technique, keep: float) -> None:
    dropout = technique("dropout")
    mask = dropout.draw((400, 500), keep, seed=0)
    assert isinstance(mask, np.ndarray)
    assert mask.shape == (400, 500)
    assert set(np.unique(mask)) == {0, 1}
    low, high = stats.binom.interval(0.9999, mask.size, keep)
    assert low <= mask.sum() <= high
    # Units of one example are no more alike than those of another.
    low, high = stats.binom.interval(0.9999, mask.size // 2, keep**2 + (1 - keep) ** 2)
    assert low <= (mask[:, ::2] == mask[:, 1::2]).sum() <= high
    np.testing.assert_array_equal(dropout.draw((400, 500), keep, seed=0), mask)
    assert (dropout.draw((400, 500), keep, seed=1) != mask).mean() > keep * (1 - keep)
    assert (dropout.draw((30,), 1.0, seed=0) == 1).all()


# --- initializers -------------------------------------------------------------------------------

SHAPES = {"dense": (400, 600), "convolution": (5, 5, 80, 120), "recurrent": (200, 4, 300)}


def law(kind: str, variance: float) -> Any:
    if kind == "normal":
        return stats.norm(0, variance**0.5)
    limit = (3 * variance) ** 0.5
    return stats.uniform(-limit, 2 * limit)


@pytest.mark.parametrize("layout", SHAPES)
@pytest.mark.parametrize("initializer", initializers.NAMES)
def test_initializers_by_distribution(technique, initializer: str, layout: str) -> None:
    draw, shape = technique("initializers").draw, SHAPES[layout]
    weight = draw(initializer, shape, layout, seed=0)
    assert weight.shape == shape
    assert weight.size >= 200_000
    variance = initializers.variance(initializer, shape, layout)  # type: ignore[arg-type]
    kind = initializer.rpartition("_")[2]
    excess = 2 if kind == "normal" else 0.8  # of x^2 / Var, whose mean is 1: its variance
    error = (excess / weight.size) ** 0.5
    values = weight.astype(np.float64).ravel()
    # Of 36 comparisons one in eleven lies beyond 3 standard errors by chance.
    assert abs((values**2).mean() / variance - 1) < 4 * error
    assert abs(values.mean()) < 4 * (variance / weight.size) ** 0.5
    assert stats.kstest(values, law(kind, variance).cdf).pvalue > 1e-3


def test_a_truncated_normal_is_noticed() -> None:
    """As Keras and flax draw it: cut at two deviations, and widened to the variance asked for."""
    values = stats.truncnorm(-2, 2).rvs(200_000, random_state=0) / stats.truncnorm(-2, 2).std()
    assert abs((values**2).mean() - 1) < 4 * (2 / values.size) ** 0.5
    assert stats.kstest(values, law("normal", 1.0).cdf).pvalue < 1e-6


@pytest.mark.parametrize("initializer", ["he_normal", "glorot_uniform", "constant_small_normal"])
def test_a_seed_names_its_draws(technique, initializer: str) -> None:
    draw = technique("initializers").draw
    weight = draw(initializer, (50, 4, 60), "recurrent", seed=0)
    np.testing.assert_array_equal(draw(initializer, (50, 4, 60), "recurrent", seed=0), weight)
    assert (draw(initializer, (50, 4, 60), "recurrent", seed=1) != weight).mean() > 0.99
    for gate in range(1, 4):  # no gate repeats another
        assert abs(np.corrcoef(weight[:, 0].ravel(), weight[:, gate].ravel())[0, 1]) < 0.1


# --- optimizers ---------------------------------------------------------------------------------

RATES = (0.1, 0.1, 0.03, 0.3, 0.01)


def formula(rule: Optimizer, p: np.ndarray, gradients: list[np.ndarray]) -> list[Any]:
    """The parameter and the slots after steps at RATES, as bench/contract.py writes the rules."""
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


# --- schedules ----------------------------------------------------------------------------------


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
        ("initializers", "draw", ("he_normal", (0, 3), "dense", 0), r"fan|\(0, 3\)"),
        ("initializers", "draw", ("he_normal", (2, 0), "dense", 0), r"fan|\(2, 0\)"),
        ("initializers", "draw", ("he_normal", (3, 3, 0, 2), "convolution", 0), "fan"),
        ("initializers", "draw", ("constant_small_normal", (0, 3), "dense", 0), "fan"),
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


# --- preprocessing ------------------------------------------------------------------------------


def pictures(examples: int = 4, shape: tuple[int, int, int] = (9, 6, 2)) -> dict[str, np.ndarray]:
    """A batch of the preprocessing spec; mean and deviation have no axis for examples."""
    draws, batch = stream(0, "pictures"), (examples, *shape)
    return {
        "x": draws.normal(3, 2, size=batch),
        "mean": draws.normal(3, 1, size=shape[-1:]),
        "deviation": draws.uniform(1, 3, shape[-1:]),
        "angle": draws.uniform(-4, 4, examples),
        "scale": draws.uniform(0.4, 2.5, examples),
        "shift": draws.uniform(-3, 3, (examples, 2)),
        "displacement": draws.normal(0, 3, (examples, *shape[:2], 2)),
        "noise": draws.normal(size=batch),
    }


def changed(adapter: ModuleType, function: str, batch: Mapping[str, np.ndarray]) -> np.ndarray:
    system = adapter.build(preprocessing.spec(batch["x"].shape[1:]), {}, Config(dtype="float64"))
    system.load(State({}))
    return system.evaluate(function, system.stage(batch), INFERENCE).outputs["x"]


@pytest.mark.parametrize("function", ["standardized", "affine", "elastic", "noisy"])
def test_pixels_are_those_of_the_reference(adapter, reference, function: str) -> None:
    batch = pictures()
    found, expected = (changed(module, function, batch) for module in (adapter, reference))
    np.testing.assert_allclose(found, expected, rtol=0, atol=EXACT)


def test_affine_against_scipy(adapter: ModuleType) -> None:
    """grid-constant: pixels outside are zeros, also where a sample is partly outside."""
    batch = pictures()
    found, center = changed(adapter, "affine", batch), (np.array([9, 6]) - 1) / 2
    for b, image in enumerate(batch["x"]):
        cosine, sine = np.cos(batch["angle"][b]), np.sin(batch["angle"][b])
        back = np.array([[cosine, sine], [-sine, cosine]]) / batch["scale"][b]
        offset = center - back @ (center + batch["shift"][b])
        for channel in range(2):
            expected = ndimage.affine_transform(
                image[..., channel], back, offset, order=1, mode="grid-constant", cval=0
            )
            np.testing.assert_allclose(found[b, ..., channel], expected, rtol=0, atol=EXACT)


def test_elastic_against_scipy(adapter: ModuleType) -> None:
    batch = pictures()
    found = changed(adapter, "elastic", batch)
    pixels = np.stack(np.meshgrid(np.arange(9), np.arange(6), indexing="ij"), axis=-1)
    for b, image in enumerate(batch["x"]):
        places = np.moveaxis(pixels + batch["displacement"][b], -1, 0)
        for channel in range(2):
            expected = ndimage.map_coordinates(
                image[..., channel], places, order=1, mode="grid-constant", cval=0
            )
            np.testing.assert_allclose(found[b, ..., channel], expected, rtol=0, atol=EXACT)


def test_directions_of_affine(adapter: ModuleType) -> None:
    """A quarter turn takes down to right; a shift goes down and right; a scale enlarges."""
    still = pictures(1, (7, 7, 1)) | {
        "angle": np.zeros(1),
        "scale": np.ones(1),
        "shift": np.zeros((1, 2)),
    }
    x = still["x"]
    np.testing.assert_array_equal(changed(adapter, "affine", still), x)
    turned = changed(adapter, "affine", still | {"angle": np.array([np.pi / 2])})
    np.testing.assert_allclose(turned[0], np.rot90(x[0]), atol=1e-13)
    moved = changed(adapter, "affine", still | {"shift": np.array([[2.0, 1.0]])})
    np.testing.assert_array_equal(moved[:, 2:, 1:], x[:, :-2, :-1])
    assert (moved[:, :2] == 0).all()
    assert (moved[:, :, :1] == 0).all()
    enlarged = changed(adapter, "affine", still | {"scale": np.array([2.0])})
    np.testing.assert_array_equal(enlarged[:, 1::2, 1::2], x[:, 2:5, 2:5])


def test_displacements_beyond_the_image_read_zeros(adapter: ModuleType) -> None:
    batch = pictures()
    for far in (-1e9, 1e9):
        batch["displacement"] = np.full_like(batch["displacement"], far)
        assert (changed(adapter, "elastic", batch) == 0).all()


def test_noise_is_added(adapter: ModuleType) -> None:
    batch = pictures()
    np.testing.assert_array_equal(changed(adapter, "noisy", batch), batch["x"] + batch["noise"])


@pytest.mark.parametrize("shape", [(5, 6, 3), (3,)], ids=["image", "dense"])
def test_normalization_by_the_population(adapter: ModuleType, technique, shape) -> None:
    normalization = technique("normalization")
    x = stream(0, "normalization").normal(3, 2, size=(4, *shape))
    x[..., 1] = 0.1  # its mean is rounded, its deviation must be zero all the same
    system = built(adapter, mlp.spec(shape, (), 2))
    staged = system.stage({"x": x})["x"]
    mean, deviation = normalization.statistics(staged)
    y = normalization.standardize(staged, mean, deviation)
    flat = x.reshape(-1, 3)
    close(np.asarray(mean), flat.mean(axis=0))
    assert np.asarray(deviation)[1] == 0
    close(np.asarray(deviation)[::2], flat[:, ::2].std(axis=0, ddof=0))
    outputs = np.asarray(y).reshape(4, -1)
    assert np.abs(outputs).max() < 10
    assert np.isfinite(outputs).all()


def test_a_constant_channel_is_divided_by_one(adapter: ModuleType) -> None:
    batch = pictures() | {"deviation": np.array([0.0, 2.0])}
    expected = (batch["x"] - batch["mean"]) / np.array([1.0, 2.0])
    close(changed(adapter, "standardized", batch), expected)


# --- activations --------------------------------------------------------------------------------

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


def test_the_range_of_keep_is_that_of_the_specs() -> None:
    assert str(ranges.PROBABILITY) == "(0, 1]"
    with pytest.raises(UserError, match=r"keep_input .*\(0, 1\]"):
        identity("deck", 0.0)
