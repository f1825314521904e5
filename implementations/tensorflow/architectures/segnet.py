"""SegNet in TensorFlow. Equations and shapes: bench/specs/segnet.py."""

from collections.abc import Mapping

import keras
import tensorflow as tf

from bench.spec import Spec
from implementations.tensorflow import layers, segmentation
from implementations.tensorflow.probe import Probe
from implementations.tensorflow.techniques import activations, dropout


class EncoderDecoder(keras.Model):
    """Makes features of an image; the canonical names of its layers begin with `home`."""

    def __init__(self, spec: Spec, home: str, name: str, dtype: str) -> None:
        super().__init__(name=name, dtype=dtype)
        shapes, options = spec.shapes(), spec.options
        self.home, self.repeats, self.norm = home, options["convolutions"], options["norm"]
        self.upsampling, self.form = options["upsampling"], options["dropout"]
        self.keep: dict[str, float] = options["keep"]
        for part, norm_part in (("conv", "bn"), ("decode", "decode_bn")):
            for level, repeat in enumerate(self.repeats, start=1):
                for number in range(1, repeat + 1):
                    name = f"{level}_{number}"
                    shape = shapes[f"{home}{part}{name}/weight"]
                    kept = 1, 1, f"{part}{name}", dtype, not self.norm
                    setattr(self, f"{part}{name}", layers.Convolution(shape, *kept))
                    if self.norm:
                        norm_name = f"{norm_part}{name}"
                        norm = layers.BatchNorm(shape[-1], self.norm, norm_name, dtype)
                        setattr(self, norm_name, norm)
        for level in range(1, len(self.repeats) + 1):
            if self.upsampling == "transposed":
                shape = shapes[f"{home}up{level}/weight"]
                up = segmentation.TransposedKernel(shape, f"up{level}", dtype)
                setattr(self, f"up{level}", up)

    def call(self, x: tf.Tensor, batch: Mapping[str, tf.Tensor], probe: Probe) -> tf.Tensor:
        home, places = self.home, []
        for level, repeat in enumerate(self.repeats, start=1):
            for number in range(1, repeat + 1):
                name = f"{level}_{number}"
                x = self._convolved(f"conv{name}", f"bn{name}", x, probe)
                x = probe.record(f"{home}relu{name}", activations.relu(x))
            choice = probe.choose(f"{home}pool{level}", x, 2, 2)
            x, place = segmentation.pool(x, self.upsampling, choice)
            x = probe.record(f"{home}pool{level}", x)
            x = self._masked(f"{home}pool{level}", x, batch, probe)
            places.append(place)
        for level in range(len(self.repeats), 0, -1):
            kernel = getattr(self, f"up{level}", None)
            weight = None if kernel is None else kernel.weight.value
            x = segmentation.upsample(x, self.upsampling, places.pop(), weight)
            x = probe.record(f"{home}up{level}", x)
            for number in range(1, self.repeats[level - 1] + 1):
                name = f"{level}_{number}"
                x = self._convolved(f"decode{name}", f"decode_bn{name}", x, probe)
                x = probe.record(f"{home}decode_relu{name}", activations.relu(x))
            x = self._masked(f"{home}decode{level}", x, batch, probe)
        return x

    def _convolved(self, name: str, norm_name: str, x: tf.Tensor, probe: Probe) -> tf.Tensor:
        """A convolution that keeps the size, and batch norm behind it, where there is one."""
        x = probe.record(self.home + name, getattr(self, name)(x))
        if not self.norm:
            return x
        return getattr(self, norm_name)(x, name=self.home + norm_name, probe=probe)

    def _masked(
        self, name: str, x: tf.Tensor, batch: Mapping[str, tf.Tensor], probe: Probe
    ) -> tf.Tensor:
        """Dropout, where the spec has it."""
        if name not in self.keep:
            return x
        mask = batch.get(f"dropout/{name}")
        return dropout.dropout(x, mask, self.keep[name], self.form, probe.mode.dropout)


class SegNet(EncoderDecoder):
    def __init__(self, spec: Spec, dtype: str) -> None:
        super().__init__(spec, "", "segnet", dtype)
        self.class_weights = spec.options["class_weights"]
        shape = spec.shapes()["classifier/weight"]
        self.classifier = layers.Convolution(shape, 1, 0, "classifier", dtype)

    def call(self, batch: Mapping[str, tf.Tensor], probe: Probe) -> tf.Tensor:
        x = super().call(batch["x"], batch, probe)
        return probe.record("logits", self.classifier(x))


def build(spec: Spec, dtype: str) -> SegNet:
    return SegNet(spec, dtype)


def logits(model: SegNet, batch: Mapping[str, tf.Tensor], probe: Probe) -> dict[str, tf.Tensor]:
    return {"logits": model(batch, probe=probe)}


def cross_entropy(
    model: SegNet, batch: Mapping[str, tf.Tensor], probe: Probe
) -> dict[str, tf.Tensor]:
    scores, weights = model(batch, probe=probe), model.class_weights
    return {"cross_entropy": segmentation.pixel_cross_entropy(scores, batch["y"], weights)}
