"""One convolution in TensorFlow. Equations and shapes: bench/specs/single_convolution.py."""

from collections.abc import Mapping

import keras
import tensorflow as tf

from bench.spec import Spec
from implementations.tensorflow import layers
from implementations.tensorflow.probe import Probe
from implementations.tensorflow.techniques import activations


class SingleConvolution(keras.Model):
    def __init__(self, spec: Spec, dtype: str) -> None:
        super().__init__(name="single_convolution", dtype=dtype)
        stride, padding = spec.options["stride"], spec.options["padding"]
        self.conv = layers.Convolution(spec.shapes()["conv/weight"], stride, padding, "conv", dtype)

    def call(self, x: tf.Tensor, probe: Probe) -> tf.Tensor:
        x = probe.record("conv", self.conv(x))
        return probe.record("sigmoid", activations.sigmoid(x))


def build(spec: Spec, dtype: str) -> SingleConvolution:
    return SingleConvolution(spec, dtype)


def response(
    model: SingleConvolution, batch: Mapping[str, tf.Tensor], probe: Probe
) -> dict[str, tf.Tensor]:
    return {"response": model(batch["x"], probe=probe)}


def energy(
    model: SingleConvolution, batch: Mapping[str, tf.Tensor], probe: Probe
) -> dict[str, tf.Tensor]:
    return {"energy": tf.reduce_sum(batch["cotangent"] * model(batch["x"], probe=probe))}
