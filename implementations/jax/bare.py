"""A training loop over this folder's nets, without adapter and contract: to be copied.

    spec = lenet.spec()
    training = Training(spec, weights.initial(spec, seed=0).parameters)
    for epoch in range(3):
        losses = training.fit(x, y, batch_order(0, epoch, len(y), 64), learning_rate=1e-3)
    learned = training.weights()

x (examples, height, width, channels) float32, y (examples,) int64, both in NumPy; an order is an
array of indices, a row a batch. The loss is the mean cross-entropy, the update rule Adam. It is
also what the suite's own loop is measured against (bench/timing/overhead.py).
"""

import importlib
from collections.abc import Iterable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from bench.contract import TRAINING, Arrays
from bench.conventions import ADAM_BETA1, ADAM_BETA2, ADAM_EPSILON
from bench.spec import Spec
from implementations.jax.probe import Probe
from implementations.jax.techniques import optimizers


class Training:
    """A net that is being trained, and what Adam remembers."""

    def __init__(self, spec: Spec, weights: Arrays) -> None:
        self.architecture = importlib.import_module(spec.players("jax"))
        paths, self.structure = jax.tree_util.tree_flatten_with_path(
            self.architecture.build(spec, "float32")
        )
        self.names = [jax.tree_util.keystr(p, simple=True, separator="/") for p, _ in paths]
        self.steps = 0
        self.parameters = {name: jnp.array(weights[name], "float32") for name in spec.parameters}
        self.buffers = {n: jnp.full(b.shape, b.initial, "float32") for n, b in spec.buffers.items()}
        self.slots = {
            name: {slot: jnp.zeros_like(p) for slot in optimizers.SLOTS["adam"]}
            for name, p in self.parameters.items()
        }
        # What is moved is given away: the step may write in place of it.
        self._stepped = jax.jit(self._step, donate_argnums=(0, 1, 2))

    def fit(
        self, x: np.ndarray, y: np.ndarray, order: Iterable[np.ndarray], learning_rate: float
    ) -> list[float]:
        """A step a batch; the loss of each, before its step."""
        losses = []
        for chosen in order:
            batch = {"x": x[chosen], "y": y[chosen]}
            losses.append(float(self.step(batch, learning_rate)))
        return losses

    def step(self, batch: Mapping[str, np.ndarray], learning_rate: float) -> Array:
        """Forward, backward, Adam."""
        self.steps += 1
        self.parameters, self.slots, self.buffers, loss = self._stepped(
            self.parameters,
            self.slots,
            self.buffers,
            batch,
            np.float64(self.steps),
            np.float64(learning_rate),
        )
        return loss

    def weights(self) -> dict[str, np.ndarray]:
        """By canonical name, in canonical layout."""
        return {name: np.array(parameter) for name, parameter in self.parameters.items()}

    def _step(
        self, parameters: Any, slots: Any, buffers: Any, batch: Any, number: Array, rate: Array
    ) -> tuple[Any, Any, Any, Array]:
        def objective(parameters: Any) -> tuple[Array, Any]:
            probe, leaves = Probe(TRAINING), {**parameters, **buffers}
            model = self.structure.unflatten([leaves[name] for name in self.names])
            terms = self.architecture.cross_entropy(model, batch, probe)
            return terms["cross_entropy"], probe.buffers

        (loss, moved), gradients = jax.value_and_grad(objective, has_aux=True)(parameters)
        stepped = {
            name: optimizers.adam(
                parameters[name],
                gradients[name],
                slots[name],
                number,
                rate,
                ADAM_BETA1,
                ADAM_BETA2,
                ADAM_EPSILON,
            )
            for name in parameters
        }
        parameters = {name: entry[0] for name, entry in stepped.items()}
        slots = {name: entry[1] for name, entry in stepped.items()}
        return parameters, slots, moved, loss
