"""One max-pooling layer in TensorFlow. Equations and shapes: bench/specs/single_max_pool.py."""

from collections.abc import Mapping

import keras
import tensorflow as tf

from bench.spec import Spec
from implementations.tensorflow import layers
from implementations.tensorflow.probe import Probe


class SingleMaxPool(keras.Model):
    def __init__(self, spec: Spec, dtype: str) -> None:
        super().__init__(name="single_max_pool", dtype=dtype)
        self.window, self.stride = spec.options["window"], spec.options["stride"]

    def call(self, x: tf.Tensor, probe: Probe) -> tf.Tensor:
        choice = probe.choose("pool", x, self.window, self.stride)
        return probe.record("pool", layers.max_pool(x, self.window, self.stride, choice))


def build(spec: Spec, dtype: str) -> SingleMaxPool:
    return SingleMaxPool(spec, dtype)


def response(
    model: SingleMaxPool, batch: Mapping[str, tf.Tensor], probe: Probe
) -> dict[str, tf.Tensor]:
    return {"response": model(batch["x"], probe=probe)}


def energy(
    model: SingleMaxPool, batch: Mapping[str, tf.Tensor], probe: Probe
) -> dict[str, tf.Tensor]:
    return {"energy": tf.reduce_sum(batch["cotangent"] * model(batch["x"], probe=probe))}
