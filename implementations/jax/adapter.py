"""The contract in JAX: see bench/contract.py.

Every question and every update is a jitted pure function of (parameters, slots, batch, ...). They
are compiled once for each shape of batch: step and learning rate enter as arrays.
"""

import importlib
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from bench.contract import Arrays, Config, Evaluation, Gradients, Mode, State, Update
from bench.spec import Spec, check_batch, check_state
from implementations.exchange import NONE, Primitives, exchanged
from implementations.jax import native
from implementations.jax.device import environment, prepare
from implementations.jax.probe import Probe, Tracer, Witness
from implementations.jax.staged import Staged
from implementations.jax.step import Step
from implementations.jax.techniques import accumulation, optimizers

__all__ = ["System", "build", "environment"]


def build(spec: Spec, updates: Mapping[str, Update], config: Config) -> "System":
    return System(spec, updates, config)


class System:
    def __init__(self, spec: Spec, updates: Mapping[str, Update], config: Config) -> None:
        self.spec, self.updates = spec, updates
        self.device, _ = prepare(config)
        self.dtype = config.dtype
        self.primitives = native.PRIMITIVES if config.variant == "native" else NONE
        self.architecture = importlib.import_module(spec.players("jax"))
        with jax.default_device(self.device):
            self.model = self.architecture.build(spec, config.dtype)
        leaves, self.structure = jax.tree_util.tree_flatten_with_path(self.model)
        paths = (path for path, _ in leaves)
        self.names = [jax.tree_util.keystr(p, simple=True, separator="/") for p in paths]
        self.steps = {
            key: Step(update, getattr(self.architecture, update.objective), spec, self._model)
            for key, update in updates.items()
        }
        self.parameters: list[Array] = []  # in the order of the spec, as are all lists
        self.buffers: list[Array] = []
        self.slots: dict[str, list[Array]] = {}
        self.counts: dict[str, Array] = {}  # of the steps that were made
        self.rate: tuple[float, Any] = math.nan, None  # the last one, as a number and on the device
        self.terms: dict[str, Array] = {}
        self.outputs: dict[str, Array] = {}
        self.functions: dict[tuple[Any, ...], Any] = {}
        self.reads_here = self.device.platform == jax.default_backend() == "cpu"
        # Arguments of a jitted function reach the device several times faster than by device_put.
        here = jax.sharding.SingleDeviceSharding(self.device)
        self.put = jax.jit(lambda arrays: arrays, out_shardings=here)

    # --- state ------------------------------------------------------------------------------

    def load(self, state: State) -> None:
        check_state(self.spec, self.updates, optimizers.SLOTS, state)
        self.parameters = [self._input(state.parameters[name]) for name in self.spec.parameters]
        self.buffers = [
            self._input(state.buffers.get(name, np.full(buffer.shape, buffer.initial)))
            for name, buffer in self.spec.buffers.items()
        ]
        for key, step in self.steps.items():
            given = state.optimizer.get(key, {})
            self.slots[key] = [
                self._input(given.get(slot, np.zeros(shape))) for slot, shape in step.slots.items()
            ]
            self.counts[key] = jax.device_put(np.float64(state.step.get(key, 0)), self.device)

    def export(self) -> State:
        optimizer = {
            key: _arrays(dict(zip(step.slots, self.slots[key], strict=True)))
            for key, step in self.steps.items()
        }
        counts = {key: int(count) for key, count in self.counts.items()}
        return State(_arrays(self._parameters()), _arrays(self._buffers()), optimizer, step=counts)

    def stage(self, batch: Arrays) -> Staged:
        check_batch(self.spec, batch)
        return self.place(batch)

    def place(self, batch: Arrays) -> Staged:
        arrays = {name: np.asarray(a, self._dtype_of(a)) for name, a in batch.items()}
        return Staged(arrays if self.reads_here else self.put(arrays), own=not self.reads_here)

    # --- questions --------------------------------------------------------------------------

    def evaluate(
        self,
        function: str,
        batch: Staged,
        mode: Mode,
        decisions: Arrays | None = None,
    ) -> Evaluation:
        compiled = self._question(function, mode, NONE)
        answer = compiled(self._leaves(), batch.arrays(), self._choices(decisions))
        return self._evaluation(*answer)

    def forward(self, function: str, batch: Staged, mode: Mode) -> None:
        compiled = self._question(function, mode, self.primitives)
        self.outputs = compiled(self._leaves(), batch.arrays(), None)[0]

    def differentiate(
        self, update: str, batch: Staged, decisions: Arrays | None = None
    ) -> Gradients:
        step = self.steps[update]
        mode = step.rule.mode

        def ask(leaves: Any, batch: Any, given: Any) -> Any:
            probe = Probe(mode) if given is None else Witness(mode, given)
            return step.backward(leaves, batch, probe)

        compiled = self._compiled(("differentiate", update), ask)
        terms, gradients, *told = compiled(self._leaves(), batch.arrays(), self._choices(decisions))
        return Gradients(
            terms=_numbers(terms),
            gradients=_arrays(gradients),
            evaluation=self._evaluation({}, *told),
        )

    def trace(self, update: str, batch: Staged) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
        step = self.steps[update]

        def ask(leaves: Any, batch: Any) -> Any:
            def run(zeros: Any) -> Any:
                tracer = Tracer(step.rule.mode, zeros)
                terms = step.objective(self._model(leaves), batch, tracer)
                return sum(terms.values()), tracer.activations

            shapes = jax.eval_shape(run, {})[1]
            zeros = {name: jnp.zeros(x.shape, x.dtype) for name, x in shapes.items()}
            return jax.grad(run, has_aux=True)(zeros)

        compiled = self._compiled(("trace", update), ask)
        gradients, activations = compiled(self._leaves(), batch.arrays())
        for name in self.spec.activations:
            yield name, np.array(activations[name]), np.array(gradients[name])

    # --- steps ------------------------------------------------------------------------------

    def average(self, parts: Sequence[Gradients], examples: Sequence[int]) -> Gradients:
        def averaged(given: Iterator[Mapping[str, Any]]) -> dict[str, np.ndarray]:
            tensors = [{n: self._input(np.asarray(a)) for n, a in part.items()} for part in given]
            return _arrays(accumulation.averaged(tensors, examples))

        terms = averaged(part.terms for part in parts)
        gradients = averaged(part.by_parameters() for part in parts)
        buffers = averaged(part.evaluation.buffers for part in parts)
        means = {name: float(term) for name, term in terms.items()}
        return Gradients(means, gradients, Evaluation({}, buffers=buffers))

    def apply(self, update: str, gradients: Gradients, learning_rate: float) -> None:
        arrays = {n: self._input(array) for n, array in gradients.by_parameters().items()}
        step = self._compiled(("apply", update), self.steps[update].apply)
        self.parameters, self.slots[update], self.counts[update] = step(
            self.parameters,
            self.slots[update],
            self.counts[update],
            arrays,
            self._rate(learning_rate),
        )
        buffers = gradients.evaluation.buffers
        moved = {name: self._input(array) for name, array in buffers.items()}
        self.buffers = list({**self._buffers(), **moved}.values())

    def update(self, update: str, batch: Staged, learning_rate: float) -> None:
        step = self.functions.get(("update", update)) or self._update(update)
        self.parameters, self.buffers, self.slots[update], self.counts[update], self.terms = step(
            self.parameters,
            self.buffers,
            self.slots[update],
            self.counts[update],
            batch.arrays(),
            self._rate(learning_rate),
        )

    def read(self) -> Mapping[str, float]:
        return _numbers(self.terms)

    def collect(self) -> Arrays:
        return _arrays(self.outputs)

    def synchronize(self) -> None:
        jax.block_until_ready((self.parameters, self.buffers, self.outputs))

    def close(self) -> None:
        for function in self.functions.values():
            function.clear_cache()
        self.parameters, self.buffers, self.slots, self.counts = [], [], {}, {}
        self.terms, self.outputs, self.functions = {}, {}, {}
        self.rate = math.nan, None

    # --- inside -----------------------------------------------------------------------------

    def _leaves(self) -> dict[str, Array]:
        return {**self._parameters(), **self._buffers()}

    def _parameters(self) -> dict[str, Array]:
        return dict(zip(self.spec.parameters, self.parameters, strict=True))

    def _buffers(self) -> dict[str, Array]:
        return dict(zip(self.spec.buffers, self.buffers, strict=True))

    def _model(self, leaves: Mapping[str, Array]) -> Any:
        """The pytree that the architecture built, with these leaves."""
        return jax.tree_util.tree_unflatten(self.structure, [leaves[name] for name in self.names])

    def _question(self, function: str, mode: Mode, primitives: Primitives) -> Any:
        def ask(leaves: Any, batch: Any, given: Any) -> Any:
            probe = Probe(mode) if given is None else Witness(mode, given)
            outputs = getattr(self.architecture, function)(self._model(leaves), batch, probe)
            return outputs, *Step.noted(probe)

        # The reference asks evaluate() and forward() alike: it compiles one function for both.
        key = "forward" if primitives else "evaluate", function, mode
        return self._compiled(key, ask, primitives)

    def _update(self, update: str) -> Any:
        # The state is given away: the step may write in place of it.
        whole = self.steps[update].update
        return self._compiled(("update", update), whole, self.primitives, donated=(0, 1, 2, 3))

    def _evaluation(self, outputs: Any, decisions: Any, margins: Any, buffers: Any) -> Evaluation:
        indices = {name: np.array(array).astype(np.int8) for name, array in decisions.items()}
        kept = _arrays({**self._buffers(), **buffers})
        return Evaluation(_arrays(outputs), indices, _arrays(margins), kept)

    def _compiled(
        self,
        key: tuple[Any, ...],
        function: Any,
        primitives: Primitives = NONE,
        donated: tuple[int, ...] = (),
    ) -> Any:
        """One jitted function for each question, traced with these primitives exchanged."""
        if key not in self.functions:
            traced = exchanged(primitives)(function)
            self.functions[key] = jax.jit(traced, donate_argnums=donated)
        return self.functions[key]

    def _rate(self, learning_rate: float) -> Array:
        """On the device; put there anew when it changes, which it seldom does."""
        if learning_rate != self.rate[0]:
            self.rate = learning_rate, self.put(np.float64(learning_rate))
        return self.rate[1]

    def _choices(self, decisions: Arrays | None) -> dict[str, Array] | None:
        if decisions is None:
            return None
        return {
            name: jax.device_put(array.astype(np.int64), self.device)
            for name, array in decisions.items()
        }

    def _input(self, array: np.ndarray) -> Array:
        # A copy: on a CPU JAX would go on reading the caller's array.
        return jax.device_put(array.astype(self._dtype_of(array), copy=True), self.device)

    def _dtype_of(self, array: np.ndarray) -> str:
        return self.dtype if array.dtype.kind == "f" else "int64"


def _arrays(arrays: Mapping[str, Array]) -> dict[str, np.ndarray]:
    return {name: np.array(array) for name, array in arrays.items()}


def _numbers(terms: Mapping[str, Array]) -> dict[str, float]:
    """By item(): float() takes JAX ten times as long."""
    return {name: term.item() for name, term in terms.items()}
