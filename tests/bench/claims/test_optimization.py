"""The parts of the claims about optimizers and schedules."""

from typing import Any

import numpy as np
import pytest

from bench import claim as claims
from bench.claim import Job
from bench.claims import adam_epsilon, momentum_forms, optimizers, schedules
from bench.contract import Config, State, Update
from bench.optimizers import momentum
from bench.specs import mlp
from implementations.numpy import adapter


def job(name: str, arm: str) -> Job:
    settings = claims.get(name).budgets["smoke"].settings
    return Job("numpy", adapter, arm, 0, settings, "cpu", 1, None, _silent)


def _silent(fraction: float, text: str) -> Any:
    return None


def test_an_arm_names_place_and_size_of_epsilon() -> None:
    found = adam_epsilon.optimizer("inside_1e-4")
    assert (found.name, found.constants["epsilon"]) == ("deck_adam", 1e-4)
    assert adam_epsilon.optimizer("outside_1e-8").name == "adam"
    for arm in adam_epsilon.CLAIM.arms:
        adam_epsilon.optimizer(arm)


def test_distance_is_relative_to_the_way() -> None:
    start, other = {"w": np.zeros(2)}, {"w": np.array([3.0, 4.0])}
    one = {"w": np.array([3.0, 5.0])}
    assert momentum_forms.distance(one, other, start) == pytest.approx(0.2)


def test_velocities_are_rescaled_and_nothing_else() -> None:
    spec = mlp.spec(inputs=(3,), widths=(), classes=2)
    update = Update("cross_entropy", ("",), momentum(0.9))
    system = adapter.build(spec, {"train": update}, Config(dtype="float64"))
    system.load(State(parameters={n: np.ones(s) for n, s in spec.shapes().items()}))
    staged = system.stage({"x": np.eye(3)[:2], "y": np.array([0, 1])})
    system.update("train", staged, 0.1)
    before = system.export()
    momentum_forms.rescale(system, 0.1)
    after = system.export()
    assert before.step == after.step
    for name, array in before.parameters.items():
        np.testing.assert_array_equal(array, after.parameters[name])
    for name, array in before.optimizer["train"].items():
        np.testing.assert_allclose(after.optimizer["train"][name], 0.1 * array)


@pytest.mark.parametrize(("arm", "same"), [("constant", True), ("drop", False)])
def test_the_forms_part_where_the_rate_drops(arm: str, same: bool) -> None:
    found = momentum_forms.run(job("momentum_forms", arm)).metrics["distance"]
    assert (found < 1e-12) == same


def test_schedules_change_when_they_say() -> None:
    step = schedules.schedule_of(job("schedules", "step_best"), "step", 0.2, 100)
    assert [step(n) for n in (0, 49, 50, 74, 75, 99)] == pytest.approx(
        [0.2, 0.2, 0.02, 0.02, 0.002, 0.002]
    )
    decay = schedules.schedule_of(job("schedules", "decay_best"), "decay", 0.2, 100)
    assert [decay(n) for n in (0, 50, 100)] == pytest.approx([0.2, 0.02, 0.002])
    constant = schedules.schedule_of(job("schedules", "constant_best"), "constant", 0.2, 100)
    assert constant(99) == 0.2


@pytest.mark.parametrize("arm", optimizers.CLAIM.arms)
def test_every_optimizer_has_a_grid(arm: str) -> None:
    search = optimizers.CLAIM.search
    assert search is not None
    assert len(search.grid[arm]) == 5
    assert arm.removesuffix("_pixels") in optimizers.OPTIMIZERS
