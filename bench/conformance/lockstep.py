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

from bench import systems
from bench.conformance import explain
from bench.conformance.cases import Case
from bench.conformance.nets import Player
from bench.conformance.players import REFERENCE
from bench.conformance.tolerances import NEAR_TIE, deviation, largest, tolerance
from bench.contract import Arrays, Config, Gradients, State, System

Report = Callable[[float, str], None]
UPDATE = explain.UPDATE


@dataclass
class Quantity:
    """The worst that was seen of one quantity, over all tensors and steps."""

    limit: float
    largest: float = 0.0
    tensor: str | None = None  # where the largest was seen
    last: float = 0.0  # the largest of what was noted last
    first_beyond: int | None = None  # a step, counted from 0

    @property
    def excess(self) -> float:
        """The largest deviation in units of the tolerance; above 1 the comparison is red."""
        return self.largest / self.limit

    def note(self, step: int, deviations: Mapping[str, float]) -> None:
        """Take in the deviations of one step, by tensor."""
        self.last = max(deviations.values(), default=0.0)
        for tensor, size in deviations.items():
            if size > self.largest:
                self.largest, self.tensor = size, tensor
        if self.last > self.limit and self.first_beyond is None:
            self.first_beyond = step


@dataclass
class Comparison:
    """What one case found. `divergence` explains the first comparison that failed."""

    case: Case
    framework: str
    quantities: dict[str, Quantity] = field(default_factory=dict)
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
    pair = Pair(reference_adapter, adapter, case, framework)
    found = Comparison(case, framework)
    for step, batch in enumerate(case.batches(data_dir)):
        disturb(step, pair.system)
        _one_step(found, pair, batch, step)
        report((step + 1) / case.steps, f"{case.name}, step {step + 1} of {case.steps}")
    pair.system.close()
    return found


class Pair:
    """The reference and the framework beside it, from the same weights."""

    def __init__(
        self, reference: ModuleType, adapter: ModuleType, case: Case, framework: str
    ) -> None:
        config = Config(dtype=case.dtype)
        self.case = case
        self.reference, self.system = (
            systems.build(module, case.spec(), {UPDATE: case.update()}, config)
            for module in (reference, adapter)
        )
        for system in (self.reference, self.system):
            system.load(case.initial())
        self.players = (
            Player(reference, REFERENCE, case.net, config),
            Player(adapter, framework, case.net, config),
        )

    def rates(self, step: int) -> tuple[float, float]:
        """Each by its own schedule."""
        first, second = (p.rate(self.case.rate, step, self.case.steps) for p in self.players)
        return first, second

    def staged(self, batch: Arrays) -> tuple[Any, Any]:
        """Each by its own preprocessing, on its own device."""
        first, second = (player.prepared(batch) for player in self.players)
        return self.reference.stage(first), self.system.stage(second)

    def sizes(self) -> list[int]:
        """How many examples each part of a batch has: one more in the first ones."""
        size, more = divmod(self.case.batch_size, self.case.net.parts)
        return [size + (part < more) for part in range(self.case.net.parts)]

    def parts(self, batch: Arrays) -> Iterator[Arrays]:
        """The batch in as many parts as the net asks for."""
        start = 0
        for size in self.sizes():
            yield {name: array[start : start + size] for name, array in batch.items()}
            start += size

    def whole(self, system: System, parts: list[Gradients]) -> Gradients:
        """The answer for the batch, by the system's own technique; one part is the batch."""
        return system.average(parts, self.sizes()) if len(parts) > 1 else parts[0]


def drift(
    reference_adapter: ModuleType,
    adapter: ModuleType,
    case: Case,
    steps: int,
    limit: float,
    data_dir: Path | None = None,
    report: Report = lambda fraction, text: None,
) -> int | None:
    """The first step, counted from 1, at which the losses differ by more than `limit`, if any.

    Uses the fused update(), which is what training runs.
    """
    pair = Pair(reference_adapter, adapter, replace(case, steps=steps), "")
    for step, batch in enumerate(pair.case.batches(data_dir)):
        losses = []
        both = (pair.reference, pair.system)
        for system, staged, rate in zip(both, pair.staged(batch), pair.rates(step), strict=True):
            system.update(UPDATE, staged, rate)
            losses.append(_scalars(system.read()))
        if any(deviation(a, b) > limit for _, a, b in explain.pairs(*losses)):
            return step + 1
        report((step + 1) / steps, f"{case.name}, drift, step {step + 1} of {steps}")
    return None


