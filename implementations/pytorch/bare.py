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

import numpy as np
import torch
from torch import Tensor

from bench.contract import TRAINING, Arrays
from bench.conventions import ADAM_BETA1, ADAM_BETA2, ADAM_EPSILON
from bench.spec import Spec
from implementations.pytorch.probe import Probe
from implementations.pytorch.techniques import optimizers

# Canonical layout -> PyTorch's, and back.
AXES = {"convolution": (3, 2, 0, 1), "dense": (1, 0), "vector": (0,)}
BACK = {"convolution": (2, 3, 1, 0), "dense": (1, 0), "vector": (0,)}


class Training:
    """A net that is being trained, and what Adam remembers."""

    def __init__(self, spec: Spec, weights: Arrays) -> None:
        self.architecture = importlib.import_module(spec.players("pytorch"))
        self.model = self.architecture.build(spec, "float32")
        self.layouts = {name: p.layout for name, p in spec.parameters.items()}
        named = {name.replace(".", "/"): p for name, p in self.model.named_parameters()}
        self.parameters: dict[str, Tensor] = {name: named[name] for name in spec.parameters}
        self.buffers = {name.replace(".", "/"): b for name, b in self.model.named_buffers()}
        self.steps = 0
        for name, buffer in spec.buffers.items():
            self.buffers[name].fill_(buffer.initial)
        for name, parameter in self.parameters.items():
            array = weights[name].transpose(AXES[self.layouts[name]]).astype("float32")
            parameter.data = torch.from_numpy(array).contiguous()
        self.slots = {
            name: {slot: torch.zeros_like(p) for slot in optimizers.SLOTS["adam"]}
            for name, p in self.parameters.items()
        }

    def fit(
        self, x: np.ndarray, y: np.ndarray, order: Iterable[np.ndarray], learning_rate: float
    ) -> list[float]:
        """A step a batch; the loss of each, before its step."""
        losses = []
        for chosen in order:
            images = torch.from_numpy(x[chosen]).permute(0, 3, 1, 2).contiguous()
            batch = {"x": images, "y": torch.from_numpy(y[chosen])}
            losses.append(self.step(batch, learning_rate).item())
        return losses

    def step(self, batch: Mapping[str, Tensor], learning_rate: float) -> Tensor:
        """Forward, backward, Adam."""
        probe = Probe(TRAINING)
        loss = self.architecture.cross_entropy(self.model, batch, probe)["cross_entropy"]
        gradients = torch.autograd.grad(loss, list(self.parameters.values()))
        self.steps += 1
        for (name, parameter), gradient in zip(self.parameters.items(), gradients, strict=True):
            optimizers.adam(
                parameter,
                gradient,
                self.slots[name],
                self.steps,
                learning_rate,
                ADAM_BETA1,
                ADAM_BETA2,
                ADAM_EPSILON,
            )
        for name, value in probe.buffers.items():
            self.buffers[name].copy_(value)
        return loss

    def weights(self) -> dict[str, np.ndarray]:
        """By canonical name, in canonical layout."""
        return {
            name: parameter.detach().numpy().transpose(BACK[self.layouts[name]]).copy()
            for name, parameter in self.parameters.items()
        }
