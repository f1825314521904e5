"""The contract in JAX: see bench/contract.py.

Every question and every update is a jitted pure function of (parameters, slots, batch, ...). They
are compiled once for each shape of batch: step and learning rate enter as arrays.
"""

import functools
import importlib
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
from implementations.jax.memory import aligned
from implementations.jax.probe import Probe, Tracer, Witness
from implementations.jax.techniques import accumulation, optimizers, weight_decay

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
        self.parameters: dict[str, Array] = {}
        self.buffers: dict[str, Array] = {}
        self.slots: dict[str, dict[str, Array]] = {}  # by "<parameter>/<slot>"
        self.moved = {
            key: tuple(filter(update.selects, spec.parameters)) for key, update in updates.items()
        }
        self.still = {
            key: tuple(name for name in spec.parameters if name not in moved)
            for key, moved in self.moved.items()
        }
        self.step: dict[str, int] = {}
        self.terms: dict[str, Array] = {}
        self.outputs: dict[str, Array] = {}
        self.functions: dict[tuple[Any, ...], Any] = {}
        self.reads_here = self.device.platform == jax.default_backend() == "cpu"
        # Arguments of a jitted function reach the device several times faster than by device_put.
        here = jax.sharding.SingleDeviceSharding(self.device)
        self.put = jax.jit(lambda batch: batch, out_shardings=here)

    # --- state ------------------------------------------------------------------------------

    def load(self, state: State) -> None:
        check_state(self.spec, self.updates, optimizers.SLOTS, state)
        self.parameters = {n: self._input(state.parameters[n]) for n in self.spec.parameters}
        self.buffers = {
            name: self._input(state.buffers.get(name, np.full(buffer.shape, buffer.initial)))
            for name, buffer in self.spec.buffers.items()
        }
        shapes = self.spec.shapes()
        for key, update in self.updates.items():
            self.step[key] = state.step.get(key, 0)
            given = state.optimizer.get(key, {})
            self.slots[key] = {
                f"{name}/{slot}": self._input(given.get(f"{name}/{slot}", np.zeros(shapes[name])))
                for name in self.moved[key]
                for slot in optimizers.SLOTS[update.optimizer.name]
            }

    def export(self) -> State:
        optimizer = {key: _arrays(slots) for key, slots in self.slots.items()}
        parameters = {name: np.array(self.parameters[name]) for name in self.spec.parameters}
        return State(parameters, _arrays(self.buffers), optimizer, step=dict(self.step))

    def stage(self, batch: Arrays) -> dict[str, Any]:
        check_batch(self.spec, batch)
        return self.place(batch)

    def place(self, batch: Arrays) -> dict[str, Any]:
        arrays = {name: np.asarray(a, self._dtype_of(a)) for name, a in batch.items()}
        if not self.reads_here:
            return self.put(arrays)
        # On a processor a compiled function reads such arrays where they lie, which is faster than
        # to make them JAX's own first.
        return {name: aligned(array) for name, array in arrays.items()}

    # --- questions --------------------------------------------------------------------------

    def evaluate(
        self,
        function: str,
        batch: Mapping[str, Array],
        mode: Mode,
        decisions: Arrays | None = None,
    ) -> Evaluation:
        compiled = self._question(function, mode, NONE)
        answer = compiled(self._leaves(), batch, self._choices(decisions))
        return self._evaluation(*answer)

    def forward(self, function: str, batch: Mapping[str, Array], mode: Mode) -> None:
        compiled = self._question(function, mode, self.primitives)
        self.outputs = compiled(self._leaves(), batch, None)[0]

    def differentiate(
        self, update: str, batch: Mapping[str, Array], decisions: Arrays | None = None
    ) -> Gradients:
        mode = self.updates[update].mode

        def ask(leaves: Any, batch: Any, given: Any) -> Any:
            probe = Probe(mode) if given is None else Witness(mode, given)
            return self._backward(update, leaves, batch, probe)

        compiled = self._compiled(("differentiate", update), ask)
        terms, gradients, *noted = compiled(self._leaves(), batch, self._choices(decisions))
        return Gradients(
            terms={name: float(term) for name, term in terms.items()},
            gradients=_arrays(gradients),
            evaluation=self._evaluation({}, *noted),
        )

    def trace(
        self, update: str, batch: Mapping[str, Array]
    ) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
        rule = self.updates[update]
        objective = getattr(self.architecture, rule.objective)

        def ask(leaves: Any, batch: Any) -> Any:
            def run(zeros: Any) -> Any:
                tracer = Tracer(rule.mode, zeros)
                terms = objective(self._model(leaves), batch, tracer)
                return sum(terms.values()), tracer.activations

            shapes = jax.eval_shape(run, {})[1]
            zeros = {name: jnp.zeros(x.shape, x.dtype) for name, x in shapes.items()}
            return jax.grad(run, has_aux=True)(zeros)

        compiled = self._compiled(("trace", update), ask)
        gradients, activations = compiled(self._leaves(), batch)
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
        step = self._compiled(("apply", update), functools.partial(self._step, update))
        parameters = {name: self.parameters[name] for name in self.moved[update]}
        scalars = self._scalars(update, learning_rate)
        moved, slots = step(parameters, self.slots[update], arrays, *scalars)
        self.parameters.update(moved)
        self.slots[update].update(slots)
        self.buffers.update({n: self._input(a) for n, a in gradients.evaluation.buffers.items()})
        self.step[update] += 1

    def update(self, update: str, batch: Mapping[str, Any], learning_rate: float) -> None:
        compiled = self.functions.get(("update", update)) or self._whole(update)
        names, parameters, slots = self.moved[update], self.parameters, self.slots[update]
        still = {name: parameters[name] for name in self.still[update]} | self.buffers
        scalars = self._scalars(update, learning_rate)
        moved, remembered, buffers, self.terms = compiled(
            [parameters[name] for name in names], list(slots.values()), still, batch, *scalars
        )
        parameters.update(zip(names, moved, strict=True))
        slots.update(zip(slots, remembered, strict=True))
        self.buffers.update(buffers)
        self.step[update] += 1

    def read(self) -> Mapping[str, float]:
        return {name: float(term) for name, term in self.terms.items()}

    def collect(self) -> Arrays:
        return _arrays(self.outputs)

    def synchronize(self) -> None:
        jax.block_until_ready((self.parameters, self.buffers, self.outputs))

    def close(self) -> None:
        for function in self.functions.values():
            function.clear_cache()
        self.parameters, self.buffers, self.slots = {}, {}, {}
        self.terms, self.outputs, self.functions = {}, {}, {}

    # --- inside -----------------------------------------------------------------------------

    def _leaves(self) -> dict[str, Array]:
        return {**self.parameters, **self.buffers}

    def _model(self, leaves: Mapping[str, Array]) -> Any:
        """The pytree that the architecture built, with these leaves."""
        return jax.tree_util.tree_unflatten(self.structure, [leaves[name] for name in self.names])

    def _question(self, function: str, mode: Mode, primitives: Primitives) -> Any:
        def ask(leaves: Any, batch: Any, given: Any) -> Any:
            probe = Probe(mode) if given is None else Witness(mode, given)
            outputs = getattr(self.architecture, function)(self._model(leaves), batch, probe)
            return outputs, *_noted(probe)

        # The reference asks evaluate() and forward() alike: it compiles one function for both.
        key = "forward" if primitives else "evaluate", function, mode
        return self._compiled(key, ask, primitives)

    def _backward(self, update: str, leaves: Any, batch: Any, probe: Probe) -> Any:
        rule = self.updates[update]
        wanted = {name: leaves[name] for name in filter(rule.selects, self.spec.parameters)}
        wanted |= {f"input:{name}": batch[name] for name in rule.inputs()}

        def objective(wanted: Any) -> Any:
            inputs = {name: wanted[f"input:{name}"] for name in rule.inputs()}
            model = self._model({**leaves, **wanted})
            terms = getattr(self.architecture, rule.objective)(model, {**batch, **inputs}, probe)
            return sum(terms.values()), (terms, *_noted(probe))

        gradients, (terms, *noted) = jax.grad(objective, has_aux=True)(wanted)
        return terms, gradients, *noted

    def _step(
        self, update: str, parameters: Any, slots: Any, gradients: Any, step: Array, rate: Array
    ) -> tuple[dict[str, Array], dict[str, Array]]:
        rule = self.updates[update]
        own = {name: gradients[name] for name in parameters}
        if rule.clip_global_norm is not None:
            own = optimizers.clip_by_global_norm(own, rule.clip_global_norm)
        if rule.weight_decay is not None:
            own = weight_decay.decayed(own, parameters, rule.weight_decay)
        apply = getattr(optimizers, rule.optimizer.name)
        constants, names = rule.optimizer.constants, optimizers.SLOTS[rule.optimizer.name]
        moved, remembered = {}, {}
        for name, parameter in parameters.items():
            former = {slot: slots[f"{name}/{slot}"] for slot in names}
            moved[name], kept = apply(parameter, own[name], former, step, rate, **constants)
            remembered |= {f"{name}/{slot}": array for slot, array in kept.items()}
        return moved, remembered

    def _whole(self, update: str) -> Any:
        """What update() calls. The state goes in and out as lists: the entries of a dictionary
        would be sorted by name at every call."""
        mode, names, slots = self.updates[update].mode, self.moved[update], [*self.slots[update]]

        def whole(
            moved: Any, remembered: Any, still: Any, batch: Any, step: Array, rate: Array
        ) -> Any:
            probe = Probe(mode)
            moved = dict(zip(names, moved, strict=True))
            remembered = dict(zip(slots, remembered, strict=True))
            terms, gradients, *_, buffers = self._backward(update, {**still, **moved}, batch, probe)
            moved, remembered = self._step(update, moved, remembered, gradients, step, rate)
            lists = [moved[name] for name in names], [remembered[name] for name in slots]
            return *lists, buffers, terms

        # What is moved is given away: the step may write in place of it.
        return self._compiled(("update", update), whole, self.primitives, donated=(0, 1))

    def _evaluation(self, outputs: Any, decisions: Any, margins: Any, buffers: Any) -> Evaluation:
        indices = {name: np.array(array).astype(np.int8) for name, array in decisions.items()}
        kept = _arrays({**self.buffers, **buffers})
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

    def _scalars(self, update: str, learning_rate: float) -> tuple[np.float64, np.float64]:
        """As numbers: the compiled step puts them on its device faster than one by one."""
        return np.float64(self.step[update] + 1), np.float64(learning_rate)

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


def _noted(probe: Probe) -> tuple[dict[str, Array], ...]:
    """Decisions, margins, and what the buffers become."""
    if isinstance(probe, Witness):
        return probe.decisions, probe.margins, probe.buffers
    return {}, {}, probe.buffers


def _arrays(arrays: Mapping[str, Array]) -> dict[str, np.ndarray]:
    return {name: np.array(array) for name, array in arrays.items()}
