"""SegNet, and its siblings that differ in how the decoder makes images large again.

    level l, encoder   conv{l}_1 -> [bn{l}_1] -> relu{l}_1 -> conv{l}_2 -> ... -> pool{l} 2x2
    level l, decoder   up{l} -> decode{l}_1 -> [decode_bn{l}_1] -> decode_relu{l}_1 -> ...
    last               classifier 1x1 -> logits, (height, width, classes)

    loss = -(1/N) sum_n w_(y_n) log softmax(logits_n)[y_n]     over the N pixels of a batch

Badrinarayanan, Kendall and Cipolla (2017), "SegNet: a deep convolutional encoder-decoder
architecture for image segmentation". Levels are numbered from the image inwards; the decoder begins
with the innermost. Convolutions are 3x3 and keep the size; a decoder has as many as its encoder,
and its last one makes the channels of the level before.

`upsampling` is what up{l} does with a value at (i, j), all of them to twice the size:

    indices      puts it where pool{l} found its maximum, zeros elsewhere: SegNet
    fixed        puts it into the upper left corner of its window, zeros elsewhere
    nearest      puts it into all four places
    bilinear     interpolates between pixel centers, those of the image's border held outside of it:
                 half-pixel centers, "align_corners=False"
    transposed   x_(2i+a)(2j+b) = sum_c w_abc y_ijc: a transposed convolution, its kernel of 2x2
                 learned, without a bias

Indices are positions in the window, 0 to 3 in row-major order, for each channel, as
bench/contract.py counts decisions; the first maximum where several are equal. With rows and
columns r, c of the image, W its width, C its channels, (r, c) = (2i + p // 2, 2j + p % 2):

    torch's return_indices           r W + c
    tf.nn.max_pool_with_argmax       (r W + c) C + channel, unless include_batch_in_index
    here                             p = 2 (r % 2) + c % 2

The weighted losses are divided by the number of pixels N, so that a batch in equal parts is the
mean of its parts whatever classes they hold. The weighted mean of torch.nn.functional.cross_entropy
divides by the sum of the weights: it is this loss times N / sum_n w_(y_n).

Bayesian SegNet (Kendall, Badrinarayanan and Cipolla 2015) puts dropout behind the central encoders
and decoders: here behind pool{l} and behind decoder l for the deeper half of the levels. Its
uncertainty needs masks at inference, and batch norm as it was trained: bench/instruments/
uncertainty.py.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bench import ranges
from bench.conventions import BATCH_NORM
from bench.errors import UserError
from bench.spec import Buffer, Parameter, Spec, count, layer, norm_constants, normalized
from bench.specs.mlp import FORMS

UPSAMPLINGS = ("indices", "fixed", "nearest", "bilinear", "transposed")
DEFAULT_COUNT = 12_371


@dataclass
class Parts:
    """What an encoder-decoder adds to a spec; its names begin with its home."""

    parameters: dict[str, Parameter] = field(default_factory=dict)
    buffers: dict[str, Buffer] = field(default_factory=dict)
    activations: dict[str, tuple[int, ...]] = field(default_factory=dict)
    decisions: list[str] = field(default_factory=list)
    masks: dict[str, tuple[int, int, int]] = field(default_factory=dict)
    positions: dict[str, int] = field(default_factory=dict)

    def add(
        self,
        names: tuple[str, str, str],
        shape: tuple[int, ...],
        norm: Mapping[str, Any] | None,
        size: tuple[int, int],
    ) -> None:
        """A convolution and its activation, with batch norm between them where there is one."""
        name, norm_name, activation = names
        found = normalized(name, norm_name, shape, norm, size)
        self.parameters |= found[0]
        self.buffers |= found[1]
        self.activations |= {**found[2], activation: (*size, shape[-1])}


def spec(
    inputs: tuple[int, int, int] = (48, 48, 1),
    classes: int = 3,
    widths: Sequence[int] = (8, 16, 32),
    convolutions: Sequence[int] = (1, 1, 1),
    upsampling: str = "indices",
    norm: Mapping[str, Any] | None = BATCH_NORM,
    dropout: str | None = None,
    keep: float = 1.0,
    class_weights: Sequence[float] | None = None,
) -> Spec:
    """widths, convolutions: of each level, the first at the image. dropout: the form of
    techniques/dropout.py in which the central levels are masked, with the probability `keep` that a
    unit stays; None: without. class_weights: one for each class; None: 1.

    Raises UserError for images that the levels do not halve exactly or leave one pixel of, for an
    unknown name, and for numbers that are not one for each level or class, or out of range.
    """
    parts = encoder_decoder("", inputs, widths, convolutions, upsampling, norm)
    masks = parts.masks if masked(dropout, keep) else {}
    parts.parameters |= layer("classifier", (1, 1, widths[0], classes))
    default = (inputs, classes, tuple(widths), tuple(convolutions)) == (
        *((48, 48, 1), 3, (8, 16, 32), (1, 1, 1)),
    )
    pinned = DEFAULT_COUNT if default and norm and upsampling != "transposed" else None
    return Spec(
        architecture="segnet",
        parameters=parts.parameters,
        parameter_count=pinned or count(parts.parameters),
        inputs={
            "x": inputs,
            "y": inputs[:2],
            **{f"dropout/{name}": shape for name, shape in masks.items()},
        },
        functions=("logits",),
        objectives=("cross_entropy",),
        activations={**parts.activations, "logits": (*inputs[:2], classes)},
        decisions=tuple(parts.decisions),
        buffers=parts.buffers,
        ranges={"y": ranges.labels(classes)},
        positions=parts.positions,
        options={
            "convolutions": tuple(convolutions),
            "upsampling": upsampling,
            "norm": norm_constants(norm),
            "dropout": dropout,
            "keep": dict.fromkeys(masks, keep),
            "class_weights": weights(classes, class_weights),
        },
    )


def encoder_decoder(
    home: str,
    inputs: tuple[int, int, int],
    widths: Sequence[int],
    convolutions: Sequence[int],
    upsampling: str,
    norm: Mapping[str, Any] | None,
) -> Parts:
    """From an image to features of the first level's width, at the image's size. home: "rgb/".

    Raises UserError as spec() does.
    """
    ranges.choice("upsampling", upsampling, UPSAMPLINGS)
    check_levels(inputs, widths, convolutions)
    parts, levels = Parts(), len(widths)
    rows, columns, channels = ranges.image(inputs)
    sizes = [(rows >> level, columns >> level) for level in range(levels + 1)]
    for level, (width, repeat) in enumerate(zip(widths, convolutions, strict=True), start=1):
        size, pooled = sizes[level - 1], (*sizes[level], width)
        for number in range(1, repeat + 1):
            name = f"{level}_{number}"
            names = f"{home}conv{name}", f"{home}bn{name}", f"{home}relu{name}"
            parts.add(names, (3, 3, channels, width), norm, size)
            channels = width
        parts.activations[f"{home}pool{level}"] = pooled
        parts.decisions.append(f"{home}pool{level}")
        if level > levels // 2:
            parts.masks[f"{home}pool{level}"] = pooled
    for level in range(levels, 0, -1):
        width, repeat = widths[level - 1], convolutions[level - 1]
        size, before = sizes[level - 1], widths[max(level - 2, 0)]
        if upsampling == "transposed":
            parts.parameters |= layer(f"{home}up{level}", (2, 2, width, width), bias=False)
            parts.positions[f"{home}up{level}"] = math.prod(sizes[level])
        parts.activations[f"{home}up{level}"] = (*size, width)
        for number in range(1, repeat + 1):
            name, out = f"{level}_{number}", width if number < repeat else before
            names = f"{home}decode{name}", f"{home}decode_bn{name}", f"{home}decode_relu{name}"
            parts.add(names, (3, 3, width, out), norm, size)
        if level > levels // 2:
            parts.masks[f"{home}decode{level}"] = (*size, before)
    return parts


def check_levels(
    inputs: tuple[int, int, int], widths: Sequence[int], convolutions: Sequence[int]
) -> None:
    """Raise UserError for images that are not halved exactly or end as one pixel, or no net."""
    if not widths or len(widths) != len(convolutions) or min(*widths, *convolutions) < 1:
        raise UserError(
            "a SegNet needs a width and a number of convolutions for each level, 1 or more, "
            f"got {list(widths)} and {list(convolutions)}"
        )
    rows, columns, channels = ranges.image(inputs)
    stride = 2 ** len(widths)
    if min(rows, columns) < 2 * stride or rows % stride or columns % stride or channels < 1:
        raise UserError(
            f"a SegNet of {len(widths)} levels needs images whose sides are multiples of {stride}, "
            f"{2 * stride} or more, got {inputs}"
        )


def weights(classes: int, given: Sequence[float] | None) -> tuple[float, ...]:
    """One weight for each class. Raises UserError for fewer than 2 classes, for another number of
    weights, and for one that is not positive."""
    if classes < 2:
        raise UserError(f"a segmentation needs 2 classes or more, got {classes}")
    found = (1.0,) * classes if given is None else tuple(given)
    if len(found) != classes:
        raise UserError(f"{classes} classes need as many weights, got {list(found)}")
    return tuple(ranges.number("a class weight", weight, ranges.POSITIVE) for weight in found)


def masked(form: str | None, keep: float) -> bool:
    """Whether dropout puts a mask anywhere: one that keeps every unit is none."""
    ranges.number("keep", keep, ranges.PROBABILITY)
    if form is None:
        return False
    ranges.choice("form of dropout", form, FORMS)
    return keep < 1
