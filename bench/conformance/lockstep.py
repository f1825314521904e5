"""The comparison: reference and framework side by side in one process, step by step.

Both start from the same weights and see the same batches. After that nothing passes from one to the
other: each differentiates at its own parameters, each steps with its own gradients. An error of
one step therefore stays, and shows at every later one.

Decisions of pooling layers (bench/contract.py) are compared too. Where the reference's margin is
above the near-tie limit all must agree. Below it rounding decides; where the two then differ, both
are differentiated again with the reference's decision handed in at those entries, and the entries
are counted.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from bench.conformance import explain
from bench.conformance.cases import Case
from bench.conformance.tolerances import DEAD_GRADIENT, NEAR_TIE, deviation, tolerance
from bench.contract import Arrays, Config, Gradients, State, System

Report = Callable[[float, str], None]
UPDATE = explain.UPDATE


@dataclass
class Quantity:
    """The worst that was seen of one quantity, over all tensors and steps."""

    limit: float
    largest: float = 0.0
    first_beyond: int | None = None


@dataclass
class Comparison:
    """What one case found. `divergence` explains the first comparison that failed."""

    case: Case
    framework: str
    quantities: dict[str, Quantity] = field(default_factory=dict)
    losses: list[float] = field(default_factory=list)  # relative deviation at every step
    near_ties: int = 0
    divergence: dict[str, Any] | None = None

    @property
    def passed(self) -> bool:
        return self.divergence is None

    def records(self) -> Iterator[dict[str, Any]]:
        """One record a quantity, as conformance.json holds them."""
        for name, quantity in self.quantities.items():
            failed = quantity.first_beyond is not None
            yield {
                "schema_version": 1,
                "model": self.case.model,
                "optimizer": self.case.optimizer,
                "framework": self.framework,
                "dtype": self.case.dtype,
                "steps": self.case.steps,
                "batch_size": self.case.batch_size,
                "quantity": name,
                "max_relative_deviation": quantity.largest,
                "tolerance": quantity.limit,
                "passed": not failed,
                "first_divergence": self.divergence if failed else None,
                "near_ties": self.near_ties,
            }


def compare(
    reference_adapter: ModuleType,
    adapter: ModuleType,
    case: Case,
    framework: str,
    data_dir: Path | None = None,
    report: Report = lambda fraction, text: None,
    disturb: Callable[[int, System], None] = lambda step, system: None,
) -> Comparison:
    """Run one case to its end. `disturb` lets a test tamper with the framework's system."""
    spec, updates = case.spec(), {UPDATE: case.update()}
    config = Config(dtype=case.dtype)
    reference = reference_adapter.build(spec, updates, config)
    system = adapter.build(spec, updates, config)
    for player in (reference, system):
        player.load(case.initial())
    found = Comparison(case, framework)
    for step, batch in enumerate(case.batches(data_dir)):
        disturb(step, system)
        _one_step(found, reference, system, batch, step)
        report((step + 1) / case.steps, f"{case.name}, step {step + 1} of {case.steps}")
    system.close()
    return found


def drift(
    reference_adapter: ModuleType,
    adapter: ModuleType,
    case: Case,
    steps: int,
    limit: float,
    data_dir: Path | None = None,
) -> int | None:
    """The first step, counted from 1, at which the losses differ by more than `limit`, if any.

    Uses the fused update(), which is what training runs.
    """
    longer = replace(case, steps=steps)
    players = []
    for module in (reference_adapter, adapter):
        system = module.build(case.spec(), {UPDATE: case.update()}, Config(dtype=case.dtype))
        system.load(case.initial())
        players.append(system)
    for step, batch in enumerate(longer.batches(data_dir)):
        losses = []
        for system in players:
            system.update(UPDATE, system.stage(batch), longer.rate(step))
            losses.append(_terms(system.read()))
        if deviation(losses[0], losses[1]) > limit:
            return step + 1
    return None


