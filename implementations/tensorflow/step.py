"""The training step of one update: forward, backward and the rule, in one object.

Its methods are what the adapter traces: step and learning rate enter as tensors.
"""

from collections.abc import Callable, Mapping
from typing import Any

import tensorflow as tf

from bench.contract import Update
from implementations.tensorflow.probe import Probe
from implementations.tensorflow.techniques import optimizers, weight_decay

Tensors = Mapping[str, tf.Tensor]
Variables = Mapping[str, tf.Variable]
Objective = Callable[[Any, Tensors, Probe], dict[str, tf.Tensor]]


class Step:
    """What an update moves, what its rule remembers (`slots`, by parameter), and the number of the
    steps that it made.

    parameters, buffers: all of the net.
    """

    def __init__(
        self,
        rule: Update,
        objective: Objective,
        model: Any,
        parameters: Variables,
        buffers: Variables,
    ) -> None:
        self.rule, self.objective, self.model = rule, objective, model
        self.parameters, self.buffers = parameters, buffers
        self.moved = {name: p for name, p in parameters.items() if rule.selects(name)}
        self.inputs = rule.inputs()
        names = optimizers.SLOTS[rule.optimizer.name]
        self.slots = {
            name: {slot: tf.Variable(tf.zeros_like(p)) for slot in names}
            for name, p in self.moved.items()
        }
        self.number = 0
        self.optimizer = getattr(optimizers, rule.optimizer.name)

    def update(self, batch: Tensors, step: tf.Tensor, rate: tf.Tensor) -> dict[str, tf.Tensor]:
        """The whole step; the terms of the objective before it."""
        probe = Probe(self.rule.mode)
        terms, gradients = self.backward(batch, probe)
        self.apply(gradients, step, rate)
        self.commit(probe.buffers)
        return terms

    def backward(
        self, batch: Tensors, probe: Probe
    ) -> tuple[dict[str, tf.Tensor], dict[str, tf.Tensor]]:
        """Terms, and gradients by the name of a parameter or "input:<entry>"."""
        wanted: dict[str, Any] = {**self.moved}
        wanted |= {f"input:{name}": batch[name] for name in self.inputs}
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(list(wanted.values()))
            terms = self.objective(self.model, batch, probe)
            objective = tf.add_n(list(terms.values()))
        return terms, self.gradients(tape, objective, wanted)

    def apply(self, gradients: Tensors, step: tf.Tensor, rate: tf.Tensor) -> None:
        """Clip and decay if the rule says so, and step the optimizer, one parameter at a time."""
        rule = self.rule
        own = {name: g for name, g in gradients.items() if name in self.parameters}
        if rule.clip_global_norm is not None and own:
            own = optimizers.clip_by_global_norm(own, rule.clip_global_norm)
        if rule.weight_decay is not None:
            own = weight_decay.decayed(own, self.parameters, rule.weight_decay)
        constants = rule.optimizer.constants
        for name, gradient in own.items():
            self.optimizer(
                self.parameters[name], gradient, self.slots[name], step, rate, **constants
            )

    def commit(self, buffers: Mapping[str, Any]) -> None:
        """Take what some buffers became."""
        for name, value in buffers.items():
            self.buffers[name].assign(tf.cast(value, self.buffers[name].dtype))

    @staticmethod
    def gradients(tape: tf.GradientTape, objective: tf.Tensor, wanted: Mapping[str, Any]) -> Any:
        """By what is wanted; zero where the objective does not depend on it."""
        zero = tf.UnconnectedGradients.ZERO
        return tape.gradient(objective, dict(wanted), unconnected_gradients=zero)
