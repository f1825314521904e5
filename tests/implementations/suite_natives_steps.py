"""What makes a step of gradients, against the library's own: optimizers, clipping, weight decay,
accumulation, schedules (tests/natives).

pytest tests/implementations/suite_natives_steps.py --framework pytorch. Collected by
test_natives.py, one process a framework.
"""

import importlib
from types import ModuleType

import numpy as np
import pytest

from bench.contract import Evaluation, Gradients, System, Update
from bench.optimizers import Optimizer, adagrad, adam, deck_adam, deck_momentum, momentum, sgd
from bench.randomness import stream
from bench.specs import mlp
from tests.implementations.aligned import built, same

RATES = (0.1, 0.1, 0.03, 0.03, 0.01)  # a rule that holds the rate differs once it changes


def stepped(system: System, gradients: list[np.ndarray]) -> np.ndarray:
    """fc1/weight after steps on given gradients, the bias having none."""
    for gradient, rate in zip(gradients, RATES, strict=True):
        given = {"fc1/weight": gradient, "fc1/bias": np.zeros(3)}
        system.apply("train", Gradients({}, given, Evaluation({})), rate)
    return system.export().parameters["fc1/weight"]


@pytest.mark.parametrize(
    "rule",
    [
        sgd(),
        momentum(0.9),
        deck_momentum(0.9),
        adagrad(1e-2),
        adam(0.9, 0.99, 1e-2),
        deck_adam(0.9, 0.99, 1e-2),
    ],
    ids=lambda rule: rule.name,
)
def test_optimizer(adapter: ModuleType, natives: ModuleType, rule: Optimizer) -> None:
    """A large epsilon shows where it stands."""
    technique = f"optimize {rule.name}"
    if technique in natives.UNALIGNED:
        pytest.skip(natives.UNALIGNED[technique])
    spec, draws = mlp.spec((4,), (), 3), stream(4, "natives")
    weight = draws.normal(size=(4, 3))
    gradients = [draws.normal(size=(4, 3)) for _ in RATES]
    initial = {"fc1/weight": weight, "fc1/bias": np.zeros(3)}
    system = built(adapter, spec, initial, train=Update("cross_entropy", ("",), rule))
    expected = natives.optimize(rule.name, weight, gradients, RATES, **rule.constants)
    same(natives, technique, stepped(system, gradients), expected)


@pytest.mark.parametrize("limit", [0.5, 100.0])
def test_clip_by_global_norm(adapter: ModuleType, natives: ModuleType, limit: float) -> None:
    spec, draws = mlp.spec((4,), (), 3), stream(5, "natives")
    gradients = {name: draws.normal(size=p.shape) for name, p in spec.parameters.items()}
    zeros = {name: np.zeros(p.shape) for name, p in spec.parameters.items()}
    update = Update("cross_entropy", ("",), sgd(), clip_global_norm=limit)
    system = built(adapter, spec, zeros, train=update)
    system.apply("train", Gradients({}, gradients, Evaluation({})), 1.0)
    expected = natives.clip_by_global_norm(gradients, limit)
    for name, parameter in system.export().parameters.items():
        same(natives, "clip_by_global_norm", -parameter, expected[name])


@pytest.mark.parametrize("mu", [0.0, 0.9])
def test_weight_decay(adapter: ModuleType, natives: ModuleType, mu: float) -> None:
    """Through the momentum, and large enough that a decay beside it would be seen."""
    spec, draws = mlp.spec((4,), (), 3), stream(9, "natives")
    weight = draws.normal(size=(4, 3))
    gradients = [draws.normal(size=(4, 3)) for _ in range(5)]
    update = Update("cross_entropy", ("",), momentum(mu), weight_decay=0.25)
    initial = {"fc1/weight": weight, "fc1/bias": np.zeros(3)}
    system = built(adapter, spec, initial, train=update)
    for gradient in gradients:
        given = {"fc1/weight": gradient, "fc1/bias": np.zeros(3)}
        system.apply("train", Gradients({}, given, Evaluation({})), 0.1)
    expected = natives.weight_decay(weight, gradients, 0.1, mu, 0.25)
    same(natives, "weight_decay", system.export().parameters["fc1/weight"], expected)


@pytest.mark.parametrize("parts", [2, 3])
def test_accumulation(adapter: ModuleType, natives: ModuleType, parts: int) -> None:
    """Two steps: what was accumulated for the first must not be left for the second."""
    spec, draws = mlp.spec((4,), (), 3), stream(8, "natives")
    weight = draws.normal(size=(4, 3))
    system = built(
        adapter,
        spec,
        {"fc1/weight": weight, "fc1/bias": np.zeros(3)},
        train=Update("cross_entropy", ("fc1/weight",), sgd()),
    )
    gradients = []
    for _ in range(2):
        asked = []
        for _ in range(parts):
            batch = {"x": draws.normal(size=(5, 4)), "y": draws.integers(0, 3, 5)}
            asked.append(system.differentiate("train", system.stage(batch)))
        gradients += [part.gradients["fc1/weight"] for part in asked]
        system.apply("train", system.average(asked, [5] * parts), 0.3)
    expected = natives.accumulated(weight, gradients, parts, 0.3)
    same(natives, "accumulated", system.export().parameters["fc1/weight"], expected)


@pytest.mark.parametrize("schedule", ["piecewise_constant", "exponential_decay"])
def test_schedule(name: str, natives: ModuleType, schedule: str) -> None:
    schedules = importlib.import_module(f"implementations.{name}.techniques.schedules")
    settings = ([3, 7], [0.1, 0.01, 0.001]) if schedule == "piecewise_constant" else (0.1, 0.5, 4.0)
    expected = getattr(natives, schedule)(10, *settings)
    found = [getattr(schedules, schedule)(step, *settings) for step in range(10)]
    same(natives, schedule, found, expected)
