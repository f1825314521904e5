"""What a system answers when it is asked: outputs, activations, gradients, decisions. Asking
changes nothing.

pytest tests/implementations/suite_contract_answers.py --framework pytorch. Collected by
test_contract.py, one process a framework.
"""

from types import ModuleType

import numpy as np
import pytest

from bench import weights
from bench.contract import INFERENCE, Update
from bench.optimizers import sgd
from bench.specs import lenet, mlp, single_convolution, single_max_pool
from tests.implementations.contract import ADAM, built, images
from tests.implementations.systems import EXACT, distance


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
