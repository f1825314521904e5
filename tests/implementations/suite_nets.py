"""Nets with techniques: their buffers, their modes, and the NumPy reference.

pytest tests/implementations/suite_nets.py --framework pytorch. Collected by
test_techniques.py, one process a framework.
"""

from dataclasses import replace
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from bench.contract import INFERENCE, TRAINING, Mode, State, Update
from bench.conventions import BATCH_NORM
from bench.errors import ContractError
from bench.optimizers import adam, sgd
from bench.specs import convnet, fusion_segnet, mlp, resnet, segnet, vgg
from bench.specs.convnet import Block
from tests.implementations.systems import EXACT, built, close, distance, drawn, initial, residual

MONTE_CARLO = Mode(batch_statistics=False, dropout=True)
TRAIN = {"train": Update("cross_entropy", ("",), adam(0.9, 0.999, 1e-8))}
AVERAGES = (Block(3, 3, padding=1, pooling="average"), Block(4, 3, 2, 1, "none"))
NETS = {
    "linear": mlp.spec((4, 3, 2), (), 3),
    "mlp": mlp.spec((4, 3, 2), (8, 6, 5), 3, "tanh", BATCH_NORM, "deck", 0.8, 0.5),
    "mlp of vectors": mlp.spec((9,), (8,), 3, "identity", None, "inverted", 1.0, 0.5),
    "convnet": convnet.spec((9, 8, 2), (Block(3, 3), Block(4, 2)), (5,), 3, "relu", BATCH_NORM),
    "convnet of averages": convnet.spec((8, 7, 2), AVERAGES, (), 3, "sigmoid", BATCH_NORM),
    "convnet without batch norm": convnet.spec((8, 7, 2), AVERAGES, (6, 5), 3, "tanh"),
    "vgg": vgg.spec("C", (32, 64, 2), 3, 1 / 32, (6, 5), None, "inverted", 0.5),
    "resnet": residual(),
    "segnet": segnet.spec((8, 16, 2), 3, (2, 3), (2, 1), "indices", class_weights=(0.3, 1, 2)),
    "segnet of masks": segnet.spec(
        (8, 8, 1), 3, (2, 3), (1, 2), "transposed", None, "inverted", 0.5
    ),
    "segnet between pixels": segnet.spec((8, 4, 1), 3, (2,), (1,), "bilinear"),
    "fusion of segnets": fusion_segnet.spec(
        (4, 8, 4), 3, (2,), (1,), dropout="deck", keep=0.5, class_weights=(2, 1, 1)
    ),
    "fusion by addition": fusion_segnet.spec((4, 4, 4), 3, (2,), (1,), "added", "nearest", None),
    "plain net": resnet.spec(8, (8, 8, 2), 3, "none", None, 1 / 4),
}


@pytest.mark.parametrize("net", NETS)
def test_nets_are_those_of_the_reference(adapter, reference, net: str) -> None:
    """Outputs, gradients, activations and buffers, in training and at inference."""
    spec = NETS[net]
    systems = [built(module, spec, TRAIN) for module in (adapter, reference)]
    batch = drawn(spec)
    for mode in (TRAINING, INFERENCE):
        found, expected = (s.evaluate("logits", s.stage(batch), mode) for s in systems)
        close(found.outputs["logits"], expected.outputs["logits"])
        assert distance(found.buffers, expected.buffers) < EXACT
    found, expected = (s.differentiate("train", s.stage(batch), {}) for s in systems)
    assert found.terms == pytest.approx(expected.terms, rel=EXACT)
    assert found.evaluation.decisions.keys() == set(spec.decisions)
    for decision in spec.decisions:
        np.testing.assert_array_equal(
            found.evaluation.decisions[decision], expected.evaluation.decisions[decision]
        )
    # A gradient that vanishes is compared with the largest, not with itself.
    largest = max(np.abs(gradient).max() for gradient in expected.gradients.values())
    for parameter, gradient in expected.gradients.items():
        assert np.abs(found.gradients[parameter] - gradient).max() < EXACT * largest
    ours, theirs = (list(s.trace("train", s.stage(batch))) for s in systems)
    assert [(name, x.shape[1:]) for name, x, _ in ours] == list(spec.activations.items())
    for (_, x, gradient), (_, y, expected_gradient) in zip(ours, theirs, strict=True):
        close(x, y)
        close(gradient, expected_gradient)


