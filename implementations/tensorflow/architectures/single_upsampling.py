"""A pooling and its way back in TensorFlow.

Equations and shapes: bench/specs/single_upsampling.py.
"""

from collections.abc import Mapping

import keras
import tensorflow as tf

from bench.spec import Spec
from implementations.tensorflow import segmentation
from implementations.tensorflow.probe import Probe


class SingleUpsampling(keras.Model):
    def __init__(self, spec: Spec, dtype: str) -> None:
        super().__init__(name="single_upsampling", dtype=dtype)
        self.upsampling = spec.options["upsampling"]
        for name, shape in spec.shapes().items():
            layer = name.partition("/")[0]
            setattr(self, layer, segmentation.TransposedKernel(shape, layer, dtype))

    def call(self, x: tf.Tensor, probe: Probe) -> tf.Tensor:
        choice = probe.choose("pool", x, 2, 2)
        x, place = segmentation.pool(x, self.upsampling, choice)
        x, kernel = probe.record("pool", x), getattr(self, "up", None)
        weight = None if kernel is None else kernel.weight.value
        return probe.record("up", segmentation.upsample(x, self.upsampling, place, weight))


def build(spec: Spec, dtype: str) -> SingleUpsampling:
    return SingleUpsampling(spec, dtype)


def response(
    model: SingleUpsampling, batch: Mapping[str, tf.Tensor], probe: Probe
) -> dict[str, tf.Tensor]:
    return {"response": model(batch["x"], probe=probe)}


def energy(
    model: SingleUpsampling, batch: Mapping[str, tf.Tensor], probe: Probe
) -> dict[str, tf.Tensor]:
    return {"energy": tf.reduce_sum(batch["cotangent"] * model(batch["x"], probe=probe))}
