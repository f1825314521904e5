"""The bare loop of a folder against its adapter: the same losses and weights, to the last bit.

pytest tests/implementations/suite_bare.py --framework pytorch. Collected by test_bare.py, one
process a framework.
"""

import importlib
from collections.abc import Callable
from types import ModuleType

import numpy as np
import pytest

from bench import conventions, systems, weights
from bench.contract import Config, Update
from bench.dataset import Prepared
from bench.randomness import batch_order, stream
from bench.spec import Spec
from bench.specs import convnet, lenet, mlp
from bench.specs.convnet import Block
from bench.training import TRAIN, batches, fit

EXAMPLES, BATCH, RATE = 24, 8, 1e-3
NETS: dict[str, Callable[[], Spec]] = {
    "mlp": mlp.spec,
    "batch norm": lambda: mlp.spec(widths=(16,), norm=conventions.BATCH_NORM),
    "convnet": lambda: convnet.spec((9, 8, 2), (Block(3, 3), Block(4, 2)), (5,), 3),
    "lenet": lenet.spec,
}


@pytest.fixture(scope="module")
def bare(name: str) -> ModuleType:
    return importlib.import_module(f"implementations.{name}.bare")


def noise(spec: Spec) -> Prepared:
    draws = stream(0, "bare")
    x = draws.normal(size=(EXAMPLES, *spec.inputs["x"]))
    y = draws.integers(0, 3, EXAMPLES)
    return Prepared(x, y, x[:0], y[:0], {})


def adapted(adapter: ModuleType, spec: Spec) -> systems.System:
    update = Update("cross_entropy", ("",), conventions.usual_adam())
    system = systems.build(adapter, spec, {TRAIN: update}, Config())
    system.load(weights.initial(spec, 0))
    return system


@pytest.mark.parametrize("net", NETS)
def test_it_ends_where_the_adapter_ends(adapter: ModuleType, bare: ModuleType, net: str) -> None:
    spec = NETS[net]()
    data, system = noise(spec), adapted(adapter, spec)
    training = bare.Training(spec, weights.initial(spec, 0).parameters)
    losses = []
    for epoch in range(2):
        order = batch_order(0, epoch, EXAMPLES, BATCH)
        losses += training.fit(data.train_x.astype("float32"), data.train_y, order, RATE)
    found = fit(system, batches(data, 0, BATCH, 2 * EXAMPLES // BATCH), RATE)
    assert losses == found.losses
    learned, expected = training.weights(), system.export().parameters
    assert learned.keys() == expected.keys()
    for name, array in expected.items():
        np.testing.assert_array_equal(learned[name], array, err_msg=name)


def test_another_rate_ends_elsewhere(adapter: ModuleType, bare: ModuleType) -> None:
    spec = NETS["batch norm"]()
    data, system = noise(spec), adapted(adapter, spec)
    training = bare.Training(spec, weights.initial(spec, 0).parameters)
    order = batch_order(0, 0, EXAMPLES, BATCH)
    training.fit(data.train_x.astype("float32"), data.train_y, order, RATE * 1.01)
    fit(system, batches(data, 0, BATCH, EXAMPLES // BATCH), RATE)
    expected = system.export().parameters
    assert any((a != expected[name]).any() for name, a in training.weights().items())
