"""Parts of a batch, averaged, step as the batch does.

pytest tests/implementations/suite_accumulation.py --framework pytorch. Collected by
test_techniques.py, one process a framework.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from bench.contract import INFERENCE, Arrays, Gradients, System, Update
from bench.conventions import BATCH_NORM
from bench.errors import ContractError, UserError
from bench.optimizers import momentum, sgd
from bench.randomness import stream
from bench.spec import Spec
from bench.specs import convnet, mlp
from bench.specs.convnet import Block
from tests.implementations.systems import EXACT, built, close, distance, drawn, initial

SIZES = [(12,), (4, 4, 4), (1,) * 12, (7, 4, 1)]
NETS = {
    "dense": mlp.spec((6,), (5, 4), 3),
    "dropout": mlp.spec((6,), (5,), 3, dropout="inverted", keep_hidden=0.5),
    "convolutional": convnet.spec((6, 6, 2), (Block(3, 3, pooling="max"),), (4,), 3),
}
NORMED = mlp.spec((6,), (5,), 3, norm=BATCH_NORM)
LIMIT = 0.1
TRAIN = {"train": Update("cross_entropy", ("",), momentum(0.9), clip_global_norm=LIMIT)}


def cut(whole: Arrays, sizes: Sequence[int]) -> Iterator[dict[str, np.ndarray]]:
    ends = np.cumsum(sizes)
    for end, size in zip(ends, sizes, strict=True):
        yield {name: array[end - size : end] for name, array in whole.items()}


def asked(system: System, whole: Arrays, sizes: Sequence[int], key="train") -> list[Gradients]:
    return [system.differentiate(key, system.stage(part)) for part in cut(whole, sizes)]


@pytest.fixture(scope="module", params=NETS)
def pair(request: pytest.FixtureRequest, adapter: ModuleType) -> tuple[Spec, System, System]:
    """Two systems of one net, compiled once for all sizes of parts."""
    spec = NETS[request.param]
    return spec, built(adapter, spec, TRAIN), built(adapter, spec, TRAIN)


@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_parts_step_as_the_batch(pair: tuple[Spec, System, System], sizes: Sequence[int]) -> None:
    """Equal or not. What is clipped is the mean: the limit is below every gradient's norm."""
    spec, one, many = pair
    for system in (one, many):
        system.load(initial(spec))
    for step in range(3):
        batch = drawn(spec, 12, seed=step)
        whole = one.differentiate("train", one.stage(batch))
        parts = many.average(asked(many, batch, sizes), sizes)
        assert sum((g**2).sum() for g in whole.gradients.values()) > LIMIT**2
        assert distance(parts.gradients, whole.gradients) < EXACT
        assert parts.terms == pytest.approx(whole.terms, rel=EXACT)
        one.update("train", one.stage(batch), 0.5)
        many.apply("train", parts, 0.5)
        ours, theirs = one.export(), many.export()
        assert distance(theirs.parameters, ours.parameters) < EXACT
        assert distance(theirs.optimizer["train"], ours.optimizer["train"]) < EXACT
        assert theirs.step == ours.step


def test_the_plain_mean_of_unequal_parts_is_another_gradient(adapter: ModuleType) -> None:
    system, batch = built(adapter, NETS["dense"], TRAIN), drawn(NETS["dense"], 12)
    parts = asked(system, batch, (8, 4))
    plain = system.average(parts, [1, 1]).gradients
    assert distance(plain, system.average(parts, [8, 4]).gradients) > 1e-3


def test_batch_norm_makes_parts_another_net(adapter: ModuleType) -> None:
    """The running mean is the batch's, the running variance the mean of the parts'."""
    spec, sizes = NORMED, (8, 4)
    system, batch = built(adapter, spec, TRAIN), drawn(spec, 12)
    whole = system.differentiate("train", system.stage(batch))
    parts = asked(system, batch, sizes)
    found = system.average(parts, sizes)
    assert distance(found.gradients, whole.gradients) > 1e-3
    buffers, expected = found.evaluation.buffers, whole.evaluation.buffers
    close(buffers["bn1/running_mean"], expected["bn1/running_mean"])
    name = "bn1/running_variance"
    variances = [part.evaluation.buffers[name] for part in parts]
    close(buffers[name], np.average(variances, axis=0, weights=sizes))
    assert np.abs(buffers[name] - expected[name]).max() > 1e-3
    system.apply("train", found, 0.1)
    assert distance(system.export().buffers, buffers) == 0


def test_what_is_frozen_stays_exactly_what_it_is(adapter: ModuleType) -> None:
    """A sum divided by 12 would move it by rounding."""
    spec, sizes = NORMED, (8, 4)
    frozen = {"train": replace(TRAIN["train"], mode=INFERENCE)}
    system, batch = built(adapter, spec, frozen), drawn(spec, 12)
    found = system.average(asked(system, batch, sizes), sizes)
    assert distance(found.evaluation.buffers, system.export().buffers) == 0
    whole = system.differentiate("train", system.stage(batch))
    assert distance(found.gradients, whole.gradients) < EXACT


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_averaging_changes_nothing(adapter: ModuleType, dtype: str) -> None:
    """Neither the system nor a part; and nothing of a part is in what it answers."""
    spec = NORMED
    system, batch = built(adapter, spec, TRAIN, dtype), drawn(spec, 12)
    before, parts = system.export(), asked(system, batch, (6, 6))
    kept = [{n: a.copy() for n, a in part.gradients.items()} for part in parts]
    found = system.average(parts, [6, 6])
    for array in found.gradients.values():
        assert array.dtype == dtype
        array += 1
    for part, copy in zip(parts, kept, strict=True):
        assert distance(part.gradients, copy) == 0
    after = system.export()
    assert distance(after.parameters, before.parameters) == 0
    assert distance(after.buffers, before.buffers) == 0
    assert after.step == before.step


