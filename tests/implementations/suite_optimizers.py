"""Optimizers and weight decay against their formulas, on given gradients.

pytest tests/implementations/suite_optimizers.py --framework pytorch. Collected by
test_techniques.py, one process a framework.
"""

from types import ModuleType
from typing import Any

import numpy as np
import pytest

from bench.contract import TRAINING, Config, Evaluation, Gradients, State, Update
from bench.conventions import BATCH_NORM
from bench.optimizers import Optimizer, adagrad, adam, deck_adam, deck_momentum, momentum, sgd
from bench.randomness import stream
from bench.specs import mlp
from tests.implementations.systems import built, close, distance

RATES = (0.1, 0.1, 0.03, 0.3, 0.01)


def formula(rule: Optimizer, p: np.ndarray, gradients: list[np.ndarray]) -> list[Any]:
    """The parameter and the slots after steps at RATES, as bench/optimizers.py writes the rules."""
    c, name = dict(rule.constants), rule.name
    first, second = np.zeros_like(p), np.zeros_like(p)
    for t, (g, lr) in enumerate(zip(gradients, RATES, strict=True), start=1):
        if name == "sgd":
            p = p - lr * g
        elif name == "momentum":
            first = c["momentum"] * first + g
            p = p - lr * first
        elif name == "deck_momentum":
            first = c["momentum"] * first + lr * g
            p = p - first
        elif name == "adagrad":
            first = first + g**2
            p = p - lr * g / (np.sqrt(first) + c["epsilon"])
        else:
            first = c["beta1"] * first + (1 - c["beta1"]) * g
            second = c["beta2"] * second + (1 - c["beta2"]) * g**2
            m, v = first / (1 - c["beta1"] ** t), second / (1 - c["beta2"] ** t)
            inside = name == "deck_adam"
            root = np.sqrt(v + c["epsilon"]) if inside else np.sqrt(v) + c["epsilon"]
            p = p - lr * m / root
    return [p, first, second]


@pytest.mark.parametrize(
    ("rule", "slots"),
    [
        (sgd(), ()),
        (momentum(0.9), ("velocity",)),
        (deck_momentum(0.9), ("velocity",)),
        (adagrad(1e-2), ("accumulator",)),
        (adam(0.9, 0.99, 1e-2), ("first_moment", "second_moment")),
        (deck_adam(0.9, 0.99, 1e-2), ("first_moment", "second_moment")),
    ],
    ids=lambda value: getattr(value, "name", None),
)
def test_optimizers_by_their_formulas(adapter: ModuleType, rule: Optimizer, slots) -> None:
    """A large epsilon shows where it stands, a rate that changes who remembers it."""
    spec, draws = mlp.spec((70, 300), (), 3), stream(0, "optimizers")  # more than a block
    system = built(adapter, spec, {"train": Update("cross_entropy", ("",), rule)})
    start = system.export().parameters
    gradients = [{name: draws.normal(size=a.shape) for name, a in start.items()} for _ in RATES]
    for given, rate in zip(gradients, RATES, strict=True):
        system.apply("train", Gradients({}, given, Evaluation({})), rate)
    state = system.export()
    assert state.step == {"train": len(RATES)}
    assert state.optimizer["train"].keys() == {f"{n}/{slot}" for n in start for slot in slots}
    for name, parameter in start.items():
        expected = formula(rule, parameter, [given[name] for given in gradients])
        close(state.parameters[name], expected[0])
        for position, slot in enumerate(slots, start=1):
            close(state.optimizer["train"][f"{name}/{slot}"], expected[position])


@pytest.mark.parametrize("limit", [None, 0.5])
def test_weight_decay_by_its_formula(adapter: ModuleType, limit: float | None) -> None:
    """All that the update moves decays, batch norm's scale and shift too, behind the clipping.

    What differentiate() answers is the objective's gradient, without the penalty's.
    """
    spec, draws = mlp.spec((4,), (3,), 3, norm=BATCH_NORM), stream(6, "weight decay")
    start = {name: draws.normal(size=p.shape) for name, p in spec.parameters.items()}
    given = {name: draws.normal(size=p.shape) for name, p in spec.parameters.items()}
    moved = [name for name in start if name.startswith(("fc1/", "bn1/"))]
    update = Update("cross_entropy", ("fc1/", "bn1/"), sgd(), TRAINING, limit, 0.25)
    plain = Update("cross_entropy", ("fc1/", "bn1/"), sgd())
    system = adapter.build(spec, {"train": update, "plain": plain}, Config(dtype="float64"))
    system.load(State(start))
    batch = system.stage({"x": draws.normal(size=(5, 4)), "y": draws.integers(0, 3, 5)})
    answers = [system.differentiate(name, batch).gradients for name in ("train", "plain")]
    assert distance(*answers) == 0
    system.apply("train", Gradients({}, {n: given[n] for n in moved}, Evaluation({})), 0.1)
    norm = np.sqrt(sum((given[name] ** 2).sum() for name in moved))
    scale = 1 if limit is None else limit / norm
    assert {"bn1/scale", "bn1/shift"} <= set(moved) < set(start)
    for name, found in system.export().parameters.items():
        step = 0.1 * (scale * given[name] + 0.25 * start[name]) if name in moved else 0
        close(found, start[name] - step)
