"""SegNet in PyTorch. Equations and shapes: bench/specs/segnet.py."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from bench.spec import Spec
from implementations.pytorch import layers, segmentation
from implementations.pytorch.probe import Probe
from implementations.pytorch.techniques import activations, dropout


class EncoderDecoder(nn.Module):
    """Makes features of an image; the canonical names of its layers begin with `home`."""

    def __init__(self, spec: Spec, home: str) -> None:
        super().__init__()
        shapes, options = spec.shapes(), spec.options
        self.home, self.repeats, self.norm = home, options["convolutions"], options["norm"]
        self.upsampling, self.form = options["upsampling"], options["dropout"]
        self.keep: dict[str, float] = options["keep"]
        for part, norm_part in (("conv", "bn"), ("decode", "decode_bn")):
            for level, repeat in enumerate(self.repeats, start=1):
                for number in range(1, repeat + 1):
                    name = f"{level}_{number}"
                    shape = shapes[f"{home}{part}{name}/weight"]
                    conv = layers.Convolution(shape, 1, 1, bias=not self.norm)
                    setattr(self, f"{part}{name}", conv)
                    if self.norm:
                        norm = layers.BatchNorm(shape[-1], self.norm)
                        setattr(self, f"{norm_part}{name}", norm)
        for level in range(1, len(self.repeats) + 1):
            if self.upsampling == "transposed":
                shape = shapes[f"{home}up{level}/weight"]
                setattr(self, f"up{level}", segmentation.TransposedKernel(shape))

    def forward(self, x: Tensor, batch: Mapping[str, Tensor], probe: Probe) -> Tensor:
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
            weight = None if kernel is None else kernel.weight
            x = segmentation.upsample(x, self.upsampling, places.pop(), weight)
            x = probe.record(f"{home}up{level}", x)
            for number in range(1, self.repeats[level - 1] + 1):
                name = f"{level}_{number}"
                x = self._convolved(f"decode{name}", f"decode_bn{name}", x, probe)
                x = probe.record(f"{home}decode_relu{name}", activations.relu(x))
            x = self._masked(f"{home}decode{level}", x, batch, probe)
        return x

    def _convolved(self, name: str, norm_name: str, x: Tensor, probe: Probe) -> Tensor:
        """A convolution that keeps the size, and batch norm behind it, where there is one."""
        x = probe.record(self.home + name, getattr(self, name)(x))
        return getattr(self, norm_name)(x, self.home + norm_name, probe) if self.norm else x

    def _masked(self, name: str, x: Tensor, batch: Mapping[str, Tensor], probe: Probe) -> Tensor:
        """Dropout, where the spec has it."""
        if name not in self.keep:
            return x
        mask = batch.get(f"dropout/{name}")
        return dropout.dropout(x, mask, self.keep[name], self.form, probe.mode.dropout)


class SegNet(EncoderDecoder):
    def __init__(self, spec: Spec) -> None:
        super().__init__(spec, "")
        self.class_weights = spec.options["class_weights"]
        self.classifier = layers.Convolution(spec.shapes()["classifier/weight"], 1, 0)

    def forward(self, batch: Mapping[str, Tensor], probe: Probe) -> Tensor:
        x = super().forward(batch["x"], batch, probe)
        return probe.record("logits", self.classifier(x))


def build(spec: Spec, dtype: str) -> SegNet:
    return SegNet(spec).to(getattr(torch, dtype))


def logits(model: SegNet, batch: Mapping[str, Tensor], probe: Probe) -> dict[str, Tensor]:
    return {"logits": model(batch, probe)}


def cross_entropy(model: SegNet, batch: Mapping[str, Tensor], probe: Probe) -> dict[str, Tensor]:
    scores, weights = model(batch, probe), model.class_weights
    return {"cross_entropy": segmentation.pixel_cross_entropy(scores, batch["y"], weights)}
