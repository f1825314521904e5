"""update(), and differentiate() with apply(): one step, of what an update says and nothing else.

pytest tests/implementations/suite_contract_updates.py --framework pytorch. Collected by
test_contract.py, one process a framework.
"""

import importlib
from types import ModuleType

import numpy as np
import pytest

from bench import weights
from bench.contract import INFERENCE, Update
from bench.optimizers import adam, momentum, sgd
from bench.specs import lenet, mlp
from tests.implementations.contract import ADAM, built, images
from tests.implementations.systems import EXACT, ROUNDED, distance
from tests.toys import tiny_gan


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


def test_same_inputs_give_the_same_bits(adapter: ModuleType) -> None:
    spec = lenet.spec()
    states = []
    for _ in range(2):
        system = built(adapter, spec, {"train": Update("cross_entropy", ("",), ADAM)}, "float32")
        for seed in range(2):
            system.update("train", system.stage(images(spec, 8, seed)), 1e-3)
        states.append(system.export().parameters)
    assert distance(states[0], states[1]) == 0.0


def test_float32_stays_near_float64(adapter: ModuleType) -> None:
    spec = mlp.spec()
    update = {"train": Update("cross_entropy", ("",), sgd())}
    answers = []
    for dtype in ("float32", "float64"):
        system = built(adapter, spec, update, dtype)
        answers.append(system.differentiate("train", system.stage(images(spec))).gradients)
    assert all(array.dtype == np.float32 for array in answers[0].values())
    assert 0 < distance(answers[0], answers[1]) < ROUNDED


def test_an_update_moves_what_it_says_and_nothing_else(adapter: ModuleType) -> None:
    spec = mlp.spec()
    system = built(adapter, spec, {"first": Update("cross_entropy", ("fc1/",), ADAM)})
    before = system.export().parameters
    system.update("first", system.stage(images(spec)), 0.1)
    moved = {n for n, a in system.export().parameters.items() if (a != before[n]).any()}
    assert moved == {"fc1/weight", "fc1/bias"}
    gradients = system.differentiate("first", system.stage(images(spec))).gradients
    assert set(gradients) == {"fc1/weight", "fc1/bias"}


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
