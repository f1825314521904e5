"""Whole nets against those of the library's own layers: tests/natives/nets/<framework>.py.

pytest tests/implementations/suite_native_nets.py --framework pytorch. Collected by test_natives.py,
one process a framework.
"""

import importlib
from types import ModuleType

import numpy as np
import pytest

from bench.contract import INFERENCE, Update, sgd
from bench.conventions import BATCH_NORM
from bench.spec import Spec
from bench.specs import vgg
from tests.implementations.systems import EXACT, built, close, distance, drawn, initial, residual


@pytest.fixture(scope="module")
def natives(name: str, adapter: ModuleType) -> ModuleType:
    """After the adapter, which settles precision and threads."""
    return importlib.import_module(f"tests.natives.nets.{name}")


def spec_of(net: str, unbiased: bool) -> Spec:
    norm = {**BATCH_NORM, "unbiased": unbiased}
    if net == "vgg":
        return vgg.spec("A", (32, 32, 2), 3, 1 / 32, (), norm)
    return residual(norm)


@pytest.mark.parametrize("net", ["vgg", "resnet"])
def test_the_net_is_that_of_the_librarys_layers(adapter, natives, net: str) -> None:
    """At inference, and in training: loss, gradients, and what the running statistics become."""
    spec = spec_of(net, natives.UNBIASED)
    state, batch = initial(spec), drawn(spec)
    expected = natives.answer(spec, state.parameters, state.buffers, batch)
    system = built(adapter, spec, {"train": Update("cross_entropy", ("",), sgd())})
    staged = system.stage(batch)
    close(system.evaluate("logits", staged, INFERENCE).outputs["logits"], expected.logits)
    found = system.differentiate("train", staged)
    close(found.terms["cross_entropy"], expected.loss)
    # A gradient that vanishes is compared with the largest, not with itself.
    largest = max(np.abs(gradient).max() for gradient in expected.gradients.values())
    assert found.gradients.keys() == expected.gradients.keys()
    for name, gradient in expected.gradients.items():
        assert np.abs(found.gradients[name] - gradient).max() < EXACT * largest, name
    assert distance(found.evaluation.buffers, expected.buffers) < EXACT
    assert distance(expected.buffers, state.buffers) > 1e-3
