"""JAX as its user writes it: flax.linen, optax.adam, a jitted step that gives its state away."""

import functools
from collections.abc import Sequence
from typing import Any

import jax
import numpy as np
import optax

from bench.contract import Arrays, Config, Update, check_names
from bench.spec import Spec
from implementations.jax.device import prepare
from implementations.library import RATE, check, check_batches
from implementations.library.nets import jax as nets

FORMS = ("flax",)


def build(spec: Spec, update: Update, config: Config, form: str, rate: float = RATE) -> "Loop":
    """Raises UserError for a net, an update or a form that it does not take."""
    check("flax", nets.ARCHITECTURES, FORMS, spec, update, form)
    return Loop(spec, update, config, rate)


class Loop:
    def __init__(self, spec: Spec, update: Update, config: Config, rate: float) -> None:
        self.spec, self.dtype = spec, config.dtype
        self.device, _ = prepare(config)
        # Float32 means float32: on a GPU the default would keep 10 bits of the mantissa (TF32).
        jax.config.update("jax_default_matmul_precision", "highest")
        net = nets.build(spec, config.dtype)
        constants = update.optimizer.constants
        self.optimizer = optax.adam(
            rate, constants["beta1"], constants["beta2"], constants["epsilon"]
        )

        # State that is given away is written over in place, as JAX's documentation advises.
        @functools.partial(jax.jit, donate_argnums=0)
        def step(state: Any, x: Any, y: Any) -> Any:
            learned, statistics, optimizer_state = state

            def objective(learned: Any) -> Any:
                variables = {"params": learned, "batch_stats": statistics}
                logits, changed = net.apply(variables, x, training=True, mutable=["batch_stats"])
                losses = optax.softmax_cross_entropy_with_integer_labels(logits, y)
                return losses.mean(), changed.get("batch_stats", {})

            (loss, statistics), gradients = jax.value_and_grad(objective, has_aux=True)(learned)
            updates, optimizer_state = self.optimizer.update(gradients, optimizer_state, learned)
            return (optax.apply_updates(learned, updates), statistics, optimizer_state), loss

        self.step: Any = step
        self.state: Any = None
        self.batches: list[tuple[Any, Any]] = []
        self.done = 0

    def load(self, parameters: Arrays) -> None:
        check_names("parameters", self.spec.shapes(), parameters)
        buffers = {name: np.full(b.shape, b.initial) for name, b in self.spec.buffers.items()}
        learned = self._nested(parameters, nets.PARAMETERS)
        statistics = self._nested(buffers, nets.STATISTICS)
        with jax.default_device(self.device):
            self.state = learned, statistics, self.optimizer.init(learned)
        self.done = 0

    def stage(self, batches: Sequence[Arrays]) -> None:
        check_batches(self.spec, batches)
        self.batches = [
            (self._put(batch["x"], self.dtype), self._put(batch["y"], "int32")) for batch in batches
        ]
        self.done = 0

    def steps(self, count: int) -> None:
        for _ in range(count):
            self.state, _ = self.step(self.state, *self.batches[self.done % len(self.batches)])
            self.done += 1

    def synchronize(self) -> None:
        jax.block_until_ready(self.state)

    def found(self) -> dict[str, np.ndarray]:
        learned = self.state[0]
        return {name: nets.named(learned, name, nets.PARAMETERS) for name in self.spec.parameters}

    def close(self) -> None:
        self.step.clear_cache()
        self.state, self.batches = None, []

    def _nested(self, arrays: Arrays, words: Any) -> dict[str, Any]:
        put = {name: self._put(array, self.dtype) for name, array in arrays.items()}
        return nets.nested(put, words)

    def _put(self, array: np.ndarray, dtype: str) -> Any:
        # A copy: on a CPU JAX would go on reading the caller's array.
        return jax.device_put(array.astype(dtype, copy=True), self.device)
