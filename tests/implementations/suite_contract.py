"""The contract, asked of one framework folder: pytest tests/implementations/suite_contract.py
--framework pytorch. Collected by test_contract.py, one process a framework."""

import importlib
import tomllib
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from bench import spec as specs
from bench import weights
from bench.contract import INFERENCE, Config, State, System, Update
from bench.errors import ContractError, UserError
from bench.optimizers import adam, momentum, sgd
from bench.randomness import stream
from bench.specs import lenet, mlp, single_convolution, single_max_pool
from tests.implementations.systems import EXACT, distance
from tests.toys import tiny_gan

ADAM = adam(0.9, 0.999, 1e-8)
OTHER = ("other", sgd())  # an update that remembers nothing
ROUNDED = 1e-4  # float32: two orders above rounding, four below a wrong formula


def images(spec: specs.Spec, examples: int = 4, seed: int = 0) -> dict[str, np.ndarray]:
    draws = stream(seed, "contract test")
    batch: dict[str, np.ndarray] = {"x": draws.normal(size=(examples, *spec.inputs["x"]))}
    if "y" in spec.inputs:
        batch["y"] = draws.integers(0, 10, examples)
    for key in spec.inputs.keys() - batch.keys():
        batch[key] = draws.normal(size=(examples, *spec.inputs[key]))
    return batch


def built(
    adapter: ModuleType,
    spec: specs.Spec,
    updates: Mapping[str, Update] | None = None,
    dtype: str = "float64",
) -> System:
    system = adapter.build(spec, updates or {}, Config(dtype=dtype))  # type: ignore[arg-type]
    system.load(weights.initial(spec, 0))
    return system


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("architecture", specs.names())
def test_load_and_export_are_exact(adapter: ModuleType, architecture: str, dtype: str) -> None:
    spec = specs.get(architecture)
    system = adapter.build(spec, {}, Config(dtype=dtype))  # type: ignore[arg-type]
    state = weights.initial(spec, 0)
    system.load(state)
    exported = system.export().parameters
    assert list(exported) == list(spec.parameters)
    for key, array in state.parameters.items():
        assert exported[key].dtype == dtype
        np.testing.assert_array_equal(exported[key], array.astype(dtype))


def test_export_is_a_deep_copy(adapter: ModuleType) -> None:
    system = built(adapter, mlp.spec(), {"train": Update("cross_entropy", ("",), sgd())})
    before = system.export()
    kept = {key: array.copy() for key, array in before.parameters.items()}
    system.update("train", system.stage(images(mlp.spec())), 0.5)
    for key, array in before.parameters.items():
        np.testing.assert_array_equal(array, kept[key])
    assert distance(system.export().parameters, kept) > 1e-6


@pytest.mark.parametrize("damage", ["missing", "left over", "shape"])
def test_load_refuses_parameters_that_do_not_fit(adapter: ModuleType, damage: str) -> None:
    spec = mlp.spec()
    system = built(adapter, spec)
    parameters = dict(weights.initial(spec, 0).parameters)
    if damage == "missing":
        del parameters["fc1/bias"]
    elif damage == "left over":
        parameters["fc9/bias"] = np.zeros(3)
    else:
        parameters["fc1/weight"] = parameters["fc1/weight"].T
    with pytest.raises(ContractError, match=r"parameters: .*fc[19]"):
        system.load(State(parameters))