def _one_step(found: Comparison, pair: Pair, batch: Arrays, step: int) -> None:
    asked = [differentiate_both(found, pair, part) for part in pair.parts(batch)]
    expected = pair.whole(pair.reference, [ours for ours, _, _ in asked])
    actual = pair.whole(pair.system, [theirs for _, theirs, _ in asked])
    witness = explain.Witness(step, pair.reference, pair.system, asked[-1][2])
    _check(found, witness, "loss", _scalars(expected.terms), _scalars(actual.terms))
    for ours, theirs, _ in asked:
        if ours.evaluation.decisions:
            _check(found, witness, "decision", *clear_decisions(found.case.dtype, ours, theirs))
    net = max(map(largest, expected.gradients.values()), default=0.0)
    _check(found, witness, "gradient", expected.gradients, actual.gradients, net)
    rates = pair.rates(step)
    if found.case.net.schedule:
        _check(found, witness, "rate", _scalars({"rate": rates[0]}), _scalars({"rate": rates[1]}))
    pair.reference.apply(UPDATE, expected, rates[0])
    pair.system.apply(UPDATE, actual, rates[1])
    ours, theirs = pair.reference.export(), pair.system.export()
    slots, others = _by_slot(ours), _by_slot(theirs)
    for slot in {**slots, **others}:
        _check(found, witness, slot, slots.get(slot, {}), others.get(slot, {}))
    if ours.buffers:
        _check(found, witness, "buffer", ours.buffers, theirs.buffers)
    _check(found, witness, "parameter", ours.parameters, theirs.parameters)
    _check(found, witness, "step", _scalars(ours.step), _scalars(theirs.step))


def differentiate_both(
    found: Comparison, pair: Pair, batch: Arrays
) -> tuple[Gradients, Gradients, tuple[Any, Any]]:
    """Both players' gradients, near ties resolved as the reference resolves them."""
    reference, system, staged = pair.reference, pair.system, pair.staged(batch)
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


def clear_decisions(
    dtype: str, expected: Gradients, actual: Gradients
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Both players' decisions; near ties, which need not agree, are filled with the reference's."""
    ours, theirs = expected.evaluation.decisions, dict(actual.evaluation.decisions)
    for name in ours.keys() & theirs.keys():
        clear = expected.evaluation.margins[name] >= NEAR_TIE[dtype]
        theirs[name] = np.where(clear, theirs[name], ours[name])
    return dict(ours), theirs


def _check(
    found: Comparison,
    witness: explain.Witness,
    name: str,
    expected: Arrays,
    actual: Arrays,
    net: float = 0.0,
) -> None:
    """Note the largest deviation of a quantity; explain the first one beyond its tolerance."""
    rule = tolerance(found.case.dtype, name, found.case.optimizer, net)
    quantity = found.quantities.setdefault(name, Quantity(rule.limit))
    pairs = explain.pairs(expected, actual)
    quantity.note(witness.step, {t: rule.deviation(a, b) for t, a, b in pairs})
    if quantity.last > rule.limit and found.divergence is None:
        found.divergence = witness.explain(name, expected, actual, rule)


def _scalars(numbers: Mapping[str, float]) -> dict[str, np.ndarray]:
    return {name: np.array(number, np.float64) for name, number in numbers.items()}


def _by_slot(state: State) -> dict[str, dict[str, np.ndarray]]:
    """The optimizer's state, slot by slot: {"velocity": {"fc1/weight": ...}}."""
    slots: dict[str, dict[str, np.ndarray]] = {}
    arrays: Mapping[str, np.ndarray] = state.optimizer[UPDATE]
    for key, array in arrays.items():
        name, _, slot = key.rpartition("/")
        slots.setdefault(slot, {})[name] = array
    return slots
