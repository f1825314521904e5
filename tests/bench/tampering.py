"""Ways to make one of two equal computations differ, for the tests of the comparison."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from bench.conformance import lockstep
from bench.conformance.cases import Case
from bench.conformance.lockstep import Comparison
from bench.conformance.nets import Net
from bench.contract import Gradients, State, Update
from bench.optimizers import sgd
from bench.randomness import stream
from bench.specs import single_max_pool, single_upsampling
from implementations.numpy import adapter

Disturb = Callable[[int, Any], None]
PLANTED = 1e-9  # thousands of times the tolerance, and far below what a curve would show
PERSISTENT = Case("mlp", "sgd", "float64", 200, 8)


def compare(case: Case, disturb: Disturb) -> Comparison:
    """The reference beside itself, which agrees to the bit unless it is tampered with."""
    return lockstep.compare(adapter, adapter, case, "numpy", disturb=disturb)


def nothing(step: int, system: Any) -> None:
    """No tampering."""


@dataclass(frozen=True)
class Pooling(Case):
    """Max-pooling of a flat background: every window is a tie of four.

    Its way back goes where the decision says, so that what is handed in must reach both.
    """

    @property
    def net(self) -> Net:
        return Net((single_max_pool if "max" in self.model else single_upsampling).spec, 0.0)

    def update(self) -> Update:
        return Update("energy", ("input:x",), sgd())

    def initial(self) -> State:
        return State({})

    def batches(self, data_dir: Path | None) -> Iterator[dict[str, np.ndarray]]:
        shapes = self.spec().inputs
        for step in range(self.steps):
            draws = stream(0, "pooling test", step)
            cotangent = draws.uniform(0.5, 1.5, (self.batch_size, *shapes["cotangent"]))
            yield {"x": np.full((self.batch_size, *shapes["x"]), 0.3), "cotangent": cotangent}


FLAT = Pooling("single_max_pool", "sgd", "float64", 2, 3)
FLAT_UNPOOLING = Pooling("single_upsampling", "sgd", "float64", 2, 3)


def at(step: int, tamper: Callable[[Any], None]) -> Disturb:
    """Tamper with the framework's system before one step, counted from 1."""
    return lambda now, system: tamper(system) if now + 1 == step else None


def shift(parameter: str, unit: tuple[int, ...], by: float) -> Callable[[Any], None]:
    """Move one entry of one parameter."""

    def tamper(system: Any) -> None:
        state = system.export()
        state.parameters[parameter][unit] += by
        system.load(state)

    return tamper


def change_state(change: Callable[[State], State]) -> Callable[[Any], None]:
    return lambda system: system.load(change(system.export()))


def answer(change: Callable[[Gradients], Gradients]) -> Callable[[Any], None]:
    """From now on the system's answers are changed; its net is left alone."""

    def tamper(system: Any) -> None:
        honest = system.differentiate
        system.differentiate = lambda *given: change(honest(*given))

    return tamper


def without_tensor(name: str) -> Callable[[Gradients], Gradients]:
    return lambda given: replace(
        given, gradients={key: g for key, g in given.gradients.items() if key != name}
    )


def wrong_gradient(name: str, unit: tuple[int, ...]) -> Callable[[Gradients], Gradients]:
    def change(given: Gradients) -> Gradients:
        array = given.gradients[name].copy()
        array[unit] += 1e-6
        return replace(given, gradients={**given.gradients, name: array})

    return change


def jitter(size: float) -> Disturb:
    """The framework's images are no longer flat: rounding, of a size that is chosen."""

    def disturb(step: int, system: Any) -> None:
        def stage(batch: dict[str, np.ndarray]) -> Any:
            noise = stream(1, "jitter", step).uniform(-size, size, batch["x"].shape)
            return type(system).stage(system, {**batch, "x": batch["x"] + noise})

        system.stage = stage

    return disturb


def planted_error_persists(reference: ModuleType, adapter: ModuleType, case: Case) -> None:
    """Assert that an error of 1e-9 at step 3 is seen at step 3, and still at the last."""
    tamper = shift("fc3/bias", (3,), PLANTED)
    found = lockstep.compare(reference, adapter, case, "player", disturb=at(3, tamper))
    parameter = found.quantities["parameter"]
    assert found.divergence is not None
    assert found.divergence["step"] == 3
    assert parameter.first_beyond == 2
    assert parameter.last > parameter.limit
    healthy = lockstep.compare(reference, adapter, case, "player")
    assert healthy.divergence is None
    assert healthy.quantities["parameter"].last < parameter.last / 100