FIRST, WIDE = "fc1/weight/first_moment", np.zeros((784, 128))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        ({"buffers": {"bn1/running_mean": np.zeros(3)}}, r"buffers: .*left over .*bn1/running"),
        ({"carried": {"rnn/hidden": np.zeros(3)}}, r"carried: .*left over .*rnn/hidden"),
        (
            {"optimizer": {"train": {FIRST: WIDE}, "other": {}}},
            r"of train: missing .*fc1",
        ),
        ({"optimizer": {"other": {FIRST: WIDE}, "train": {}}}, r"of other: .*left over"),
        ({"optimizer": {"train": {}, "other": {}, "search": {}}}, r"optimizer: .*'search'"),
        ({"optimizer": {"train": {}}}, r"optimizer: .*'other'"),
        ({"step": {"train": 3, "other": 0, "search": 5}}, r"step: .*'search'"),
        ({"step": {"train": 3}}, r"step: .*'other'"),
    ],
)
def test_load_refuses_what_is_left_over(adapter: ModuleType, damage: Any, message: str) -> None:
    """And has then changed nothing: what fits of a wrong state is not taken either."""
    spec = mlp.spec()
    updates = {key: Update("cross_entropy", ("",), kind) for key, kind in (("train", ADAM), OTHER)}
    system = built(adapter, spec, updates)
    before = system.export()
    parameters = {name: array + 1 for name, array in before.parameters.items()}
    with pytest.raises(ContractError, match=message):
        system.load(State(parameters, **damage))
    assert distance(system.export().parameters, before.parameters) == 0
    system.load(before)


@pytest.mark.parametrize("optimizer", [sgd(), momentum(0.9), ADAM], ids=lambda o: o.name)
@pytest.mark.parametrize(("clip", "decay"), [(None, None), (0.1, None), (None, 0.2), (0.1, 0.2)])
def test_update_is_apply_of_differentiate(adapter: ModuleType, optimizer, clip, decay) -> None:
    spec = mlp.spec()
    more = {"clip_global_norm": clip, "weight_decay": decay}
    update = Update("cross_entropy", ("",), optimizer, **more)
    fused, split = (built(adapter, spec, {"train": update}) for _ in range(2))
    for step in range(3):
        batch = images(spec, seed=step)
        rate = 0.01 / (1 + step)
        fused.update("train", fused.stage(batch), rate)
        gradients = split.differentiate("train", split.stage(batch))
        split.apply("train", gradients, rate)
        assert fused.read() == pytest.approx(gradients.terms, rel=EXACT)
        one, two = fused.export(), split.export()
        assert distance(one.parameters, two.parameters) < EXACT
        assert distance(one.optimizer["train"], two.optimizer["train"]) < EXACT
        assert one.step == two.step == {"train": step + 1}


def test_update_is_apply_of_differentiate_for_lenet(adapter: ModuleType) -> None:
    spec = lenet.spec()
    system = built(adapter, spec, {"train": Update("cross_entropy", ("",), ADAM)})
    batch = system.stage(images(spec))
    system.apply("train", system.differentiate("train", batch, {}), 1e-3)
    split = system.export()
    system.load(weights.initial(spec, 0))
    system.update("train", batch, 1e-3)
    assert distance(system.export().parameters, split.parameters) < EXACT


def test_asking_changes_nothing(adapter: ModuleType) -> None:
    spec = lenet.spec()
    system = built(adapter, spec, {"train": Update("cross_entropy", ("",), ADAM)})
    batch = system.stage(images(spec))
    system.update("train", batch, 1e-3)
    before = system.export()
    system.evaluate("logits", batch, INFERENCE)
    system.differentiate("train", batch)
    list(system.trace("train", batch))
    after = system.export()
    assert distance(after.parameters, before.parameters) == 0.0
    assert distance(after.optimizer["train"], before.optimizer["train"]) == 0.0
    assert after.step == before.step


def test_state_goes_on_where_it_was_exported(adapter: ModuleType) -> None:
    spec = mlp.spec()
    system = built(adapter, spec, {"train": Update("cross_entropy", ("",), ADAM)})
    batches = [system.stage(images(spec, seed=seed)) for seed in range(4)]
    for batch in batches[:2]:
        system.update("train", batch, 1e-3)
    middle = system.export()
    for batch in batches[2:]:
        system.update("train", batch, 1e-3)
    straight = system.export()
    system.load(middle)
    for batch in batches[2:]:
        system.update("train", batch, 1e-3)
    assert distance(system.export().parameters, straight.parameters) == 0.0


