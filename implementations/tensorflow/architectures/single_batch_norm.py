"""One batch norm layer in TensorFlow. Equations and shapes: bench/specs/single_batch_norm.py."""

from collections.abc import Mapping

import keras
import tensorflow as tf

from bench.spec import Spec
from implementations.tensorflow import layers
from implementations.tensorflow.probe import Probe


class SingleBatchNorm(keras.Model):
    def __init__(self, spec: Spec, dtype: str) -> None:
        super().__init__(name="single_batch_norm", dtype=dtype)
        width = spec.shapes()["bn/scale"][0]
        self.bn = layers.BatchNorm(width, spec.options["norm"], "bn", dtype)

    def call(self, x: tf.Tensor, probe: Probe) -> tf.Tensor:
        return self.bn(x, name="bn", probe=probe)


def build(spec: Spec, dtype: str) -> SingleBatchNorm:
    return SingleBatchNorm(spec, dtype)


def response(
    model: SingleBatchNorm, batch: Mapping[str, tf.Tensor], probe: Probe
) -> dict[str, tf.Tensor]:
    return {"response": model(batch["x"], probe=probe)}


def energy(
    model: SingleBatchNorm, batch: Mapping[str, tf.Tensor], probe: Probe
) -> dict[str, tf.Tensor]:
    return {"energy": tf.reduce_sum(batch["cotangent"] * model(batch["x"], probe=probe))}