@pytest.mark.parametrize("net", ["mlp", "convnet", "resnet"])
def test_update_commits_buffers(adapter: ModuleType, reference: ModuleType, net: str) -> None:
    """update() is apply() of differentiate(), and both are the reference."""
    spec = NETS[net]
    fused, split, other = (built(m, spec, TRAIN) for m in (adapter, adapter, reference))
    for step in range(3):
        batch, before = drawn(spec, seed=step), split.export().buffers
        fused.update("train", fused.stage(batch), 0.01)
        other.update("train", other.stage(batch), 0.01)
        gradients = split.differentiate("train", split.stage(batch))
        assert distance(split.export().buffers, before) == 0
        split.apply("train", gradients, 0.01)
        after = split.export()
        assert distance(after.buffers, gradients.evaluation.buffers) == 0
        assert all(np.abs(after.buffers[n] - before[n]).max() > 1e-3 for n in before)
        one, two = fused.export(), other.export()
        assert distance(one.parameters, after.parameters) < EXACT
        assert distance(one.buffers, after.buffers) < EXACT
        assert distance(one.buffers, two.buffers) < 1e-9  # after Adam, which magnifies rounding


@pytest.mark.parametrize("net", ["mlp", "convnet"])
def test_asking_changes_no_buffer(adapter: ModuleType, net: str) -> None:
    spec = NETS[net]
    system = built(adapter, spec, TRAIN)
    batch, before = system.stage(drawn(spec)), system.export().buffers
    answer = system.evaluate("logits", batch, TRAINING)
    assert distance(answer.buffers, before) > 1e-3
    system.forward("logits", batch, TRAINING)
    system.differentiate("train", batch)
    list(system.trace("train", batch))
    assert distance(system.export().buffers, before) == 0
    assert list(before) == list(spec.buffers)


def test_forward_keeps_its_outputs(adapter: ModuleType) -> None:
    spec = NETS["convnet"]
    system: Any = built(adapter, spec)
    batch = system.stage(drawn(spec))
    assert system.forward("logits", batch, INFERENCE) is None
    system.synchronize()
    logits = system.outputs["logits"]
    expected = system.evaluate("logits", batch, INFERENCE).outputs["logits"]
    close(np.asarray(getattr(logits, "value", logits)), expected)


def test_an_update_of_nothing_moves_buffers_only(adapter: ModuleType) -> None:
    """Statistics are estimated anew; a limit on the norm of no gradient is no obstacle."""
    spec = NETS["mlp"]
    frozen = Update("cross_entropy", (), sgd(), Mode(True, False), clip_global_norm=1.0)
    system = built(adapter, spec, {"estimate": frozen})
    before = system.export()
    batch = system.stage(drawn(spec))
    split = system.differentiate("estimate", batch)
    assert split.gradients == {}
    system.update("estimate", batch, 0.1)
    after = system.export()
    assert distance(after.parameters, before.parameters) == 0
    assert distance(after.buffers, split.evaluation.buffers) < EXACT
    assert distance(after.buffers, before.buffers) > 1e-3


def test_frozen_statistics_stay_while_parameters_move(adapter: ModuleType) -> None:
    spec = NETS["mlp"]
    system = built(adapter, spec, {"train": replace(TRAIN["train"], mode=MONTE_CARLO)})
    before = system.export()
    system.update("train", system.stage(drawn(spec)), 0.1)
    after = system.export()
    assert distance(after.buffers, before.buffers) == 0
    assert distance(after.parameters, before.parameters) > 1e-3


