"""The contract in NumPy, the reference: see bench/contract.py."""

import importlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from bench.contract import Arrays, Config, Evaluation, Gradients, Mode, State, Update
from bench.spec import Spec, check_batch, check_state
from implementations.exchange import NONE, exchanged
from implementations.numpy import native
from implementations.numpy.device import environment
from implementations.numpy.model import leaves, on_tape
from implementations.numpy.probe import Probe, Tracer, Witness
from implementations.numpy.step import Step
from implementations.numpy.tape import Node, Tape, Workspace
from implementations.numpy.techniques import accumulation, optimizers

__all__ = ["System", "build", "environment"]


def build(spec: Spec, updates: Mapping[str, Update], config: Config) -> "System":
    return System(spec, updates, config)


class System:
    def __init__(self, spec: Spec, updates: Mapping[str, Update], config: Config) -> None:
        self.spec, self.updates = spec, updates
        self.dtype = np.dtype(config.dtype)
        self.primitives = native.PRIMITIVES if config.variant == "native" else NONE
        self.architecture = importlib.import_module(spec.players("numpy"))
        self.model = self.architecture.build(spec, config.dtype)
        arrays: dict[str, np.ndarray] = dict(leaves(self.model))
        self.parameters = {name: arrays[name] for name in spec.parameters}
        self.buffers = {name: arrays[name] for name in spec.buffers}
        self.workspace = Workspace()
        net = self.model, self.parameters, self.buffers, self.primitives, self.workspace
        self.steps = {
            key: Step(update, getattr(self.architecture, update.objective), *net)
            for key, update in updates.items()
        }
        self.terms: dict[str, float] = {}
        self.outputs: dict[str, np.ndarray] = {}

    # --- state ------------------------------------------------------------------------------

    def load(self, state: State) -> None:
        check_state(self.spec, self.updates, optimizers.SLOTS, state)
        for name, array in self.parameters.items():
            array[...] = state.parameters[name]
        for name, buffer in self.spec.buffers.items():
            self.buffers[name][...] = state.buffers.get(name, buffer.initial)
        shapes = self.spec.shapes()
        for key, step in self.steps.items():
            step.number = state.step.get(key, 0)
            given = state.optimizer.get(key, {})
            step.slots = {
                name: {
                    slot: given.get(f"{name}/{slot}", np.zeros(shapes[name])).astype(self.dtype)
                    for slot in optimizers.SLOTS[step.rule.optimizer.name]
                }
                for name in step.moved
            }

    def export(self) -> State:
        optimizer = {
            key: {
                f"{name}/{slot}": array.copy()
                for name, slots in step.slots.items()
                for slot, array in slots.items()
            }
            for key, step in self.steps.items()
        }
        return State(
            parameters={name: array.copy() for name, array in self.parameters.items()},
            buffers={name: array.copy() for name, array in self.buffers.items()},
            optimizer=optimizer,
            step={key: step.number for key, step in self.steps.items()},
        )

    def stage(self, batch: Arrays) -> dict[str, np.ndarray]:
        check_batch(self.spec, batch)
        return self.place(batch)

    def place(self, batch: Arrays) -> dict[str, np.ndarray]:
        return {n: np.ascontiguousarray(a, self._dtype_of(a)) for n, a in batch.items()}

    # --- questions --------------------------------------------------------------------------

    def evaluate(
        self,
        function: str,
        batch: Mapping[str, np.ndarray],
        mode: Mode,
        decisions: Arrays | None = None,
    ) -> Evaluation:
        probe = Probe(mode) if decisions is None else Witness(mode, decisions)
        return self._evaluation(self._ask(function, batch, probe), probe)

    def forward(self, function: str, batch: Mapping[str, np.ndarray], mode: Mode) -> None:
        with exchanged(self.primitives):
            outputs = self._ask(function, batch, Probe(mode))
        # A copy: the next question computes in the same memory.
        self.outputs = {name: node.value.copy() for name, node in outputs.items()}

    def differentiate(
        self, update: str, batch: Mapping[str, np.ndarray], decisions: Arrays | None = None
    ) -> Gradients:
        mode = self.updates[update].mode
        probe = Probe(mode) if decisions is None else Witness(mode, decisions)
        terms, gradients = self.steps[update].backward(batch, probe)
        return Gradients(
            terms=terms,
            gradients={name: gradient.copy() for name, gradient in gradients.items()},
            evaluation=self._evaluation({}, probe),
        )

    def trace(
        self, update: str, batch: Mapping[str, np.ndarray]
    ) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
        tracer = Tracer(self.updates[update].mode)
        self.steps[update].backward(batch, tracer)
        for name in self.spec.activations:
            node = tracer.activations[name]
            yield name, node.value.copy(), node.found().copy()

    # --- steps ------------------------------------------------------------------------------

    def average(self, parts: Sequence[Gradients], examples: Sequence[int]) -> Gradients:
        def averaged(given: Iterator[Mapping[str, Any]]) -> dict[str, np.ndarray]:
            tensors = [{n: self._input(np.asarray(a)) for n, a in part.items()} for part in given]
            return accumulation.averaged(tensors, examples)

        terms = averaged(part.terms for part in parts)
        gradients = averaged(part.by_parameters() for part in parts)
        buffers = averaged(part.evaluation.buffers for part in parts)
        means = {name: float(term) for name, term in terms.items()}
        return Gradients(means, gradients, Evaluation({}, buffers=buffers))

    def apply(self, update: str, gradients: Gradients, learning_rate: float) -> None:
        step, by_name = self.steps[update], gradients.by_parameters().items()
        own = {n: np.ascontiguousarray(a, self.dtype) for n, a in by_name if n in self.parameters}
        step.apply(own, learning_rate)
        step.commit(gradients.evaluation.buffers)

    def update(self, update: str, batch: Mapping[str, np.ndarray], learning_rate: float) -> None:
        self.terms = self.steps[update].update(batch, learning_rate)

    def read(self) -> Mapping[str, float]:
        return self.terms

    def collect(self) -> Arrays:
        return {name: array.copy() for name, array in self.outputs.items()}

    def synchronize(self) -> None:
        """Nothing to wait for: NumPy returns when it is done."""

    def close(self) -> None:
        self.parameters, self.buffers, self.steps = {}, {}, {}
        self.terms, self.outputs = {}, {}
        self.workspace = Workspace()

    # --- inside -----------------------------------------------------------------------------

    def _ask(self, function: str, batch: Mapping[str, np.ndarray], probe: Probe) -> dict[str, Node]:
        """On the arrays of the past step or question."""
        self.workspace.reclaim()
        tape = Tape(self.workspace)
        model = on_tape(self.model, self.parameters, tape, ())
        inputs = {name: Node(array, tape) for name, array in batch.items()}
        return getattr(self.architecture, function)(model, inputs, probe)

    def _evaluation(self, outputs: Mapping[str, Node], probe: Probe) -> Evaluation:
        arrays = {name: node.value.copy() for name, node in outputs.items()}
        buffers = {name: a.copy() for name, a in {**self.buffers, **probe.buffers}.items()}
        if not isinstance(probe, Witness):
            return Evaluation(outputs=arrays, buffers=buffers)
        decisions = {name: array.astype(np.int8) for name, array in probe.decisions.items()}
        return Evaluation(arrays, decisions, probe.margins, buffers)

    def _input(self, array: np.ndarray) -> np.ndarray:
        return np.array(array, dtype=self._dtype_of(array), order="C")

    def _dtype_of(self, array: np.ndarray) -> np.dtype:
        return self.dtype if array.dtype.kind == "f" else np.dtype(np.int64)