def test_same_inputs_give_the_same_bits(adapter: ModuleType) -> None:
    spec = lenet.spec()
    states = []
    for _ in range(2):
        system = built(adapter, spec, {"train": Update("cross_entropy", ("",), ADAM)}, "float32")
        for seed in range(2):
            system.update("train", system.stage(images(spec, 8, seed)), 1e-3)
        states.append(system.export().parameters)
    assert distance(states[0], states[1]) == 0.0


def test_trace_follows_the_spec(adapter: ModuleType) -> None:
    spec = lenet.spec()
    system = built(adapter, spec, {"train": Update("cross_entropy", ("",), ADAM)})
    batch = system.stage(images(spec))
    traced = list(system.trace("train", batch))
    assert [(key, x.shape[1:]) for key, x, _ in traced] == list(spec.activations.items())
    by_name = {key: (x, gradient) for key, x, gradient in traced}
    assert by_name["pool1"][0].shape == (4, 14, 14, 64)
    logits = system.evaluate("logits", batch, INFERENCE).outputs["logits"]
    np.testing.assert_allclose(by_name["logits"][0], logits, rtol=EXACT)
    # The gradient of mean cross-entropy by the logits is (softmax - one hot) / B.
    soft = np.exp(logits - logits.max(axis=1, keepdims=True))
    soft /= soft.sum(axis=1, keepdims=True)
    expected = (soft - np.eye(10)[images(spec)["y"]]) / len(logits)
    gradient = by_name["logits"][1]
    assert gradient is not None
    np.testing.assert_allclose(gradient, expected, atol=1e-14)


def test_decisions_are_noted_and_handed_in(adapter: ModuleType) -> None:
    spec = single_max_pool.spec()
    system = built(adapter, spec, {"ask": Update("energy", ("input:x",), sgd())})
    arrays = images(spec)
    batch = system.stage(arrays)
    assert system.differentiate("ask", batch).evaluation.decisions == {}
    free = system.differentiate("ask", batch, {})
    windows = (
        arrays["x"].reshape(4, 4, 2, 4, 2, 3).transpose(0, 1, 3, 5, 2, 4).reshape(4, 4, 4, 3, 4)
    )
    np.testing.assert_array_equal(free.evaluation.decisions["pool"], windows.argmax(axis=-1))
    top = np.sort(windows, axis=-1)
    np.testing.assert_allclose(free.evaluation.margins["pool"], top[..., -1] - top[..., -2])
    chosen = np.full((4, 4, 4, 3), -1, dtype=np.int8)
    chosen[0, 1, 2, 0] = (free.evaluation.decisions["pool"][0, 1, 2, 0] + 1) % 4
    forced = system.differentiate("ask", batch, {"pool": chosen})
    changed = forced.gradients["input:x"] != free.gradients["input:x"]
    assert np.argwhere(changed)[:, 0].tolist() == [0, 0]
    expected = arrays["cotangent"][0, 1, 2, 0]
    assert expected in forced.gradients["input:x"][0, 2:4, 4:6, 0]


@pytest.mark.parametrize(("stride", "padding", "channels"), [(1, 0, 1), (2, 1, 3), (2, 4, 2)])
def test_convolution_against_its_definition(adapter, stride, padding, channels) -> None:
    spec = single_convolution.spec(8, channels, 2, 3, stride, padding)
    system = built(adapter, spec, {"ask": Update("energy", ("", "input:x"), sgd())})
    arrays = images(spec)
    response = system.evaluate("response", system.stage(arrays), INFERENCE).outputs["response"]
    kernel = weights.initial(spec, 0).parameters["conv/weight"]
    padded = np.pad(arrays["x"], ((0, 0), (padding,) * 2, (padding,) * 2, (0, 0)))
    out = response.shape[1]
    expected = np.zeros_like(response)
    for i in range(out):
        for j in range(out):
            patch = padded[:, i * stride : i * stride + 3, j * stride : j * stride + 3]
            expected[:, i, j] = np.einsum("nabc,abck->nk", patch, kernel)
    np.testing.assert_allclose(response, 1 / (1 + np.exp(-expected)), rtol=EXACT)


