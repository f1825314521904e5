"""Whole nets against those of the library's own layers: implementations/library/nets.

pytest tests/implementations/suite_natives_nets.py --framework pytorch. Collected by
test_natives.py, one process a framework.
"""

import importlib
import os
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from bench.contract import INFERENCE, Update
from bench.conventions import BATCH_NORM
from bench.optimizers import sgd
from bench.spec import Spec
from bench.specs import convnet, lenet, mlp, segnet, vgg
from bench.specs.convnet import Block
from tests.implementations.systems import EXACT, built, close, distance, drawn, initial, residual

# XLA is to compile quickly: most of the time would go into making a net of one step fast.
os.environ.setdefault("XLA_FLAGS", "--xla_backend_optimization_level=0")


@pytest.fixture(scope="module")
def theirs(name: str, adapter: ModuleType) -> ModuleType:
    """After the adapter, which settles precision and threads."""
    return importlib.import_module(f"tests.natives.nets.{name}")


MIXED = (Block(3, 3, padding=1, pooling="average"), Block(4, 3, 2, 1, "none"), Block(5, 2))
NETS: dict[str, Callable[[Any], Spec]] = {
    "mlp": lambda norm: mlp.spec((4, 3, 2), (8, 6, 5), 3, "tanh", norm),
    "mlp without batch norm": lambda norm: mlp.spec((9,), (8,), 3),
    "convnet": lambda norm: convnet.spec((13, 12, 2), MIXED, (6, 5), 3, "sigmoid", norm),
    "lenet": lambda norm: lenet.spec(),
    "vgg": lambda norm: vgg.spec("A", (32, 32, 2), 3, 1 / 32, (), norm),
    "vgg without batch norm": lambda norm: vgg.spec("A", (64, 32, 2), 3, 1 / 32, (6, 5), None),
    "resnet": residual,
    "segnet": lambda norm: segnet.spec((8, 16, 2), 3, (2, 3), (2, 1), norm=norm),
    "segnet of bilinear": lambda norm: segnet.spec((8, 4, 1), 3, (2,), (1,), "bilinear", norm),
    "segnet of transposed": lambda norm: segnet.spec((8, 8, 1), 3, (2, 3), (1, 2), "transposed"),
}


@pytest.mark.parametrize("net", NETS)
def test_the_net_is_that_of_the_librarys_layers(adapter, theirs, net: str) -> None:
    """At inference, and in training: loss, gradients, and what the running statistics become."""
    spec = NETS[net]({**BATCH_NORM, "unbiased": theirs.UNBIASED})
    if spec.architecture not in theirs.ARCHITECTURES:
        pytest.skip(f"{spec.architecture} is not written in this library's layers")
    state, batch = initial(spec), drawn(spec)
    expected = theirs.answer(spec, state.parameters, state.buffers, batch)
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
    assert not spec.buffers or distance(expected.buffers, state.buffers) > 1e-3
