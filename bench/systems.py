"""Systems that are compiled once per job and loaded anew for every arm and seed.

Each is behind a System of this module, which books the CPU time of every call (bench/ledger.py).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from operator import attrgetter
from types import ModuleType
from typing import Literal, NamedTuple

import numpy as np

from bench import contract
from bench.claim import Job
from bench.contract import Arrays, Batch, Config, Evaluation, Gradients, Mode, State, Update
from bench.ledger import BUILDING, DATA, FIRST, LEDGER, STAGING, STEPS
from bench.rows import Rows
from bench.spec import Spec, check_batch

_systems: dict[str, "System"] = {}


def build(
    adapter: ModuleType, spec: Spec, updates: Mapping[str, Update], config: Config
) -> "System":
    """A system of the adapter, which whoever asks for it closes."""
    with LEDGER.during(BUILDING):
        return System(adapter.build(spec, updates, config), spec)


def system_for(
    job: Job,
    spec: Spec,
    updates: Mapping[str, Update],
    dtype: Literal["float32", "float64"] = "float32",
    variant: Literal["reference", "native"] = "reference",
) -> "System":
    """The system of this job's framework, device and threads; the caller loads its state."""
    key = repr((job.framework, spec, updates, dtype, variant, job.device, job.threads))
    if key not in _systems:
        config = Config(dtype, job.device, job.threads, variant)
        _systems[key] = build(job.adapter, spec, updates, config)
    return _systems[key]


def close() -> None:
    """Let go of all of them; the next job compiles its own."""
    for system in _systems.values():
        system.close()
    _systems.clear()


Shapes = tuple[tuple[int, ...], ...]
_shape = attrgetter("shape")


class Staged(NamedTuple):
    """A batch as the framework's stage() answered it, and the shapes that it came with."""

    inner: Batch
    shapes: Shapes


NO_SHAPES: Shapes = ()


class System:
    """A framework's system with every call on the account of its stage. It computes nothing.

    A call is a first one, with a compilation in it, where none before asked the same for a batch
    of these shapes.
    """

    def __init__(self, inner: contract.System, spec: Spec) -> None:
        self.inner, self.spec = inner, spec
        self.asked: set[tuple[object, ...]] = set()

    def load(self, state: State) -> None:
        former = LEDGER.enter(STAGING)
        try:
            self.inner.load(state)
        finally:
            LEDGER.enter(former)

    def export(self) -> State:
        former = LEDGER.enter(STAGING)
        try:
            return self.inner.export()
        finally:
            LEDGER.enter(former)

    def stage(self, batch: Arrays) -> Staged:
        former = LEDGER.enter(STAGING)
        try:
            return Staged(self.inner.stage(batch), tuple(map(_shape, batch.values())))
        finally:
            LEDGER.enter(former)

    def place(self, batch: Arrays) -> Staged:
        former = LEDGER.enter(STAGING)
        try:
            return Staged(self.inner.place(batch), tuple(map(_shape, batch.values())))
        finally:
            LEDGER.enter(former)

    def evaluate(
        self, function: str, batch: Staged, mode: Mode, decisions: Arrays | None = None
    ) -> Evaluation:
        former = LEDGER.enter(
            self._step(batch.shapes, "evaluate", function, mode, decisions is None)
        )
        try:
            return self.inner.evaluate(function, batch.inner, mode, decisions)
        finally:
            LEDGER.enter(former)

    def forward(self, function: str, batch: Staged, mode: Mode) -> None:
        former = LEDGER.enter(self._step(batch.shapes, "forward", function, mode))
        try:
            self.inner.forward(function, batch.inner, mode)
        finally:
            LEDGER.enter(former)

    def differentiate(
        self, update: str, batch: Staged, decisions: Arrays | None = None
    ) -> Gradients:
        former = LEDGER.enter(self._step(batch.shapes, "differentiate", update, decisions is None))
        try:
            return self.inner.differentiate(update, batch.inner, decisions)
        finally:
            LEDGER.enter(former)

    def average(self, parts: Sequence[Gradients], examples: Sequence[int]) -> Gradients:
        former = LEDGER.enter(STEPS)
        try:
            return self.inner.average(parts, examples)
        finally:
            LEDGER.enter(former)

    def apply(self, update: str, gradients: Gradients, learning_rate: float) -> None:
        former = LEDGER.enter(self._step(NO_SHAPES, "apply", update))
        try:
            self.inner.apply(update, gradients, learning_rate)
        finally:
            LEDGER.enter(former)

    def update(self, update: str, batch: Staged, learning_rate: float) -> None:
        former = LEDGER.enter(self._step(batch.shapes, "update", update))
        try:
            self.inner.update(update, batch.inner, learning_rate)
        finally:
            LEDGER.enter(former)

    def steps(
        self, update: str, batches: Iterable[Arrays], rate: float | Callable[[int], float]
    ) -> Iterator[float]:
        """The objective of one step after another, before each: stage(), update() and read().

        rate: the learning rate, or a function of the step, counted from 0. Making the next batch is
        on the account of the data. Rows of a data set are checked as a whole, before the first
        step, any other batch when it is staged: UserError. All in one generator, and the clock is
        read once between two accounts: between the steps of a small net little of Python is in the
        processor's caches, so that each call less counts.
        """
        inner, enter, shapes = self.inner, LEDGER.enter, None
        former, stage = enter(DATA), inner.stage
        try:
            if isinstance(batches, Rows):
                check_batch(self.spec, batches.whole)
                stage = inner.place
            for number, batch in enumerate(batches):
                enter(STAGING)
                staged, before = stage(batch), shapes
                shapes = tuple(map(_shape, batch.values()))
                enter(STEPS if shapes == before else self._step(shapes, "update", update))
                inner.update(update, staged, rate(number) if callable(rate) else rate)
                objective = sum(inner.read().values())
                enter(former)
                yield objective
                enter(DATA)
        finally:
            enter(former)

    def read(self) -> Mapping[str, float]:
        former = LEDGER.enter(STEPS)
        try:
            return self.inner.read()
        finally:
            LEDGER.enter(former)

    def collect(self) -> Arrays:
        former = LEDGER.enter(STEPS)
        try:
            return self.inner.collect()
        finally:
            LEDGER.enter(former)

    def trace(self, update: str, batch: Staged) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
        return LEDGER.each(
            self._step(batch.shapes, "trace", update), self.inner.trace(update, batch.inner)
        )

    def synchronize(self) -> None:
        former = LEDGER.enter(STEPS)
        try:
            self.inner.synchronize()
        finally:
            LEDGER.enter(former)

    def close(self) -> None:
        self.inner.close()

    def _step(self, shapes: Shapes, *asked: object) -> str:
        key = (*asked, shapes)
        if key in self.asked:
            return STEPS
        self.asked.add(key)
        return FIRST