def test_an_update_moves_what_it_says_and_nothing_else(adapter: ModuleType) -> None:
    spec = mlp.spec()
    system = built(adapter, spec, {"first": Update("cross_entropy", ("fc1/",), ADAM)})
    before = system.export().parameters
    system.update("first", system.stage(images(spec)), 0.1)
    moved = {n for n, a in system.export().parameters.items() if (a != before[n]).any()}
    assert moved == {"fc1/weight", "fc1/bias"}
    gradients = system.differentiate("first", system.stage(images(spec))).gradients
    assert set(gradients) == {"fc1/weight", "fc1/bias"}


def test_the_contract_carries_a_gan_and_inpainting(adapter: ModuleType) -> None:
    """Against the same toy in the NumPy reference: alternating updates, then a search over z."""
    reference = importlib.import_module("implementations.numpy.adapter")
    spec = tiny_gan()
    updates = {
        "generator": Update("generator_loss", ("generator/",), adam(0.5, 0.999, 1e-8)),
        "discriminator": Update(
            "discriminator_loss", ("discriminator/",), momentum(0.9), clip_global_norm=0.5
        ),
        "search": Update("generator_loss", ("input:z",), sgd()),
    }
    systems = [built(module, spec, updates) for module in (reference, adapter)]
    for step in range(6):
        batch = images(spec, 8, seed=step)
        for update in ("discriminator", "discriminator", "generator"):
            terms = []
            for system in systems:
                system.update(update, system.stage(batch), 0.05)
                terms.append(system.read())
            assert terms[1] == pytest.approx(terms[0], rel=1e-10)
    expected, found = (system.export() for system in systems)
    assert found.step == expected.step == {"generator": 6, "discriminator": 12, "search": 0}
    assert distance(found.parameters, expected.parameters) < 1e-10
    z = [batch["z"], batch["z"]]
    for _ in range(5):
        for position, system in enumerate(systems):
            answer = system.differentiate("search", system.stage({**batch, "z": z[position]}))
            z[position] = z[position] - 0.1 * answer.gradients["input:z"]
    np.testing.assert_allclose(z[1], z[0], rtol=1e-10)
    assert np.abs(z[0] - batch["z"]).max() > 1e-3
    assert set(answer.gradients) == {"input:z"}
    samples = [s.evaluate("sample", s.stage(batch), INFERENCE).outputs["sample"] for s in systems]
    np.testing.assert_allclose(samples[1], samples[0], rtol=1e-10)


@pytest.mark.parametrize("clip", [None, 0.5])
def test_what_the_objective_does_not_depend_on_has_gradient_zero(adapter: ModuleType, clip) -> None:
    """The generator's loss knows no real example; clipping a gradient of zero leaves it zero."""
    spec = tiny_gan()
    updates = {
        "real": Update("generator_loss", ("input:x",), sgd(), clip_global_norm=clip),
        "both": Update("generator_loss", ("generator/", "input:x", "input:z"), sgd()),
        "score": Update("real_loss", ("generator/",), sgd(), clip_global_norm=clip),
    }
    system, arrays = built(adapter, spec, updates), images(spec, 8)
    batch, before = system.stage(arrays), system.export()
    alone, both, score = (system.differentiate(key, batch).gradients for key in updates)
    np.testing.assert_array_equal(alone["input:x"], np.zeros_like(arrays["x"]))
    np.testing.assert_array_equal(both["input:x"], np.zeros_like(arrays["x"]))
    assert np.abs(both["input:z"]).max() > 1e-6
    assert all(not gradient.any() for gradient in score.values())
    assert score.keys() == {name for name in before.parameters if name.startswith("generator/")}
    for key in ("real", "score"):
        system.update(key, batch, 0.1)
        system.apply(key, system.differentiate(key, batch), 0.1)
    assert distance(system.export().parameters, before.parameters) == 0


