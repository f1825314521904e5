"""VGG in TensorFlow. Equations and shapes: bench/specs/vgg.py."""

from collections.abc import Mapping

import keras
import tensorflow as tf

from bench.spec import Spec
from implementations.tensorflow import layers
from implementations.tensorflow.probe import Probe
from implementations.tensorflow.techniques import activations, dropout


class VGG(keras.Model):
    def __init__(self, spec: Spec, dtype: str) -> None:
        super().__init__(name="vgg", dtype=dtype)
        shapes, options = spec.shapes(), spec.options
        self.stages, self.dense, self.norm = options["stages"], options["dense"], options["norm"]
        self.form, self.keep = options["dropout"], options["keep"]
        for stage, kernels in enumerate(self.stages, start=1):
            for number, kernel in enumerate(kernels, start=1):
                name = f"conv{stage}_{number}"
                shape, bias = shapes[f"{name}/weight"], not self.norm
                conv = layers.Convolution(shape, 1, kernel // 2, name, dtype, bias)
                setattr(self, name, conv)
                if self.norm:
                    name = f"bn{stage}_{number}"
                    setattr(self, name, layers.BatchNorm(shape[-1], self.norm, name, dtype))
        for name in self.dense:
            setattr(self, name, layers.Dense(shapes[f"{name}/weight"], name, dtype))

    def call(self, batch: Mapping[str, tf.Tensor], probe: Probe) -> tf.Tensor:
        x = batch["x"]
        for stage, kernels in enumerate(self.stages, start=1):
            for number in range(1, len(kernels) + 1):
                name = f"{stage}_{number}"
                x = probe.record(f"conv{name}", getattr(self, f"conv{name}")(x))
                if self.norm:
                    x = getattr(self, f"bn{name}")(x, name=f"bn{name}", probe=probe)
                x = probe.record(f"relu{name}", activations.relu(x))
            choice = probe.choose(f"pool{stage}", x, 2, 2)
            x = probe.record(f"pool{stage}", layers.max_pool(x, 2, 2, choice))
        x = layers.flatten(x)
        *hidden, last = self.dense
        for name in hidden:
            x = probe.record(name, getattr(self, name)(x))
            x = probe.record(name.replace("fc", "relu"), activations.relu(x))
            if name in self.keep:
                mask = batch.get(f"dropout/{name}")
                x = dropout.dropout(x, mask, self.keep[name], self.form, probe.mode.dropout)
        return probe.record("logits", getattr(self, last)(x))


def build(spec: Spec, dtype: str) -> VGG:
    return VGG(spec, dtype)


def logits(model: VGG, batch: Mapping[str, tf.Tensor], probe: Probe) -> dict[str, tf.Tensor]:
    return {"logits": model(batch, probe=probe)}


def cross_entropy(model: VGG, batch: Mapping[str, tf.Tensor], probe: Probe) -> dict[str, tf.Tensor]:
    scores = model(batch, probe=probe)
    return {"cross_entropy": layers.softmax_cross_entropy(scores, batch["y"])}