@pytest.mark.parametrize("damage", ["missing", "left over", "shape"])
def test_buffers_that_do_not_fit_are_refused(adapter: ModuleType, damage: str) -> None:
    spec = NETS["mlp"]
    system, state = built(adapter, spec), initial(spec)
    buffers = dict(state.buffers)
    if damage == "missing":
        del buffers["bn1/running_mean"]
    elif damage == "left over":
        buffers["bn9/running_mean"] = np.zeros(3)
    else:
        buffers["bn1/running_mean"] = np.zeros(3)
    with pytest.raises(ContractError, match=r"buffers: .*bn[19]/running_mean"):
        system.load(State(state.parameters, buffers))


def test_buffers_start_where_the_spec_says(adapter: ModuleType) -> None:
    spec = NETS["mlp"]
    system = built(adapter, spec)
    system.load(State(initial(spec).parameters))
    for name, array in system.export().buffers.items():
        np.testing.assert_array_equal(array, np.full(array.shape, spec.buffers[name].initial))


@pytest.mark.parametrize("net", ["mlp", "convnet of averages"])
def test_float32_stays_float32(adapter: ModuleType, net: str) -> None:
    """Integer masks too, which would widen float32 in some libraries."""
    spec = NETS[net]
    narrow, wide = (built(adapter, spec, TRAIN, dtype) for dtype in ("float32", "float64"))
    batch = drawn(spec)
    masks = {n: a.astype(np.int64) for n, a in batch.items() if n.startswith("dropout/")}
    found = narrow.differentiate("train", narrow.stage({**batch, **masks}))
    expected = wide.differentiate("train", wide.stage(batch))
    for ours, theirs in (
        (found.gradients, expected.gradients),
        (found.evaluation.buffers, expected.evaluation.buffers),
    ):
        assert all(array.dtype == np.float32 for array in ours.values())
        assert distance(ours, theirs) < 1e-4
    narrow.update("train", narrow.stage({**batch, **masks}), 0.01)
    exported = narrow.export()
    assert {a.dtype for a in (*exported.parameters.values(), *exported.buffers.values())} == {
        np.dtype(np.float32)
    }


def test_monte_carlo_dropout(adapter: ModuleType, reference: ModuleType) -> None:
    """Dropout is on, statistics are frozen: other masks, other logits, and the same buffers."""
    spec = NETS["mlp"]
    system, batch = built(adapter, spec), drawn(spec)
    other = {name: 1 - a for name, a in batch.items() if name.startswith("dropout/")}
    answers = [
        system.evaluate("logits", system.stage({**batch, **masks}), MONTE_CARLO)
        for masks in ({}, other)
    ]
    assert distance(answers[0].outputs, answers[1].outputs) > 1e-3
    for answer in answers:
        assert distance(answer.buffers, system.export().buffers) == 0
    theirs = built(reference, spec)
    expected = theirs.evaluate("logits", theirs.stage(batch), MONTE_CARLO).outputs
    assert distance(answers[0].outputs, expected) < EXACT
    alone = {name: array[:1] for name, array in batch.items()}
    single = system.evaluate("logits", system.stage(alone), MONTE_CARLO).outputs["logits"]
    close(single, answers[0].outputs["logits"][:1])  # an example knows nothing of its neighbors


def test_a_missing_mask_is_refused_in_training_only(adapter: ModuleType) -> None:
    spec = NETS["mlp"]
    system, batch = built(adapter, spec, TRAIN), drawn(spec)
    del batch["dropout/fc2"]
    with pytest.raises(ContractError, match="needs a mask"):
        system.evaluate("logits", system.stage(batch), TRAINING)
    with pytest.raises(ContractError, match="needs a mask"):
        system.update("train", system.stage(batch), 0.1)
    images = {"x": batch["x"]}
    system.evaluate("logits", system.stage(images), INFERENCE)
