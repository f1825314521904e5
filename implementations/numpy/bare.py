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

from bench.contract import TRAINING, Arrays
from bench.conventions import ADAM_BETA1, ADAM_BETA2, ADAM_EPSILON
from bench.spec import Spec
from implementations.numpy.model import leaves, replaced
from implementations.numpy.probe import Probe
from implementations.numpy.tape import Node, Tape, Workspace
from implementations.numpy.techniques import optimizers


class Training:
    """A net that is being trained, and what Adam remembers."""

    def __init__(self, spec: Spec, weights: Arrays) -> None:
        self.architecture = importlib.import_module(spec.players("numpy"))
        self.model = self.architecture.build(spec, "float32")
        arrays: dict[str, np.ndarray] = dict(leaves(self.model))
        self.parameters = {name: arrays[name] for name in spec.parameters}
        self.buffers = {name: arrays[name] for name in spec.buffers}
        self.workspace = Workspace()
        self.steps = 0
        for name, buffer in spec.buffers.items():
            self.buffers[name].fill(buffer.initial)
        for name, parameter in self.parameters.items():
            parameter[...] = weights[name]
        self.slots = {
            name: {slot: np.zeros_like(p) for slot in optimizers.SLOTS["adam"]}
            for name, p in self.parameters.items()
        }

    def fit(
        self, x: np.ndarray, y: np.ndarray, order: Iterable[np.ndarray], learning_rate: float
    ) -> list[float]:
        """A step a batch; the loss of each, before its step."""
        losses = []
        for chosen in order:
            batch = {"x": x[chosen], "y": y[chosen]}
            losses.append(float(self.step(batch, learning_rate)))
        return losses

    def step(self, batch: Mapping[str, np.ndarray], learning_rate: float) -> np.ndarray:
        """Forward, backward, Adam."""
        self.workspace.reclaim()
        tape, probe = Tape(self.workspace), Probe(TRAINING)

        def on_tape(name: str, array: np.ndarray) -> Any:
            return Node(array, tape, wanted=True) if name in self.parameters else array

        model = replaced(self.model, on_tape)
        inputs = {name: Node(array, tape) for name, array in batch.items()}
        loss = self.architecture.cross_entropy(model, inputs, probe)["cross_entropy"]
        tape.backward([loss])
        nodes: dict[str, Any] = dict(leaves(model))
        self.steps += 1
        for name, parameter in self.parameters.items():
            optimizers.adam(
                parameter,
                nodes[name].gradient,
                self.slots[name],
                self.steps,
                learning_rate,
                ADAM_BETA1,
                ADAM_BETA2,
                ADAM_EPSILON,
            )
        for name, value in probe.buffers.items():
            self.buffers[name][...] = value
        return loss.value

    def weights(self) -> dict[str, np.ndarray]:
        """By canonical name, in canonical layout."""
        return {name: parameter.copy() for name, parameter in self.parameters.items()}
