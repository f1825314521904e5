"""One activation in TensorFlow. Equations and shapes: bench/specs/single_activation.py."""

from collections.abc import Mapping

import keras
import tensorflow as tf

from bench.spec import Spec
from implementations.tensorflow.probe import Probe
from implementations.tensorflow.techniques import activations


class SingleActivation(keras.Model):
    def __init__(self, spec: Spec, dtype: str) -> None:
        super().__init__(name="single_activation", dtype=dtype)
        self.activation = spec.options["activation"]

    def call(self, x: tf.Tensor, probe: Probe) -> tf.Tensor:
        return probe.record("activation", getattr(activations, self.activation)(x))


def build(spec: Spec, dtype: str) -> SingleActivation:
    return SingleActivation(spec, dtype)


def forward(
    model: SingleActivation, batch: Mapping[str, tf.Tensor], probe: Probe
) -> dict[str, tf.Tensor]:
    return {"value": model(batch["x"], probe=probe)}


def backward(
    model: SingleActivation, batch: Mapping[str, tf.Tensor], probe: Probe
) -> dict[str, tf.Tensor]:
    gradient = getattr(activations, f"{model.activation}_gradient")
    return {"gradient": gradient(batch["x"], batch["value"], batch["delta"])}


def energy(
    model: SingleActivation, batch: Mapping[str, tf.Tensor], probe: Probe
) -> dict[str, tf.Tensor]:
    return {"energy": tf.reduce_sum(batch["cotangent"] * model(batch["x"], probe=probe))}
