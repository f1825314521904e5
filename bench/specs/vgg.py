"""The nets of the Visual Geometry Group: five stages of 3x3 convolutions, each halved by a pooling.

    stage s   conv{s}_1 -> [bn{s}_1] -> relu{s}_1 -> conv{s}_2 -> ... -> pool{s} 2x2
    then      flatten in (height, width, channel) order
    dense     fc6 -> relu6 -> [dropout] -> fc7 -> relu7 -> [dropout] -> fc8, the logits
    loss = -(1/B) sum_b log softmax(logits_b)[y_b]

Simonyan and Zisserman (2015), "Very deep convolutional networks for large-scale image recognition",
table 1. Convolutions keep the size of their images: 3x3 with padding 1, and in configuration C a
third one of 1x1 in the last three stages. D is known as VGG-16, E as VGG-19.

imagenet() is the net of the paper: images of 224x224, 1000 classes, two hidden layers of 4096 units
whose outputs are put out with probability 1/2, no batch norm.

spec() is the form that is usual for images of 32x32: the same convolutions with batch norm, and one
linear classifier on the last stage's features, which are 1x1 there; no hidden layer, no dropout.
`width` scales the channels of every stage, 64 to 512 of the paper, and nothing else. The default is
configuration D at a quarter of the width: 16, 32, 64, 128 and 128 channels.

net() is any net of this kind, as with one large kernel where the paper stacks small ones.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from bench import ranges
from bench.conventions import BATCH_NORM
from bench.errors import UserError
from bench.spec import Buffer, Parameter, Spec, count, layer, norm_constants, normalized, scaled
from bench.specs.mlp import FORMS

# Sides of the kernels, stage by stage.
CONFIGURATIONS: dict[str, tuple[tuple[int, ...], ...]] = {
    "A": ((3,), (3,), (3, 3), (3, 3), (3, 3)),
    "B": ((3, 3), (3, 3), (3, 3), (3, 3), (3, 3)),
    "C": ((3, 3), (3, 3), (3, 3, 1), (3, 3, 1), (3, 3, 1)),
    "D": ((3, 3), (3, 3), (3, 3, 3), (3, 3, 3), (3, 3, 3)),
    "E": ((3, 3), (3, 3), (3, 3, 3, 3), (3, 3, 3, 3), (3, 3, 3, 3)),
}
CHANNELS = (64, 128, 256, 512, 512)
PAPER = ((224, 224, 3), 1000, 1.0, (4096, 4096), False)
SMALL = ((32, 32, 3), 10, 0.25, (), True)
COUNTS = {  # by configuration, inputs, classes, width, dense, and whether there is batch norm
    ("A", *PAPER): 132_863_336,
    ("B", *PAPER): 133_047_848,
    ("C", *PAPER): 133_638_952,
    ("D", *PAPER): 138_357_544,
    ("E", *PAPER): 143_667_240,
    ("D", *SMALL): 923_130,
}


def imagenet(configuration: str = "D") -> Spec:
    """The paper's net. Raises UserError for an unknown configuration."""
    inputs, classes, width, dense, _ = PAPER
    return spec(configuration, inputs, classes, width, dense, None, "inverted", keep_hidden=0.5)


def spec(
    configuration: str = "D",
    inputs: tuple[int, int, int] = (32, 32, 3),
    classes: int = 10,
    width: float = 0.25,
    dense: Sequence[int] = (),
    norm: Mapping[str, Any] | None = BATCH_NORM,
    dropout: str | None = None,
    keep_hidden: float = 1.0,
) -> Spec:
    """dense: the widths of the hidden layers. dropout: the form of techniques/dropout.py in which
    their outputs are masked, with the probability keep_hidden that a unit stays; None: without.

    Raises UserError for an unknown configuration, for a width that leaves no whole number of
    channels, and as net() does.
    """
    stages = CONFIGURATIONS[ranges.choice("configuration of VGG", configuration, CONFIGURATIONS)]
    channels = [scaled(filters, width) for filters in CHANNELS]
    form = (configuration, tuple(inputs), classes, width, tuple(dense), norm is not None)
    pinned = COUNTS.get(form)
    return net(stages, channels, inputs, classes, dense, norm, dropout, keep_hidden, pinned)


