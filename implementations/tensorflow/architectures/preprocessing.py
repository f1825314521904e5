"""What is done to images before a net, in TensorFlow. Equations: bench/specs/preprocessing.py."""

from collections.abc import Mapping

import keras
import tensorflow as tf

from bench.spec import Spec
from implementations.tensorflow.probe import Probe
from implementations.tensorflow.techniques import augmentation, normalization


def build(spec: Spec, dtype: str) -> keras.Model:
    """Nothing is learned: a model without layers."""
    return keras.Model(name="preprocessing", dtype=dtype)


def standardized(
    model: keras.Model, batch: Mapping[str, tf.Tensor], probe: Probe
) -> dict[str, tf.Tensor]:
    return {"x": normalization.standardize(batch["x"], batch["mean"], batch["deviation"])}


def affine(
    model: keras.Model, batch: Mapping[str, tf.Tensor], probe: Probe
) -> dict[str, tf.Tensor]:
    return {"x": augmentation.affine(batch["x"], batch["angle"], batch["scale"], batch["shift"])}


def elastic(
    model: keras.Model, batch: Mapping[str, tf.Tensor], probe: Probe
) -> dict[str, tf.Tensor]:
    return {"x": augmentation.elastic(batch["x"], batch["displacement"])}


def noisy(model: keras.Model, batch: Mapping[str, tf.Tensor], probe: Probe) -> dict[str, tf.Tensor]:
    return {"x": augmentation.noise(batch["x"], batch["noise"])}
