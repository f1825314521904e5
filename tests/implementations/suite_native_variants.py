"""update() and forward() of the native variant against the reference of the same framework.

pytest tests/implementations/suite_native_variants.py --framework pytorch. Collected by
test_native_variants.py, one process a framework.
"""

import importlib
import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from bench import spec as specs
from bench.contract import INFERENCE, TRAINING, Config, Mode, System, Update
from bench.conventions import BATCH_NORM
from bench.errors import UserError
from bench.optimizers import CONSTANTS, Optimizer, momentum, sgd
from bench.spec import Spec
from bench.specs import (
    convnet,
    fusion_segnet,
    mlp,
    preprocessing,
    segnet,
    single_batch_norm,
    single_upsampling,
    vgg,
)
from bench.specs.convnet import Block
from tests.implementations.systems import EXACT, built, close, distance, drawn, initial, residual

# XLA is to compile quickly: most of the time would go into making a net of a few steps fast.
os.environ.setdefault("XLA_FLAGS", "--xla_backend_optimization_level=0")

STEPS = 5
EXAMPLES = 5  # odd: blocks of two images do not come out even
ROUNDED = 1e-4  # float32: two orders above rounding, four below a wrong formula
MONTE_CARLO = Mode(batch_statistics=False, dropout=True)
CONSTANT = {"momentum": 0.9, "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-3}
OPTIMIZERS = [Optimizer(name, {c: CONSTANT[c] for c in CONSTANTS[name]}) for name in CONSTANTS]  # type: ignore[arg-type]
MOMENTUM = momentum(0.9)
BIASED = {**BATCH_NORM, "decay": 0.7, "unbiased": False}
MIXED = (Block(3, 3, 2, 1, "average"), Block(4, 3, 1, 1, "none"))
SMALL = {  # in place of a large default
    "convnet": convnet.spec((9, 8, 2), (Block(3, 3), Block(4, 2)), (5,), 3, "relu", BATCH_NORM),
    "fusion_segnet": fusion_segnet.spec(
        (4, 8, 4), 3, (2,), (1,), dropout="deck", keep=0.5, class_weights=(2, 1, 1)
    ),
    "mlp": mlp.spec((4, 3, 2), (8, 6, 5), 3, "relu", BATCH_NORM, "deck", 0.8, 0.5),
    "resnet": residual(),
    "preprocessing": preprocessing.spec((6, 5, 2)),
    "segnet": segnet.spec((8, 8, 2), 3, (2, 3), (1, 1), "indices", class_weights=(0.3, 1, 2)),
    "vgg": vgg.spec("A", (32, 32, 2), 3, 1 / 32, (6, 5), None, "inverted", 0.5),
}
NETS: dict[str, Spec] = {name: SMALL.get(name) or specs.get(name) for name in specs.names()} | {
    # What the defaults leave out.
    "mlp without batch norm": mlp.spec((9,), (8,), 3, "tanh", None, "inverted", 1.0, 0.5),
    "convnet of averages": convnet.spec((8, 7, 2), MIXED, (), 3, "sigmoid", BIASED),
    "biased batch norm of vectors": single_batch_norm.spec((6,), BIASED),
    "fixed upsampling": single_upsampling.spec(upsampling="fixed"),
    "bilinear segnet": segnet.spec((8, 4, 1), 3, (2,), (1,), "bilinear"),
    "transposed segnet": segnet.spec((4, 8, 1), 3, (2,), (1,), "transposed", None),
}
CONSTANTS_OF_IMAGES = {"mean", "deviation"}  # one for all images of a batch
PLAIN = mlp.spec((6,), (5,), 3)
TINY = convnet.spec((6, 6, 1), (Block(2, 3),), (), 3, "relu", BATCH_NORM)


def batch_of(spec: Spec, examples: int = EXAMPLES, seed: int = 0) -> dict[str, np.ndarray]:
    batch = drawn(spec, examples, seed)
    batch |= {name: 0.5 + np.abs(batch[name]) for name in spec.ranges.keys() - {"y"}}
    return batch | {name: batch[name][0] for name in CONSTANTS_OF_IMAGES & batch.keys()}


def update_of(spec: Spec, optimizer: Optimizer = MOMENTUM, **options: Any) -> Update:
    """Of every parameter; of the input, for a spec that has none."""
    wrt = ("",) if spec.parameters else ("input:x",)
    return Update(spec.objectives[0], wrt, optimizer, **options)


def pair(
    adapter: ModuleType, spec: Spec, updates: Mapping[str, Update], dtype: str = "float64"
) -> tuple[System, System]:
    """The native system and the reference, from one state."""
    native, reference = (built(adapter, spec, updates, dtype, v) for v in ("native", "reference"))
    return native, reference


def stepped(system: System, update: str, batch: Mapping[str, np.ndarray], rate: float) -> Any:
    """apply() of differentiate(); the terms."""
    gradients = system.differentiate(update, system.stage(batch))
    system.apply(update, gradients, rate)
    return gradients.terms


def same_state(one: System, two: System, limit: float = EXACT) -> None:
    found, expected = one.export(), two.export()
    assert distance(found.parameters, expected.parameters) < limit
    assert distance(found.buffers, expected.buffers) < limit
    assert found.optimizer.keys() == expected.optimizer.keys()
    for update, slots in expected.optimizer.items():
        assert distance(found.optimizer[update], slots) < limit
    assert found.step == expected.step


def follow(
    native: System, reference: System, spec: Spec, sizes: tuple[int, ...], limit: float = EXACT
) -> None:
    """The same batches and rates to both: terms and state after every step."""
    for step, examples in enumerate(sizes):
        batch, rate = batch_of(spec, examples, step), 0.05 / (1 + step)
        native.update("train", native.stage(batch), rate)
        expected = stepped(reference, "train", batch, rate)
        assert native.read() == pytest.approx(expected, rel=limit)
        same_state(native, reference, limit)


@pytest.mark.parametrize("net", [name for name, spec in NETS.items() if spec.objectives])
def test_updates_are_those_of_the_reference(adapter: ModuleType, net: str) -> None:
    spec = NETS[net]
    native, reference = pair(adapter, spec, {"train": update_of(spec)})
    follow(native, reference, spec, (EXAMPLES,) * STEPS)


FORWARD = [(net, INFERENCE) for net in NETS] + [
    ("mlp", TRAINING),
    ("single_batch_norm", TRAINING),
]


@pytest.mark.parametrize(("net", "mode"), FORWARD)
def test_forward_is_that_of_the_reference(adapter: ModuleType, net: str, mode: Mode) -> None:
    """Which is evaluate(), in the framework's own layout. It moves no buffer."""
    spec = NETS[net]
    systems: Any = pair(adapter, spec, {})
    for function in spec.functions:
        for system in systems:
            system.forward(function, system.stage(batch_of(spec)), mode)
        found, expected = (system.collect() for system in systems)
        assert found.keys() == expected.keys()
        for name, value in expected.items():
            close(found[name], value)
    assert distance(systems[0].export().buffers, initial(spec).buffers) == 0


@pytest.mark.parametrize("net", ["segnet", "single_convolution"])
def test_what_forward_found_outlives_the_next_question(adapter: ModuleType, net: str) -> None:
    spec = NETS[net]
    for system in pair(adapter, spec, {}):
        batch = batch_of(spec)
        function = next(iter(spec.functions))
        system.forward(function, system.stage(batch), INFERENCE)
        found = system.collect()
        other = {name: array[::-1].copy() for name, array in batch.items()}
        system.evaluate(function, system.stage(other), INFERENCE)
        for name, array in system.collect().items():
            np.testing.assert_array_equal(array, found[name])


class Planted(RuntimeError):
    """Raised by a primitive that takes the place of all others."""


def raising(*arguments: Any, **named: Any) -> Any:
    raise Planted


def test_a_native_system_calls_the_native_primitives(
    adapter: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that ignored its variant would agree with the reference in every other test."""
    native: Any = importlib.import_module(adapter.__name__.replace("adapter", "native"))
    assert native.PRIMITIVES
    monkeypatch.setattr(native, "PRIMITIVES", dict.fromkeys(native.PRIMITIVES, raising))
    spec = NETS["segnet"]
    systems = pair(adapter, spec, {"train": update_of(spec)})
    asked = [system.stage(batch_of(spec)) for system in systems]
    with pytest.raises(Planted):
        systems[0].update("train", asked[0], 0.1)
    with pytest.raises(Planted):
        systems[0].forward("logits", asked[0], TRAINING)
    systems[0].differentiate("train", asked[0])
    systems[1].update("train", asked[1], 0.1)


def test_of_equal_entries_the_first_is_the_maximum(adapter: ModuleType) -> None:
    """Zeros and ones: every window of four has equals. Unpooling shows which was taken."""
    spec = NETS["single_upsampling"]
    batch = batch_of(spec)
    batch["x"] = np.sign(np.maximum(batch["x"] - 1, 0))
    systems: Any = pair(adapter, spec, {})
    for system in systems:
        system.forward("response", system.stage(batch), TRAINING)
        system.synchronize()
    found, expected = (system.collect()["response"] for system in systems)
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    ("optimizer", "limit"), [*((optimizer, None) for optimizer in OPTIMIZERS), (MOMENTUM, 0.1)]
)
def test_every_optimizer(adapter: ModuleType, optimizer: Optimizer, limit: float | None) -> None:
    """Clipped and decayed once: both come before the rule."""
    update = update_of(PLAIN, optimizer, clip_global_norm=limit, weight_decay=limit)
    native, reference = pair(adapter, PLAIN, {"train": update})
    follow(native, reference, PLAIN, (EXAMPLES,) * STEPS)


def test_updates_take_turns(adapter: ModuleType) -> None:
    """One of a part of the net and of its input, one that only moves buffers, one in a mode with
    dropout and frozen statistics."""
    spec = NETS["mlp"]
    updates = {
        "upper": Update("cross_entropy", ("fc2/", "fc3/", "input:x"), MOMENTUM),
        "buffers": Update("cross_entropy", (), sgd()),
        "frozen": Update("cross_entropy", ("",), sgd(), MONTE_CARLO),
    }
    native, reference = pair(adapter, spec, updates)
    for step, name in enumerate(["upper", "buffers", "frozen", "upper"]):
        batch = batch_of(spec, seed=step)
        native.update(name, native.stage(batch), 0.05)
        assert native.read() == pytest.approx(stepped(reference, name, batch, 0.05), rel=EXACT)
        same_state(native, reference)


def test_update_and_apply_may_be_mixed(adapter: ModuleType) -> None:
    """And a state that is loaded is the one from which the next update goes on."""
    native, reference = pair(adapter, TINY, {"train": update_of(TINY)})
    for _ in range(2):
        for step in range(4):
            batch = batch_of(TINY, seed=step)
            if step % 2:
                stepped(native, "train", batch, 0.05)
            else:
                native.update("train", native.stage(batch), 0.05)
            stepped(reference, "train", batch, 0.05)
            same_state(native, reference)
        native.load(initial(TINY))
        reference.load(initial(TINY))


def test_asking_the_native_system_changes_nothing(adapter: ModuleType) -> None:
    """And tells what the reference tells; read() still knows the terms of the last update."""
    native, reference = pair(adapter, TINY, {"train": update_of(TINY)})
    batch = batch_of(TINY)
    native.update("train", native.stage(batch), 0.05)
    terms, before = dict(native.read()), native.export()
    reference.load(before)
    traces = (list(s.trace("train", s.stage(batch))) for s in (native, reference))
    for (name, x, gradient), (expected_name, y, expected) in zip(*traces, strict=True):
        assert name == expected_name
        close(x, y)
        close(gradient, expected)
    found, expected = (s.differentiate("train", s.stage(batch), {}) for s in (native, reference))
    assert found.terms == pytest.approx(expected.terms, rel=EXACT)
    assert found.evaluation.decisions.keys() == set(TINY.decisions)
    assert distance(found.evaluation.buffers, expected.evaluation.buffers) < EXACT
    native.forward("logits", native.stage(batch), TRAINING)
    found, expected = (s.evaluate("logits", s.stage(batch), INFERENCE) for s in (native, reference))
    close(found.outputs["logits"], expected.outputs["logits"])
    assert native.read() == terms
    after = native.export()
    assert distance(after.parameters, before.parameters) == 0
    assert distance(after.buffers, before.buffers) == 0


def test_in_float32(adapter: ModuleType) -> None:
    native, reference = pair(adapter, TINY, {"train": update_of(TINY)}, "float32")
    follow(native, reference, TINY, (EXAMPLES, 3, EXAMPLES), ROUNDED)  # an epoch ends with fewer
    state = native.export()
    arrays = [state.parameters, state.buffers, state.optimizer["train"]]
    assert all(array.dtype == np.float32 for part in arrays for array in part.values())


def test_two_threads_do_not_disturb_each_other(adapter: ModuleType) -> None:
    """Each trains a system of its own variant, at the same time."""
    systems = pair(adapter, TINY, {"train": update_of(TINY)})

    def train(system: System) -> None:
        for step in range(20):
            system.update("train", system.stage(batch_of(TINY, seed=step % 3)), 0.01)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(train, systems))
    same_state(*systems, limit=1e-10)


def test_the_same_bits_every_time(adapter: ModuleType) -> None:
    system = built(adapter, TINY, {"train": update_of(TINY)}, "float32", "native")
    states = []
    for _ in range(2):
        system.load(initial(TINY))
        for step in range(3):
            system.update("train", system.stage(batch_of(TINY, seed=step)), 0.05)
        states.append(system.export().parameters)
    assert distance(*states) == 0


def test_the_comparison_can_fail(adapter: ModuleType) -> None:
    """A running variance that is divided by m in place of m - 1, where m is 15 times 36."""
    norms = (BATCH_NORM, {**BATCH_NORM, "unbiased": not BATCH_NORM["unbiased"]})
    nets = [single_batch_norm.spec(norm=norm) for norm in norms]
    native = built(adapter, nets[0], {"train": update_of(nets[0])}, variant="native")
    reference = built(adapter, nets[1], {"train": update_of(nets[1])})
    with pytest.raises(AssertionError):
        follow(native, reference, nets[0], (EXAMPLES,))


def test_one_value_a_channel_is_refused(adapter: ModuleType) -> None:
    spec = single_batch_norm.spec((1, 1, 3))
    system = built(adapter, spec, {"train": update_of(spec)}, variant="native")
    with pytest.raises(UserError, match="batch norm in training needs two values a channel, got 1"):
        system.update("train", system.stage(batch_of(spec, 1)), 0.05)


def test_an_unknown_variant_is_refused() -> None:
    with pytest.raises(UserError, match="unknown variant 'nativ'; did you mean native"):
        Config(variant="nativ")  # type: ignore[arg-type]