def net(
    stages: Sequence[Sequence[int]],
    channels: Sequence[int],
    inputs: tuple[int, int, int] = (32, 32, 3),
    classes: int = 10,
    dense: Sequence[int] = (),
    norm: Mapping[str, Any] | None = BATCH_NORM,
    dropout: str | None = None,
    keep_hidden: float = 1.0,
    pinned: int | None = None,
) -> Spec:
    """Any net of this kind: the sides of every stage's kernels, and the channels of every stage.

    pinned: its number of parameters, where that is known. Raises UserError for no stages, or
    another number of channels than of stages, for kernels that are not of odd side, for inputs that
    are no height, width and channels, for sides of images that the poolings do not halve exactly,
    for a layer without units, for an unknown form of dropout, and for a probability outside of
    (0, 1].
    """
    if not stages or not all(stages) or len(stages) != len(channels):
        raise UserError(
            "VGG needs stages, each of one convolution or more and with its channels, got "
            f"{[list(k) for k in stages]} and {list(channels)}"
        )
    if any(kernel < 1 or kernel % 2 == 0 for kernels in stages for kernel in kernels):
        raise UserError(f"VGG's kernels have odd sides, got {[list(k) for k in stages]}")
    rows, columns, before = ranges.image(inputs)
    halved = 2 ** len(stages)
    if rows < 1 or columns < 1 or rows % halved or columns % halved:
        raise UserError(f"VGG needs images whose sides are multiples of {halved}, got {inputs}")
    parameters: dict[str, Parameter] = {}
    buffers: dict[str, Buffer] = {}
    activations: dict[str, tuple[int, ...]] = {}
    for stage, (kernels, filters) in enumerate(zip(stages, channels, strict=True), start=1):
        size = rows >> (stage - 1), columns >> (stage - 1)
        for number, kernel in enumerate(kernels, start=1):
            name = f"{stage}_{number}"
            shape = (kernel, kernel, before, filters)
            added = normalized(f"conv{name}", f"bn{name}", shape, norm, size)
            parameters |= added[0]
            buffers |= added[1]
            activations |= {**added[2], f"relu{name}": (*size, filters)}
            before = filters
        activations[f"pool{stage}"] = (rows >> stage, columns >> stage, filters)
    sizes = [rows // halved * (columns // halved) * before, *dense, classes]
    if min(*channels, *sizes) < 1:
        raise UserError(
            f"widths must be at least 1, got {list(channels)}, {list(dense)} and {classes} classes"
        )
    hidden = {f"fc{len(stages) + n}": size for n, size in enumerate(dense, start=1)}
    layers = (*hidden, f"fc{len(stages) + len(sizes) - 1}")
    for name, shape in zip(layers, pairwise(sizes), strict=True):
        parameters |= layer(name, shape)
        made = (name, name.replace("fc", "relu")) if name in hidden else ("logits",)
        activations |= dict.fromkeys(made, shape[1:])
    keep = dict.fromkeys(hidden, keep_hidden) if _masks(dropout, keep_hidden) else {}
    return Spec(
        architecture="vgg",
        parameters=parameters,
        parameter_count=count(parameters) if pinned is None else pinned,
        inputs={"x": inputs, "y": (), **{f"dropout/{name}": (hidden[name],) for name in keep}},
        functions=("logits",),
        objectives=("cross_entropy",),
        activations=activations,
        decisions=tuple(f"pool{stage}" for stage in range(1, len(stages) + 1)),
        buffers=buffers,
        ranges={"y": ranges.labels(classes)},
        options={
            "stages": tuple(tuple(kernels) for kernels in stages),
            "dense": layers,
            "norm": norm_constants(norm),
            "dropout": dropout,
            "keep": keep,
        },
    )


def _masks(form: str | None, keep_hidden: float) -> bool:
    """Whether dropout puts a mask anywhere: one that keeps every unit is none."""
    ranges.number("keep_hidden", keep_hidden, ranges.PROBABILITY)
    if form is None:
        return False
    ranges.choice("form of dropout", form, FORMS)
    return keep_hidden < 1
