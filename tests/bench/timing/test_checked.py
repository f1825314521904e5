"""What was timed is compared with the reference: rounding passes, planted mistakes do not."""

import dataclasses
import functools
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest

from bench import weights
from bench.contract import Arrays, Config, State, Update
from bench.optimizers import adam
from bench.timing import checked
from bench.timing.loops import FIRST_MOMENT
from bench.timing.nets import NETS, RATE, UPDATE, batches
from bench.training import TRAIN
from implementations.numpy import adapter

STEPS = {"mlp": 4, "lenet": 4, "resnet": 2, "vgg": 2}
answers = functools.cache(checked.answers)
Found = dict[int, Arrays]


def right(net: str) -> checked.Answers:
    return answers(net, "update", (STEPS[net],))


def told(state: State) -> Arrays:
    moments = {n: a for n, a in state.optimizer[TRAIN].items() if n.endswith(FIRST_MOMENT)}
    return {**state.parameters, **state.buffers, **moments}


def trained(
    net: str, norm: Mapping[str, Any] | None = None, rate: float = RATE, update: Update = UPDATE
) -> Found:
    """What the native variant leads to in float32, with these mistakes."""
    spec = NETS[net].make()
    given = list(batches(spec, NETS[net].examples))
    begin = weights.initial(spec, 0).parameters
    if norm:
        changed = {**spec.options, "norm": {**spec.options["norm"], **norm}}
        spec = dataclasses.replace(spec, options=changed)
    system = adapter.build(spec, {TRAIN: update}, Config(variant="native"))
    system.load(State(parameters=begin))
    found: Found = {}
    for made, batch in enumerate(given[: STEPS[net]], 1):
        system.update(TRAIN, system.stage(batch), rate)
        found[made] = told(system.export())
    return found


@pytest.mark.parametrize("net", STEPS)
def test_rounding_passes_and_a_rate_wrong_by_a_thousandth_does_not(net: str) -> None:
    assert right(net).check(STEPS[net], trained(net)).correct
    assert not right(net).check(STEPS[net], trained(net, rate=1.001 * RATE)).correct


@pytest.mark.parametrize("net", ["resnet", "vgg"])
@pytest.mark.parametrize(
    "norm",
    [{"decay": 0.99}, {"unbiased": False}, {"epsilon": 1e-3}],
    ids=lambda norm: next(iter(norm)),
)
def test_a_wrong_batch_norm_is_seen(net: str, norm: Mapping[str, Any]) -> None:
    """By what it leads to, or by its running statistics alone."""
    assert not right(net).check(STEPS[net], trained(net, norm)).correct


@pytest.mark.parametrize("net", ["mlp", "lenet"])
def test_a_wrong_memory_of_adam_is_seen_where_steps_can_be_compared(net: str) -> None:
    """The parameters after the first step do not depend on it."""
    assert right(net).tells(STEPS[net])
    forgetful = dataclasses.replace(UPDATE, optimizer=adam(0.89, 0.999, 1e-8))
    found = trained(net, update=forgetful)
    assert not right(net).check(STEPS[net], found).correct
    assert right(net).check(1, silent(net, found)).correct


def silent(net: str, found: Found) -> Found:
    """The parameters alone, which is what a library's loop tells."""
    return {n: {name: led[name] for name in right(net).gradient} for n, led in found.items()}


def differentiated(net: str, change: Callable[[str, np.ndarray], np.ndarray]) -> Found:
    """What steps lead to whose gradients are changed, parameter by parameter."""
    spec = NETS[net].make()
    system = adapter.build(spec, {TRAIN: UPDATE}, Config())
    system.load(State(parameters=weights.initial(spec, 0).parameters))
    found: Found = {}
    for made, batch in enumerate(list(batches(spec, NETS[net].examples))[: STEPS[net]], 1):
        asked = system.differentiate(TRAIN, system.stage(batch))
        gradients = {name: change(name, array) for name, array in asked.gradients.items()}
        system.apply(TRAIN, dataclasses.replace(asked, gradients=gradients), RATE)
        found[made] = told(system.export())
    return found


@pytest.mark.parametrize("net", ["mlp", "lenet", "resnet"])
def test_a_gradient_of_another_size_is_seen_though_adam_makes_the_same_steps(net: str) -> None:
    first = next(iter(right(net).gradient))
    found = differentiated(net, lambda name, g: 10 * g if name == first else g)
    assert not right(net).check(STEPS[net], found).correct
    assert right(net).check(STEPS[net], silent(net, found)).correct
    assert right(net).check(STEPS[net], differentiated(net, lambda name, g: g)).correct


def test_two_steps_of_a_net_that_enlarges_rounding_cannot_be_compared() -> None:
    """The reference itself, in float64, is farther off from weights that are roundings off."""
    vgg = right("vgg")
    assert vgg.tells(1)
    assert not vgg.tells(2)
    off = {1: vgg.moved[1], 2: vgg.moved[2]}
    assert vgg.check(2, off).correct
    names = list(vgg.gradient)
    assert vgg._deviation(2, vgg.moved[2], names) > checked.FARTHEST


@pytest.mark.parametrize("layer", ["fc1/bias", "fc3/weight"])
def test_a_layer_that_is_not_moved_is_seen(layer: str) -> None:
    mlp, begin = right("mlp"), weights.initial(NETS["mlp"].make(), 0).parameters
    exact = {n: mlp.exact[n] for n in (1, 4)}
    assert mlp.check(4, exact).correct
    assert mlp.check(4, exact).steps == 4
    for steps in (1, 4):
        kept, spoiled = begin[layer], begin[layer] * np.nan
        assert not mlp.check(4, {**exact, steps: {**exact[steps], layer: kept}}).correct
        assert not mlp.check(4, {**exact, steps: {**exact[steps], layer: spoiled}}).correct
    with pytest.raises(ValueError, match="the reference has"):
        mlp.check(4, {**exact, 4: {layer: exact[4][layer]}})


def test_steps_that_cannot_be_compared_have_to_be_finite() -> None:
    vgg = right("vgg")
    exact = {n: vgg.exact[n] for n in (1, 2)}
    spoiled = {**exact[2], "fc6/bias": exact[2]["fc6/bias"] * np.inf}
    assert vgg.check(2, exact).correct
    assert vgg.check(2, exact).steps == 1
    assert not vgg.check(2, {**exact, 2: spoiled}).correct


def test_a_library_tells_neither_running_statistics_nor_moments() -> None:
    vgg = right("vgg")
    told_alone = silent("vgg", {n: vgg.exact[n] for n in (1, 2)})
    assert told_alone[1].keys() < vgg.exact[1].keys()
    assert vgg.check(2, told_alone).correct
