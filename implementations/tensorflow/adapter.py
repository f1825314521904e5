"""The contract in TensorFlow: see bench/contract.py.

Every update is a tf.function of its own, traced once for each shape of batch: step and learning
rate enter as tensors.
"""

import importlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from bench.contract import Arrays, Config, Evaluation, Gradients, Mode, State, Update
from bench.spec import Spec, check_batch, check_state
from implementations.exchange import NONE, Primitives, exchanged
from implementations.tensorflow import native
from implementations.tensorflow.device import environment, prepare
from implementations.tensorflow.model import named_variables
from implementations.tensorflow.probe import Probe, Tracer, Witness
from implementations.tensorflow.step import Step
from implementations.tensorflow.techniques import accumulation, optimizers

# One System traces its functions once a shape, but each System has its own: TensorFlow counts the
# traces by name and would warn of them all.
tf.get_logger().setLevel("ERROR")

__all__ = ["System", "build", "environment"]


def build(spec: Spec, updates: Mapping[str, Update], config: Config) -> "System":
    return System(spec, updates, config)


class System:
    def __init__(self, spec: Spec, updates: Mapping[str, Update], config: Config) -> None:
        self.spec, self.updates = spec, updates
        self.device, _ = prepare(config)
        self.dtype = config.dtype
        self.primitives = native.PRIMITIVES if config.variant == "native" else NONE
        self.architecture = importlib.import_module(spec.players("tensorflow"))
        self.terms: dict[str, tf.Tensor] = {}
        self.outputs: dict[str, tf.Tensor] = {}
        self.functions: dict[tuple[Any, ...], Any] = {}
        with tf.device(self.device):
            self.model = self.architecture.build(spec, config.dtype)
            variables = dict(named_variables(self.model))
            self.parameters = {name: variables[name] for name in spec.parameters}
            self.buffers = {name: variables[name] for name in spec.buffers}
            net = self.model, self.parameters, self.buffers
            self.steps = {
                key: Step(update, getattr(self.architecture, update.objective), *net)
                for key, update in updates.items()
            }

    # --- state ------------------------------------------------------------------------------

    def load(self, state: State) -> None:
        check_state(self.spec, self.updates, optimizers.SLOTS, state)
        for name, variable in self.parameters.items():
            variable.assign(state.parameters[name].astype(self.dtype))
        for name, buffer in self.spec.buffers.items():
            initial = np.full(buffer.shape, buffer.initial)
            self.buffers[name].assign(state.buffers.get(name, initial).astype(self.dtype))
        for key, step in self.steps.items():
            step.number = state.step.get(key, 0)
            given = state.optimizer.get(key, {})
            for name, slots in step.slots.items():
                for slot, variable in slots.items():
                    zeros = np.zeros(self.spec.parameters[name].shape)
                    variable.assign(given.get(f"{name}/{slot}", zeros).astype(self.dtype))

    def export(self) -> State:
        optimizer = {
            key: {
                f"{name}/{slot}": variable.numpy().copy()
                for name, slots in step.slots.items()
                for slot, variable in slots.items()
            }
            for key, step in self.steps.items()
        }
        owned = _arrays(self.parameters), _arrays(self.buffers)
        numbers = {key: step.number for key, step in self.steps.items()}
        return State(*owned, optimizer, step=numbers)

    def stage(self, batch: Arrays) -> dict[str, tf.Tensor]:
        check_batch(self.spec, batch)
        return self.place(batch)

    def place(self, batch: Arrays) -> dict[str, tf.Tensor]:
        with tf.device(self.device):
            return {name: self._input(array) for name, array in batch.items()}

    # --- questions --------------------------------------------------------------------------

    def evaluate(
        self,
        function: str,
        batch: Mapping[str, tf.Tensor],
        mode: Mode,
        decisions: Arrays | None = None,
    ) -> Evaluation:
        answer = self._question(function, mode, NONE)(batch, self._choices(decisions))
        return self._evaluation(*answer)

    def forward(self, function: str, batch: Mapping[str, tf.Tensor], mode: Mode) -> None:
        compiled = self._question(function, mode, self.primitives)
        self.outputs = compiled(batch, None)[0]

    def differentiate(
        self, update: str, batch: Mapping[str, tf.Tensor], decisions: Arrays | None = None
    ) -> Gradients:
        mode = self.updates[update].mode

        def ask(batch: Any, given: Any) -> Any:
            probe = Probe(mode) if given is None else Witness(mode, given)
            return *self.steps[update].backward(batch, probe), *_noted(probe)

        compiled = self._compiled(("differentiate", update), ask)
        terms, gradients, *noted = compiled(batch, self._choices(decisions))
        return Gradients(
            terms={name: float(term) for name, term in terms.items()},
            gradients=_arrays(gradients),
            evaluation=self._evaluation({}, *noted),
        )

    def trace(
        self, update: str, batch: Mapping[str, tf.Tensor]
    ) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
        step = self.steps[update]
        with tf.device(self.device), tf.GradientTape(watch_accessed_variables=False) as tape:
            tracer = Tracer(step.rule.mode, tape)
            terms = step.objective(self.model, batch, tracer)
            objective = tf.add_n(list(terms.values()))
        gradients = step.gradients(tape, objective, tracer.activations)
        for name in self.spec.activations:
            yield name, tracer.activations[name].numpy(), gradients[name].numpy()

    # --- steps ------------------------------------------------------------------------------

    def average(self, parts: Sequence[Gradients], examples: Sequence[int]) -> Gradients:
        def averaged(given: Iterator[Mapping[str, Any]]) -> dict[str, np.ndarray]:
            with tf.device(self.device):
                inside = [
                    {n: self._input(np.asarray(a)) for n, a in part.items()} for part in given
                ]
                return _arrays(accumulation.averaged(inside, examples))

        terms = averaged(part.terms for part in parts)
        gradients = averaged(part.by_parameters() for part in parts)
        buffers = averaged(part.evaluation.buffers for part in parts)
        means = {name: float(term) for name, term in terms.items()}
        return Gradients(means, gradients, Evaluation({}, buffers=buffers))

    def apply(self, update: str, gradients: Gradients, learning_rate: float) -> None:
        with tf.device(self.device):
            tensors = {
                name: tf.convert_to_tensor(array.astype(self.dtype))
                for name, array in gradients.by_parameters().items()
            }
        step = self.steps[update]
        compiled = self._compiled(("apply", update), step.apply)
        compiled(tensors, *self._scalars(step, learning_rate))
        step.commit(gradients.evaluation.buffers)
        step.number += 1

    def update(self, update: str, batch: Mapping[str, tf.Tensor], learning_rate: float) -> None:
        step = self.steps[update]
        compiled = self._compiled(("update", update), step.update, self.primitives)
        self.terms = compiled(batch, *self._scalars(step, learning_rate))
        step.number += 1

    def read(self) -> Mapping[str, float]:
        return {name: float(term) for name, term in self.terms.items()}

    def collect(self) -> Arrays:
        return _arrays(self.outputs)

    def synchronize(self) -> None:
        if self.device.startswith("/GPU"):
            tf.test.experimental.sync_devices()

    def close(self) -> None:
        self.parameters, self.buffers, self.steps = {}, {}, {}
        self.terms, self.outputs, self.functions = {}, {}, {}
        del self.model

    # --- inside -----------------------------------------------------------------------------

    def _question(self, function: str, mode: Mode, primitives: Primitives) -> Any:
        def ask(batch: Any, given: Any) -> Any:
            probe = Probe(mode) if given is None else Witness(mode, given)
            outputs = getattr(self.architecture, function)(self.model, batch, probe)
            return outputs, *_noted(probe)

        # The reference asks evaluate() and forward() alike: it compiles one function for both.
        key = "forward" if primitives else "evaluate", function, mode
        return self._compiled(key, ask, primitives)

    def _evaluation(self, outputs: Any, decisions: Any, margins: Any, buffers: Any) -> Evaluation:
        indices = {name: tensor.numpy().astype(np.int8) for name, tensor in decisions.items()}
        kept = _arrays({**self.buffers, **buffers})
        return Evaluation(_arrays(outputs), indices, _arrays(margins), kept)

    def _compiled(self, key: tuple[Any, ...], function: Any, primitives: Primitives = NONE) -> Any:
        """One tf.function for each question, traced with these primitives exchanged; the device
        is part of the graph."""
        if key not in self.functions:

            def placed(*arguments: Any) -> Any:
                with tf.device(self.device), exchanged(primitives):
                    return function(*arguments)

            # No branch or loop depends on a tensor: there is nothing for autograph to convert.
            self.functions[key] = tf.function(placed, autograph=False, jit_compile=False)
        return self.functions[key]

    def _scalars(self, step: Step, learning_rate: float) -> tuple[tf.Tensor, tf.Tensor]:
        return (
            tf.constant(step.number + 1, tf.float64),
            tf.constant(learning_rate, tf.float64),
        )

    def _choices(self, decisions: Arrays | None) -> dict[str, tf.Tensor] | None:
        if decisions is None:
            return None
        with tf.device(self.device):
            return {name: tf.constant(a.astype(np.int32)) for name, a in decisions.items()}

    def _input(self, array: np.ndarray) -> tf.Tensor:
        dtype = self.dtype if array.dtype.kind == "f" else "int64"
        return tf.convert_to_tensor(array.astype(dtype, copy=False))  # which copies


def _noted(probe: Probe) -> tuple[dict[str, tf.Tensor], ...]:
    """Decisions, margins, and what the buffers become."""
    if isinstance(probe, Witness):
        return probe.decisions, probe.margins, probe.buffers
    return {}, {}, probe.buffers


def _arrays(tensors: Mapping[str, Any]) -> dict[str, np.ndarray]:
    return {name: tensor.numpy().copy() for name, tensor in tensors.items()}
