"""The multilayer perceptron in TensorFlow. Equations and shapes: bench/specs/mlp.py."""

from collections.abc import Mapping

import keras
import tensorflow as tf

from bench.spec import Spec
from implementations.tensorflow import layers
from implementations.tensorflow.probe import Probe


class MLP(keras.Model):
    def __init__(self, spec: Spec, dtype: str) -> None:
        super().__init__(name="mlp", dtype=dtype)
        shapes = spec.shapes()
        self.fc1 = layers.Dense(shapes["fc1/weight"], "fc1", dtype)
        self.fc2 = layers.Dense(shapes["fc2/weight"], "fc2", dtype)
        self.fc3 = layers.Dense(shapes["fc3/weight"], "fc3", dtype)

    def call(self, x: tf.Tensor, probe: Probe) -> tf.Tensor:
        x = probe.record("fc1", self.fc1(layers.flatten(x)))
        x = probe.record("relu1", layers.relu(x))
        x = probe.record("fc2", self.fc2(x))
        x = probe.record("relu2", layers.relu(x))
        return probe.record("logits", self.fc3(x))


def build(spec: Spec, dtype: str) -> MLP:
    return MLP(spec, dtype)


def logits(model: MLP, batch: Mapping[str, tf.Tensor], probe: Probe) -> dict[str, tf.Tensor]:
    return {"logits": model(batch["x"], probe=probe)}


def cross_entropy(model: MLP, batch: Mapping[str, tf.Tensor], probe: Probe) -> dict[str, tf.Tensor]:
    scores = model(batch["x"], probe=probe)
    return {"cross_entropy": layers.softmax_cross_entropy(scores, batch["y"])}
