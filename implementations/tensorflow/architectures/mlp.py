"""The multilayer perceptron in TensorFlow. Equations and shapes: bench/specs/mlp.py."""

from collections.abc import Mapping

import keras
import tensorflow as tf

from bench.spec import Spec
from implementations.tensorflow import layers
from implementations.tensorflow.probe import Probe
from implementations.tensorflow.techniques import activations, dropout


class MLP(keras.Model):
    def __init__(self, spec: Spec, dtype: str) -> None:
        super().__init__(name="mlp", dtype=dtype)
        shapes, options = spec.shapes(), spec.options
        self.depth, self.activation = options["layers"], options["activation"]
        self.norm, self.form, self.keep = options["norm"], options["dropout"], options["keep"]
        for number in range(1, self.depth + 1):
            name = f"fc{number}"
            shape, bias = shapes[f"{name}/weight"], f"{name}/bias" in shapes
            setattr(self, name, layers.Dense(shape, name, dtype, bias))
            if self.norm and number < self.depth:
                name = f"bn{number}"
                setattr(self, name, layers.BatchNorm(shape[1], self.norm, name, dtype))

    def call(self, batch: Mapping[str, tf.Tensor], probe: Probe) -> tf.Tensor:
        activation = getattr(activations, self.activation)
        x = self._dropped("input", layers.flatten(batch["x"]), batch, probe)
        for number in range(1, self.depth):
            x = probe.record(f"fc{number}", getattr(self, f"fc{number}")(x))
            if self.norm:
                x = getattr(self, f"bn{number}")(x, name=f"bn{number}", probe=probe)
            x = probe.record(f"{self.activation}{number}", activation(x))
            x = self._dropped(f"fc{number}", x, batch, probe)
        return probe.record("logits", getattr(self, f"fc{self.depth}")(x))

    def _dropped(
        self, name: str, x: tf.Tensor, batch: Mapping[str, tf.Tensor], probe: Probe
    ) -> tf.Tensor:
        """Dropout of a layer's outputs, where the spec asks for it."""
        keep = self.keep.get(name)
        if keep is None:
            return x
        mask = batch.get(f"dropout/{name}")
        return dropout.dropout(x, mask, keep, self.form, probe.mode.dropout)


def build(spec: Spec, dtype: str) -> MLP:
    return MLP(spec, dtype)


def logits(model: MLP, batch: Mapping[str, tf.Tensor], probe: Probe) -> dict[str, tf.Tensor]:
    return {"logits": model(batch, probe=probe)}


def cross_entropy(model: MLP, batch: Mapping[str, tf.Tensor], probe: Probe) -> dict[str, tf.Tensor]:
    scores = model(batch, probe=probe)
    return {"cross_entropy": layers.softmax_cross_entropy(scores, batch["y"])}
