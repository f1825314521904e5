"""The contract in NumPy, the reference: see bench/contract.py."""

import importlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from bench.contract import Arrays, Config, Evaluation, Gradients, Mode, State, Update
from bench.spec import Spec, check_batch, check_state
from implementations.exchange import Primitives, exchanged
from implementations.numpy import native
from implementations.numpy.device import environment
from implementations.numpy.model import leaves, replaced
from implementations.numpy.probe import Probe, Tracer, Witness
from implementations.numpy.tape import Node, Tape, Workspace
from implementations.numpy.techniques import accumulation, optimizers, weight_decay

__all__ = ["System", "build", "environment"]


def build(spec: Spec, updates: Mapping[str, Update], config: Config) -> "System":
    return System(spec, updates, config)


class System:
    def __init__(self, spec: Spec, updates: Mapping[str, Update], config: Config) -> None:
        self.spec, self.updates = spec, updates
        self.dtype = np.dtype(config.dtype)
        faster = native.PRIMITIVES if config.variant == "native" else {}
        self.primitives: Primitives = faster
        self.architecture = importlib.import_module(spec.players("numpy"))
        self.model = self.architecture.build(spec, config.dtype)
        arrays: dict[str, np.ndarray] = dict(leaves(self.model))
        self.parameters = {name: arrays[name] for name in spec.parameters}
        self.buffers = {name: arrays[name] for name in spec.buffers}
        self.moved = {
            key: frozenset(filter(update.selects, self.parameters))
            for key, update in updates.items()
        }
        self.inputs = {key: update.inputs() for key, update in updates.items()}
        self.slots: dict[str, dict[str, dict[str, np.ndarray]]] = {}
        self.step: dict[str, int] = {}
        self.terms: dict[str, float] = {}
        self.outputs: dict[str, np.ndarray] = {}
        self.workspace = Workspace()

    # --- state ------------------------------------------------------------------------------

    def load(self, state: State) -> None:
        check_state(self.spec, self.updates, optimizers.SLOTS, state)
        for name, array in self.parameters.items():
            array[...] = state.parameters[name]
        for name, buffer in self.spec.buffers.items():
            self.buffers[name][...] = state.buffers.get(name, buffer.initial)
        for key, update in self.updates.items():
            self.step[key] = state.step.get(key, 0)
            given = state.optimizer.get(key, {})
            self.slots[key] = {
                name: {
                    slot: given.get(f"{name}/{slot}", np.zeros(array.shape)).astype(self.dtype)
                    for slot in optimizers.SLOTS[update.optimizer.name]
                }
                for name, array in self.parameters.items()
                if update.selects(name)
            }

    def export(self) -> State:
        optimizer = {
            key: {
                f"{name}/{slot}": array.copy()
                for name, slots in by_name.items()
                for slot, array in slots.items()
            }
            for key, by_name in self.slots.items()
        }
        return State(
            parameters={name: array.copy() for name, array in self.parameters.items()},
            buffers={name: array.copy() for name, array in self.buffers.items()},
            optimizer=optimizer,
            step=dict(self.step),
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
        terms, gradients = self._backward(update, batch, probe)
        return Gradients(
            terms=terms,
            gradients={name: gradient.copy() for name, gradient in gradients.items()},
            evaluation=self._evaluation({}, probe),
        )

    def trace(
        self, update: str, batch: Mapping[str, np.ndarray]
    ) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
        tracer = Tracer(self.updates[update].mode)
        self._backward(update, batch, tracer)
        for name in self.spec.activations:
            node = tracer.activations[name]
            yield name, node.value.copy(), _gradient(node).copy()

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
        self._step(
            update,
            {
                name: np.ascontiguousarray(array, self.dtype)
                for name, array in gradients.by_parameters().items()
            },
            learning_rate,
        )
        self._commit(gradients.evaluation.buffers)

    def update(self, update: str, batch: Mapping[str, np.ndarray], learning_rate: float) -> None:
        probe = Probe(self.updates[update].mode)
        with exchanged(self.primitives):
            self.terms, gradients = self._backward(update, batch, probe)
            self._step(update, gradients, learning_rate)
        self._commit(probe.buffers)

    def read(self) -> Mapping[str, float]:
        return self.terms

    def collect(self) -> Arrays:
        return {name: array.copy() for name, array in self.outputs.items()}

    def synchronize(self) -> None:
        """Nothing to wait for: NumPy returns when it is done."""

    def close(self) -> None:
        self.parameters, self.buffers, self.slots = {}, {}, {}
        self.terms, self.outputs = {}, {}
        self.workspace = Workspace()

    # --- inside -----------------------------------------------------------------------------

    def _tape(self) -> Tape:
        """A fresh tape on the arrays of the past step."""
        self.workspace.reclaim()
        return Tape(self.workspace)

    def _nodes(self, tape: Tape, wanted: Collection[str]) -> Any:
        """The model with a node in place of every parameter; buffers stay arrays."""

        def change(name: str, value: np.ndarray) -> Node | np.ndarray:
            return Node(value, tape, name in wanted) if name in self.parameters else value

        return replaced(self.model, change)

    def _inputs(
        self, tape: Tape, batch: Mapping[str, np.ndarray], wanted: Collection[str]
    ) -> dict[str, Node]:
        return {name: Node(array, tape, name in wanted) for name, array in batch.items()}

    def _ask(self, function: str, batch: Mapping[str, np.ndarray], probe: Probe) -> dict[str, Node]:
        tape = self._tape()
        ask = getattr(self.architecture, function)
        return ask(self._nodes(tape, ()), self._inputs(tape, batch, ()), probe)

    def _backward(
        self, update: str, batch: Mapping[str, np.ndarray], probe: Probe
    ) -> tuple[dict[str, float], dict[str, np.ndarray]]:
        rule, wanted, tape = self.updates[update], self.moved[update], self._tape()
        model = self._nodes(tape, wanted)
        inputs = self._inputs(tape, batch, self.inputs[update])
        terms = getattr(self.architecture, rule.objective)(model, inputs, probe)
        keep = probe.activations.values() if isinstance(probe, Tracer) else ()
        tape.backward(terms.values(), keep)
        gradients = {name: _gradient(n) for name, n in leaves(model) if name in wanted}
        for name in self.inputs[update]:
            gradients[f"input:{name}"] = _gradient(inputs[name])
        return {name: float(term.value) for name, term in terms.items()}, gradients

    def _step(self, update: str, gradients: dict[str, np.ndarray], learning_rate: float) -> None:
        rule = self.updates[update]
        gradients = {name: g for name, g in gradients.items() if name in self.parameters}
        if gradients and rule.clip_global_norm is not None:
            gradients = optimizers.clip_by_global_norm(gradients, rule.clip_global_norm)
        if rule.weight_decay is not None:
            gradients = weight_decay.decayed(gradients, self.parameters, rule.weight_decay)
        number = self.step[update] = self.step[update] + 1
        step, constants = getattr(optimizers, rule.optimizer.name), rule.optimizer.constants
        parameters, slots = self.parameters, self.slots[update]
        for name, gradient in gradients.items():
            step(parameters[name], gradient, slots[name], number, learning_rate, **constants)

    def _commit(self, buffers: Mapping[str, np.ndarray]) -> None:
        for name, array in buffers.items():
            self.buffers[name][...] = array

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


def _gradient(node: Node) -> np.ndarray:
    """The gradient that arrived at a node; zero where the objective does not depend on it."""
    return np.zeros_like(node.value) if node.gradient is None else node.gradient