def test_an_update_of_nothing_has_no_gradients(adapter: ModuleType) -> None:
    spec = mlp.spec()
    system = built(adapter, spec, {"nothing": Update("cross_entropy", (), ADAM)})
    batch, before = system.stage(images(spec)), system.export()
    answer = system.differentiate("nothing", batch)
    assert answer.gradients == {}
    system.apply("nothing", answer, 0.1)
    system.update("nothing", batch, 0.1)
    assert system.read() == pytest.approx(answer.terms, rel=EXACT)
    after = system.export()
    assert distance(after.parameters, before.parameters) == 0
    assert after.step == {"nothing": 2}


@pytest.mark.parametrize("wrt", [(), ("fc3/",), ("input:x",), ("", "input:x")])
def test_a_trace_does_not_depend_on_what_an_update_moves(adapter: ModuleType, wrt) -> None:
    spec = mlp.spec()
    updates = {
        "part": Update("cross_entropy", wrt, sgd()),
        "all": Update("cross_entropy", ("",), sgd()),
    }
    system = built(adapter, spec, updates)
    batch = system.stage(images(spec))
    for part, whole in zip(*(system.trace(key, batch) for key in updates), strict=True):
        assert part[0] == whole[0]
        assert distance({"x": part[1], "d": part[2]}, {"x": whole[1], "d": whole[2]}) < EXACT
        assert np.abs(part[2]).max() > 0


def test_a_net_without_parameters_is_traced(adapter: ModuleType) -> None:
    spec = single_max_pool.spec()
    system = built(adapter, spec, {"ask": Update("energy", (), sgd())})
    arrays = images(spec)
    ((name, _, gradient),) = system.trace("ask", system.stage(arrays))
    assert name == "pool"
    np.testing.assert_array_equal(gradient, arrays["cotangent"])


def test_float32_stays_near_float64(adapter: ModuleType) -> None:
    spec = mlp.spec()
    update = {"train": Update("cross_entropy", ("",), sgd())}
    answers = []
    for dtype in ("float32", "float64"):
        system = built(adapter, spec, update, dtype)
        answers.append(system.differentiate("train", system.stage(images(spec))).gradients)
    assert all(array.dtype == np.float32 for array in answers[0].values())
    assert 0 < distance(answers[0], answers[1]) < ROUNDED


def test_environment_says_what_is_in_force(adapter: ModuleType, name: str) -> None:
    environment = adapter.environment(Config(device="cpu"))
    assert environment.framework == name
    assert environment.device == "cpu"
    assert environment.threads == 1
    assert "numpy" in environment.versions
    if "cuda" not in adapter.environment(Config(device="auto")).device.lower():
        fallen = adapter.environment(Config(device="auto"))
        assert fallen.device != "cpu" or any("cpu" in note for note in fallen.notes)


def test_a_device_that_is_not_there_is_refused(adapter: ModuleType, name: str) -> None:
    if name == "numpy" or adapter.environment(Config(device="auto")).device != "cpu":
        pytest.skip("there is nothing to refuse")
    for ask in (adapter.environment, lambda config: adapter.build(mlp.spec(), {}, config)):
        with pytest.raises(UserError, match="device cuda was asked for"):
            ask(Config(device="cuda"))


def test_known_gaps_are_still_gaps(adapter: ModuleType, name: str) -> None:
    """A gap that closed must be taken off the list."""
    path = Path(f"implementations/{name}/known_gaps.toml")
    for gap in tomllib.loads(path.read_text())["gap"]:
        assert gap["reason"]
        assert gap["capability"] == "cuda", "say here how to find out whether the gap has closed"
        assert adapter.environment(Config(device="cuda")).device == "cpu"