def test_what_belongs_to_single_examples_is_left_out(adapter: ModuleType) -> None:
    spec = NETS["convolutional"]
    updates = {"both": Update("cross_entropy", ("fc", "input:x"), sgd())}
    system, batch = built(adapter, spec, updates), drawn(spec, 12)
    parts = [system.differentiate("both", system.stage(p), {}) for p in cut(batch, (8, 4))]
    assert parts[0].evaluation.decisions.keys() == {"pool1"}
    found = system.average(parts, [8, 4])
    assert found.gradients.keys() == {n for n in spec.parameters if n.startswith("fc")}
    assert found.evaluation.decisions == found.evaluation.margins == {}


def test_an_update_of_nothing_has_nothing_to_average_but_its_loss(adapter: ModuleType) -> None:
    spec = NETS["dense"]
    system = built(adapter, spec, {"train": Update("cross_entropy", (), sgd())})
    batch = drawn(spec, 12)
    found = system.average(asked(system, batch, (8, 4)), [8, 4])
    assert found.gradients == {}
    whole = system.differentiate("train", system.stage(batch))
    assert found.terms == pytest.approx(whole.terms, rel=EXACT)


def tensors(adapter: ModuleType, arrays: Mapping[str, np.ndarray]) -> Any:
    """In the framework's own words."""
    return built(adapter, NETS["dense"]).stage(arrays)


def test_the_mean_so_far_is_always_a_mean(adapter: ModuleType, technique) -> None:
    """Part by part, as in a loop that does not keep the parts."""
    accumulate, draws = technique("accumulation").accumulate, stream(0, "accumulation")
    given = [{"w": draws.normal(size=(3, 2)), "b": draws.normal(size=2)} for _ in range(4)]
    counts, mean = [5, 1, 2, 8], None
    for j, part in enumerate(given):
        mean = accumulate(mean, tensors(adapter, part), counts[j] / sum(counts[: j + 1]))
        for name in part:
            values = [entry[name] for entry in given[: j + 1]]
            close(mean[name], np.average(values, axis=0, weights=counts[: j + 1]))


def test_the_first_part_is_not_what_is_added_to(adapter: ModuleType, technique) -> None:
    first, second = (tensors(adapter, {"w": np.full(3, value)}) for value in (1.0, 3.0))
    mean = technique("accumulation").averaged([first, second], [1, 1])
    np.testing.assert_array_equal(np.asarray(mean["w"]), [2.0, 2.0, 2.0])
    np.testing.assert_array_equal(np.asarray(first["w"]), [1.0, 1.0, 1.0])


W, B = {"w": np.ones((3, 2))}, {"b": np.ones(2)}


@pytest.mark.parametrize(
    ("parts", "examples", "error", "message"),
    [
        ([], [], ContractError, "no gradients to average"),
        ([W, B], [1, 1], ContractError, r"a part of \{'b': .*2.* beside \{'w'"),
        ([W, W | B], [1, 1], ContractError, r"a part of .*'b'.* beside \{'w'"),
        ([{}, W], [1, 1], ContractError, r"a part of .*'w'.* beside \{\}"),
        ([W, {"w": np.ones(2)}], [1, 1], ContractError, r"a part of .*2.* beside .*3, 2"),
        ([W, W], [1], ContractError, "2 parts, and counts of examples for 1"),
        ([W], [1, 1], ContractError, "1 parts, and counts of examples for 2"),
        ([W, W], [1, 0], UserError, r"examples of a part .*\(0, inf\).* 0"),
        ([W, W], [-1, 2], UserError, r"examples of a part .*\(0, inf\).* -1"),
    ],
)
def test_parts_that_do_not_belong_together_are_refused(
    adapter: ModuleType, technique, parts, examples, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        technique("accumulation").averaged([tensors(adapter, p) for p in parts], examples)


@pytest.mark.parametrize("share", [0, -0.5, 3])
def test_a_share_is_no_count(adapter: ModuleType, technique, share: float) -> None:
    part = tensors(adapter, W)
    with pytest.raises(UserError, match=rf"share .*\(0, 1\].* {share}"):
        technique("accumulation").accumulate(part, part, share)


def test_a_system_refuses_parts_of_two_updates(adapter: ModuleType) -> None:
    updates = {**TRAIN, "first": Update("cross_entropy", ("fc1/",), sgd())}
    system = built(adapter, NETS["dense"], updates)
    batch = system.stage(drawn(NETS["dense"], 4))
    parts = [system.differentiate(key, batch) for key in updates]
    with pytest.raises(ContractError, match="fc2/weight"):
        system.average(parts, [4, 4])
    with pytest.raises(ContractError, match="no gradients to average"):
        system.average([], [])