def _one_step(
    found: Comparison, reference: System, system: System, batch: Arrays, step: int
) -> None:
    expected, actual, staged = differentiate_both(found, reference, system, batch)
    witness = explain.Witness(found, step, reference, system, staged)
    loss, other = (_terms(g.terms) for g in (expected, actual))
    found.losses.append(deviation(loss, other))
    _check(witness, "loss", {"loss": loss}, {"loss": other})
    net = max((float(np.abs(g).max()) for g in expected.gradients.values()), default=0.0)
    # A tensor below DEAD_GRADIENT of the net's largest gradient is rounding: it is held to that
    # part of the net's gradient and not to itself.
    limit = _limit(found, "gradient")
    floor = net * DEAD_GRADIENT / limit
    _check(witness, "gradient", expected.gradients, actual.gradients, floor)
    rate = found.case.rate(step)
    reference.apply(UPDATE, expected, rate)
    system.apply(UPDATE, actual, rate)
    before, after = reference.export(), system.export()
    for slot, tensors in _by_slot(before).items():
        _check(witness, slot, tensors, _by_slot(after).get(slot, {}))
    _check(witness, "parameter", before.parameters, after.parameters)


def differentiate_both(
    found: Comparison, reference: System, system: System, batch: Arrays
) -> tuple[Gradients, Gradients, tuple[Any, Any]]:
    """Both players' gradients, near ties resolved as the reference resolves them."""
    staged = reference.stage(batch), system.stage(batch)
    expected = reference.differentiate(UPDATE, staged[0], {})
    actual = system.differentiate(UPDATE, staged[1], {})
    handed: dict[str, np.ndarray] = {}
    for name, decision in expected.evaluation.decisions.items():
        differs = decision != actual.evaluation.decisions[name]
        close = expected.evaluation.margins[name] < NEAR_TIE[found.case.dtype]
        if (differs & close).any():
            handed[name] = np.where(differs & close, decision, -1).astype(np.int8)
            found.near_ties += int((differs & close).sum())
    if handed:
        # All layers are named, so that no question is compiled for every subset of them.
        free = {
            name: np.full(decision.shape, -1, np.int8)
            for name, decision in expected.evaluation.decisions.items()
        }
        expected = reference.differentiate(UPDATE, staged[0], {**free, **handed})
        actual = system.differentiate(UPDATE, staged[1], {**free, **handed})
    return expected, actual, staged


def _check(
    witness: explain.Witness,
    name: str,
    expected: Arrays,
    actual: Arrays,
    floor: float = 0.0,
) -> None:
    """Note the largest deviation of a quantity; explain the first one beyond its tolerance."""
    found: Comparison = witness.comparison
    rule = tolerance(found.case.dtype, name, found.case.optimizer)
    quantity = found.quantities.setdefault(name, Quantity(rule.limit))
    for tensor, array in expected.items():
        other = actual.get(tensor, np.full(1, np.nan))
        size = deviation(array, other, rule.measure, floor)
        quantity.largest = max(quantity.largest, size)
        if size > rule.limit and quantity.first_beyond is None:
            quantity.first_beyond = witness.step
            if found.divergence is None:
                found.divergence = witness.explain(name, expected, actual, rule, floor)


def _terms(terms: Mapping[str, float]) -> np.ndarray:
    """The reported terms in the order of their names."""
    return np.array([terms[name] for name in sorted(terms)])


def _limit(found: Comparison, name: str) -> float:
    return tolerance(found.case.dtype, name, found.case.optimizer).limit


def _by_slot(state: State) -> dict[str, dict[str, np.ndarray]]:
    """The optimizer's state, slot by slot: {"velocity": {"fc1/weight": ...}}."""
    slots: dict[str, dict[str, np.ndarray]] = {}
    arrays: Mapping[str, np.ndarray] = state.optimizer[UPDATE]
    for key, array in arrays.items():
        name, _, slot = key.rpartition("/")
        slots.setdefault(slot, {})[name] = array
    return slots
