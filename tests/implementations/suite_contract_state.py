"""What load() takes and refuses, and what export() gives: the state, exactly.

pytest tests/implementations/suite_contract_state.py --framework pytorch. Collected by
test_contract.py, one process a framework.
"""

from types import ModuleType
from typing import Any

import numpy as np
import pytest

from bench import spec as specs
from bench import weights
from bench.contract import Config, State, Update
from bench.errors import ContractError
from bench.optimizers import sgd
from bench.specs import mlp
from tests.implementations.contract import ADAM, built, images
from tests.implementations.systems import distance

OTHER = ("other", sgd())  # an update that remembers nothing
FIRST, WIDE = "fc1/weight/first_moment", np.zeros((784, 128))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("architecture", specs.names())
def test_load_and_export_are_exact(adapter: ModuleType, architecture: str, dtype: Any) -> None:
    spec = specs.get(architecture)
    system = adapter.build(spec, {}, Config(dtype=dtype))
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
