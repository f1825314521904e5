"""A convolutional net of blocks in TensorFlow. Equations and shapes: bench/specs/convnet.py."""

from collections.abc import Mapping
from typing import Any

import keras
import tensorflow as tf

from bench.spec import Spec
from implementations.tensorflow import layers
from implementations.tensorflow.probe import Probe
from implementations.tensorflow.techniques import activations


class ConvNet(keras.Model):
    def __init__(self, spec: Spec, dtype: str) -> None:
        super().__init__(name="convnet", dtype=dtype)
        shapes, options = spec.shapes(), spec.options
        self.blocks, self.depth = options["blocks"], options["dense"]
        self.activation, self.norm = options["activation"], options["norm"]
        for number, block in enumerate(self.blocks, start=1):
            name = f"conv{number}"
            shape, bias = shapes[f"{name}/weight"], f"{name}/bias" in shapes
            conv = layers.Convolution(shape, block.stride, block.padding, name, dtype, bias)
            setattr(self, name, conv)
            if self.norm:
                name = f"bn{number}"
                setattr(self, name, layers.BatchNorm(block.filters, self.norm, name, dtype))
        for number in range(1, self.depth + 1):
            name = f"fc{number}"
            setattr(self, name, layers.Dense(shapes[f"{name}/weight"], name, dtype))

    def call(self, x: tf.Tensor, probe: Probe) -> tf.Tensor:
        activation = getattr(activations, self.activation)
        for number, block in enumerate(self.blocks, start=1):
            x = probe.record(f"conv{number}", getattr(self, f"conv{number}")(x))
            if self.norm:
                x = getattr(self, f"bn{number}")(x, name=f"bn{number}", probe=probe)
            x = probe.record(f"{self.activation}{number}", activation(x))
            x = self._pooled(f"pool{number}", x, block, probe)
        x = layers.flatten(x)
        for number in range(1, self.depth):
            x = probe.record(f"fc{number}", getattr(self, f"fc{number}")(x))
            x = probe.record(f"{self.activation}{len(self.blocks) + number}", activation(x))
        return probe.record("logits", getattr(self, f"fc{self.depth}")(x))

    def _pooled(self, name: str, x: tf.Tensor, block: Any, probe: Probe) -> tf.Tensor:
        """Windows of window x window that do not overlap."""
        if block.pooling == "none":
            return x
        if block.pooling == "average":
            return probe.record(name, layers.average_pool(x, block.window, block.window))
        choice = probe.choose(name, x, block.window, block.window)
        return probe.record(name, layers.max_pool(x, block.window, block.window, choice))


def build(spec: Spec, dtype: str) -> ConvNet:
    return ConvNet(spec, dtype)


def logits(model: ConvNet, batch: Mapping[str, tf.Tensor], probe: Probe) -> dict[str, tf.Tensor]:
    return {"logits": model(batch["x"], probe=probe)}


def cross_entropy(
    model: ConvNet, batch: Mapping[str, tf.Tensor], probe: Probe
) -> dict[str, tf.Tensor]:
    scores = model(batch["x"], probe=probe)
    return {"cross_entropy": layers.softmax_cross_entropy(scores, batch["y"])}
