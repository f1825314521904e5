"""The toy in TensorFlow."""

from collections.abc import Mapping

import keras
import tensorflow as tf

from bench.spec import Spec
from implementations.tensorflow import layers
from implementations.tensorflow.probe import Probe
from implementations.tensorflow.techniques import activations


class Half(keras.Model):
    """Two dense layers with a ReLU between them."""

    def __init__(self, spec: Spec, name: str, dtype: str) -> None:
        super().__init__(name=name, dtype=dtype)
        self.fc1 = layers.Dense(spec.shapes()[f"{name}/fc1/weight"], "fc1", dtype)
        self.fc2 = layers.Dense(spec.shapes()[f"{name}/fc2/weight"], "fc2", dtype)

    def call(self, x: tf.Tensor, probe: Probe) -> tf.Tensor:
        x = activations.relu(probe.record(f"{self.name}/fc1", self.fc1(x)))
        return probe.record(f"{self.name}/fc2", self.fc2(x))


class TinyGAN(keras.Model):
    def __init__(self, spec: Spec, dtype: str) -> None:
        super().__init__(name="tiny_gan", dtype=dtype)
        self.generator = Half(spec, "generator", dtype)
        self.discriminator = Half(spec, "discriminator", dtype)


def build(spec: Spec, dtype: str) -> TinyGAN:
    return TinyGAN(spec, dtype)


def sample(model: TinyGAN, batch: Mapping[str, tf.Tensor], probe: Probe) -> dict[str, tf.Tensor]:
    return {"sample": model.generator(batch["z"], probe=probe)}


def score(model: TinyGAN, batch: Mapping[str, tf.Tensor], probe: Probe) -> dict[str, tf.Tensor]:
    return {"score": model.discriminator(batch["x"], probe=probe)}


def generator_loss(
    model: TinyGAN, batch: Mapping[str, tf.Tensor], probe: Probe
) -> dict[str, tf.Tensor]:
    fake = model.generator(batch["z"], probe=probe)
    return {"generator": -tf.reduce_mean(model.discriminator(fake, probe=probe))}


def discriminator_loss(
    model: TinyGAN, batch: Mapping[str, tf.Tensor], probe: Probe
) -> dict[str, tf.Tensor]:
    fake = model.generator(batch["z"], probe=probe)
    real = model.discriminator(batch["x"], probe=Probe(probe.mode))
    return {
        "fake": tf.reduce_mean(model.discriminator(fake, probe=probe)),
        "real": -tf.reduce_mean(real),
    }


def real_loss(model: TinyGAN, batch: Mapping[str, tf.Tensor], probe: Probe) -> dict[str, tf.Tensor]:
    return {"real": -tf.reduce_mean(model.discriminator(batch["x"], probe=probe))}
