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

import numpy as np
import tensorflow as tf

from bench.contract import TRAINING, Arrays
from bench.conventions import ADAM_BETA1, ADAM_BETA2, ADAM_EPSILON
from bench.spec import Spec
from implementations.tensorflow.model import named_variables
from implementations.tensorflow.probe import Probe
from implementations.tensorflow.techniques import optimizers


class Training:
    """A net that is being trained, and what Adam remembers."""

    def __init__(self, spec: Spec, weights: Arrays) -> None:
        self.architecture = importlib.import_module(spec.players("tensorflow"))
        self.model = self.architecture.build(spec, "float32")
        variables = dict(named_variables(self.model))
        self.parameters = {name: variables[name] for name in spec.parameters}
        self.buffers = {name: variables[name] for name in spec.buffers}
        self.steps = 0
        for name, buffer in spec.buffers.items():
            self.buffers[name].assign(tf.fill(buffer.shape, buffer.initial))
        for name, parameter in self.parameters.items():
            parameter.assign(weights[name].astype("float32"))
        self.slots = {
            name: {slot: tf.Variable(tf.zeros_like(p)) for slot in optimizers.SLOTS["adam"]}
            for name, p in self.parameters.items()
        }
        self._stepped = tf.function(self._step, autograph=False)

    def fit(
        self, x: np.ndarray, y: np.ndarray, order: Iterable[np.ndarray], learning_rate: float
    ) -> list[float]:
        """A step a batch; the loss of each, before its step."""
        losses = []
        for chosen in order:
            batch = {"x": tf.constant(x[chosen]), "y": tf.constant(y[chosen])}
            losses.append(float(self.step(batch, learning_rate)))
        return losses

    def step(self, batch: Mapping[str, tf.Tensor], learning_rate: float) -> tf.Tensor:
        """Forward, backward, Adam."""
        self.steps += 1
        scalars = (tf.constant(number, tf.float64) for number in (self.steps, learning_rate))
        return self._stepped(batch, *scalars)

    def weights(self) -> dict[str, np.ndarray]:
        """By canonical name, in canonical layout."""
        return {name: parameter.numpy().copy() for name, parameter in self.parameters.items()}

    def _step(
        self, batch: Mapping[str, tf.Tensor], number: tf.Tensor, rate: tf.Tensor
    ) -> tf.Tensor:
        probe = Probe(TRAINING)
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(list(self.parameters.values()))
            loss = self.architecture.cross_entropy(self.model, batch, probe)["cross_entropy"]
        gradients: Any = tape.gradient(loss, self.parameters)
        for name, parameter in self.parameters.items():
            optimizers.adam(
                parameter,
                gradients[name],
                self.slots[name],
                number,
                rate,
                ADAM_BETA1,
                ADAM_BETA2,
                ADAM_EPSILON,
            )
        for name, value in probe.buffers.items():
            self.buffers[name].assign(value)
        return loss
