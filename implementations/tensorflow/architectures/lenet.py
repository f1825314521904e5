"""LeNet in TensorFlow. Equations and shapes: bench/specs/lenet.py."""

from collections.abc import Mapping

import keras
import tensorflow as tf

from bench.conventions import LENET_PADDING
from bench.spec import Spec
from implementations.tensorflow import layers
from implementations.tensorflow.probe import Probe
from implementations.tensorflow.techniques import activations


class LeNet(keras.Model):
    def __init__(self, spec: Spec, dtype: str) -> None:
        super().__init__(name="lenet", dtype=dtype)
        shapes = spec.shapes()
        self.conv1 = layers.Convolution(shapes["conv1/weight"], 1, LENET_PADDING, "conv1", dtype)
        self.conv2 = layers.Convolution(shapes["conv2/weight"], 1, LENET_PADDING, "conv2", dtype)
        self.fc1 = layers.Dense(shapes["fc1/weight"], "fc1", dtype)
        self.fc2 = layers.Dense(shapes["fc2/weight"], "fc2", dtype)

    def call(self, x: tf.Tensor, probe: Probe) -> tf.Tensor:
        x = probe.record("conv1", self.conv1(x))
        x = probe.record("relu1", activations.relu(x))
        x = probe.record("pool1", layers.max_pool(x, 2, 2, probe.choose("pool1", x, 2, 2)))
        x = probe.record("conv2", self.conv2(x))
        x = probe.record("relu2", activations.relu(x))
        x = probe.record("pool2", layers.max_pool(x, 2, 2, probe.choose("pool2", x, 2, 2)))
        x = probe.record("fc1", self.fc1(layers.flatten(x)))
        x = probe.record("relu3", activations.relu(x))
        return probe.record("logits", self.fc2(x))


def build(spec: Spec, dtype: str) -> LeNet:
    return LeNet(spec, dtype)


def logits(model: LeNet, batch: Mapping[str, tf.Tensor], probe: Probe) -> dict[str, tf.Tensor]:
    return {"logits": model(batch["x"], probe=probe)}


def cross_entropy(
    model: LeNet, batch: Mapping[str, tf.Tensor], probe: Probe
) -> dict[str, tf.Tensor]:
    scores = model(batch["x"], probe=probe)
    return {"cross_entropy": layers.softmax_cross_entropy(scores, batch["y"])}
