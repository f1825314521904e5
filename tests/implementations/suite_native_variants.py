"""update() and forward() of the native variant against the reference of the same framework.

pytest tests/implementations/suite_native_variants.py --framework pytorch. Collected by
test_native_variants.py, one process a framework.
"""

import importlib
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from bench import spec as specs
from bench.contract import INFERENCE, TRAINING, Config, Mode
from bench.conventions import BATCH_NORM
from bench.errors import UserError
from bench.optimizers import CONSTANTS, Optimizer
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
from tests.implementations.systems import ROUNDED, built, close, distance, initial, residual
from tests.implementations.variants import (
    BIASED,
    EXAMPLES,
    MASKED,
    MOMENTUM,
    PLAIN,
    TINY,
    batch_of,
    follow,
    pair,
    update_of,
)

STEPS = 5
CONSTANT = {"momentum": 0.9, "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-3}
OPTIMIZERS = [Optimizer(name, {c: CONSTANT[c] for c in CONSTANTS[name]}) for name in CONSTANTS]  # type: ignore[arg-type]
MIXED = (Block(3, 3, 2, 1, "average"), Block(4, 3, 1, 1, "none"))
SMALL = {  # in place of a large default
    "convnet": convnet.spec((9, 8, 2), (Block(3, 3), Block(4, 2)), (5,), 3, "relu", BATCH_NORM),
    "fusion_segnet": fusion_segnet.spec(
        (4, 8, 4), 3, (2,), (1,), dropout="deck", keep=0.5, class_weights=(2, 1, 1)
    ),
    "mlp": MASKED,
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


def test_in_float32(adapter: ModuleType) -> None:
    native, reference = pair(adapter, TINY, {"train": update_of(TINY)}, "float32")
    follow(native, reference, TINY, (EXAMPLES, 3, EXAMPLES), ROUNDED)  # an epoch ends with fewer
    state = native.export()
    arrays = [state.parameters, state.buffers, state.optimizer["train"]]
    assert all(array.dtype == np.float32 for part in arrays for array in part.values())


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
