"""Late fusion of two SegNets in TensorFlow. Equations and shapes: bench/specs/fusion_segnet.py."""

from collections.abc import Mapping

import keras
import tensorflow as tf

from bench.spec import Spec
from implementations.tensorflow import layers, residual, segmentation
from implementations.tensorflow.architectures.segnet import EncoderDecoder
from implementations.tensorflow.probe import Probe


class FusionSegNet(keras.Model):
    def __init__(self, spec: Spec, dtype: str) -> None:
        super().__init__(name="fusion_segnet", dtype=dtype)
        self.streams, self.fusion = spec.options["streams"], spec.options["fusion"]
        self.class_weights = spec.options["class_weights"]
        for name in self.streams:
            setattr(self, name, EncoderDecoder(spec, f"{name}/", name, dtype))
        shape = spec.shapes()["classifier/weight"]
        self.classifier = layers.Convolution(shape, 1, 0, "classifier", dtype)

    def call(self, batch: Mapping[str, tf.Tensor], probe: Probe) -> tf.Tensor:
        features, start = [], 0
        for name, count in self.streams.items():
            x = segmentation.take_channels(batch["x"], start, count)
            features.append(getattr(self, name)(x, batch=batch, probe=probe))
            start += count
        fuse = segmentation.concatenate if self.fusion == "concatenated" else residual.add
        fused = probe.record("fused", fuse(*features))
        return probe.record("logits", self.classifier(fused))


def build(spec: Spec, dtype: str) -> FusionSegNet:
    return FusionSegNet(spec, dtype)


def logits(
    model: FusionSegNet, batch: Mapping[str, tf.Tensor], probe: Probe
) -> dict[str, tf.Tensor]:
    return {"logits": model(batch, probe=probe)}


def cross_entropy(
    model: FusionSegNet, batch: Mapping[str, tf.Tensor], probe: Probe
) -> dict[str, tf.Tensor]:
    scores, weights = model(batch, probe=probe), model.class_weights
    return {"cross_entropy": segmentation.pixel_cross_entropy(scores, batch["y"], weights)}
