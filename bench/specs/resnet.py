"""Residual nets, and their plain twins.

    block     y = relu(F(x) + S(x))            plain: y = relu(F(x))
    F         basic       conv1 3x3 -> bn1 -> relu1 -> conv2 3x3 -> bn2
              bottleneck  conv1 1x1 -> bn1 -> relu1 -> conv2 3x3 -> bn2 -> relu2 -> conv3 1x1 -> bn3
    S         x, where F keeps the shape. Where it does not:
              identity    every second pixel of x, with channels of zeros behind x's own: option A
              projection  conv 1x1 -> bn: option B
    last      mean over the pixels -> fc -> logits
    loss = -(1/B) sum_b log softmax(logits_b)[y_b]

He, Zhang, Ren and Sun (2016), "Deep residual learning for image recognition". Convolutions keep the
size of their images but for a stride; a stride of 2 stands at the first block of every stage but
the first. Initial weights: He, Zhang, Ren and Sun (2015). A net without batch norm has biases.

spec() is the family of section 4.2 for images of 32x32, of depth 6n + 2: a 3x3 convolution, three
stages of n basic blocks with 16, 32 and 64 channels, a dense layer. The paper has 20, 32, 44, 56
and 110, with option A throughout, which is the default.

imagenet() is the family of table 1 for images of 224x224: 7x7 convolution of stride 2, 3x3 max
pooling of stride 2 with a rim of one pixel, four stages of 64 to 512 channels. 18 and 34 have basic
blocks; 50, 101 and 152 have bottlenecks, whose last convolution has four times the channels. The
paper puts a bottleneck's stride on the first 1x1 convolution, which is the default here; on the 3x3
one it is known as ResNet v1.5, as PyTorch's torchvision has it (strided="3x3"). Both have the same
parameters.

Of a block named b the trace holds, after the layers of its branch, b/branch, b/shortcut, b/sum and
the activation behind the sum. Where the block is plain there is only that activation.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench import ranges
from bench.conventions import BATCH_NORM
from bench.errors import UserError
from bench.spec import Buffer, Parameter, Spec, count, layer, norm_constants, normalized, scaled

SHORTCUTS = ("identity", "projection", "none")
STRIDED = ("1x1", "3x3")
CIFAR_CHANNELS = (16, 32, 64)
CHANNELS = (64, 128, 256, 512)
EXPANSION = 4  # of a bottleneck: channels after it over channels within it
IMAGENET: dict[int, tuple[tuple[int, ...], bool]] = {  # blocks of each stage; bottlenecks or basic
    18: ((2, 2, 2, 2), False),
    34: ((3, 4, 6, 3), False),
    50: ((3, 4, 6, 3), True),
    101: ((3, 4, 23, 3), True),
    152: ((3, 8, 36, 3), True),
}
# Parameters of the nets as they were published, by depth.
CIFAR_COUNTS = {20: 269_722, 32: 464_154, 44: 658_586, 56: 853_018, 110: 1_727_962}
IMAGENET_COUNTS = {
    18: 11_689_512,
    34: 21_797_672,
    50: 25_557_032,
    101: 44_549_160,
    152: 60_192_808,
}


@dataclass(frozen=True)
class Convolution:
    """Padded by kernel // 2: at stride 1 images keep their size."""

    filters: int
    kernel: int
    stride: int = 1


@dataclass(frozen=True)
class Block:
    """name: "stage1_block1". shortcut: one of SHORTCUTS; "projection" only where it projects."""

    name: str
    branch: tuple[Convolution, ...]
    shortcut: str

    @property
    def filters(self) -> int:
        return self.branch[-1].filters

    @property
    def stride(self) -> int:
        """Of the whole block: that of its shortcut."""
        return max(convolution.stride for convolution in self.branch)

    @property
    def projection(self) -> Convolution:
        """The shortcut that makes of x the shape of the branch's output."""
        return Convolution(self.filters, 1, self.stride)


def spec(
    depth: int = 20,
    inputs: tuple[int, int, int] = (32, 32, 3),
    classes: int = 10,
    shortcut: str = "identity",
    norm: Mapping[str, Any] | None = BATCH_NORM,
    width: float = 1.0,
) -> Spec:
    """The family for small images. shortcut="none" is the plain twin; width scales all channels.

    Raises UserError for a depth that is no whole number 6n + 2, an unknown name, a width that
    leaves no whole number of channels, and as net() does.
    """
    if type(depth) is not int or depth < 8 or depth % 6 != 2:
        raise UserError(f"a ResNet for small images has 6n + 2 layers (8, 14, 20), got {depth}")
    stages = [scaled(channels, width) for channels in CIFAR_CHANNELS]
    found = blocks(stages[0], stages, [(depth - 2) // 6] * 3, shortcut, None)
    published = (inputs, classes, shortcut, width) == ((32, 32, 3), 10, "identity", 1.0) and norm
    pinned = CIFAR_COUNTS.get(depth) if published else None
    return net(inputs, classes, Convolution(stages[0], 3), False, found, norm, pinned)


def imagenet(
    depth: int = 50,
    inputs: tuple[int, int, int] = (224, 224, 3),
    classes: int = 1000,
    shortcut: str = "projection",
    norm: Mapping[str, Any] | None = BATCH_NORM,
    width: float = 1.0,
    strided: str = "1x1",
) -> Spec:
    """The family for large images. strided: which convolution of a bottleneck has its stride.

    Raises UserError for another depth than 18, 34, 50, 101 and 152, and as spec() does.
    """
    if type(depth) is not int or depth not in IMAGENET:
        raise UserError(f"a ResNet for large images has {list(IMAGENET)} layers, got {depth}")
    ranges.choice("convolution with the stride", strided, STRIDED)
    repeats, bottleneck = IMAGENET[depth]
    stages = [scaled(channels, width) for channels in CHANNELS]
    found = blocks(stages[0], stages, repeats, shortcut, strided if bottleneck else None)
    published = (inputs, classes, shortcut, width) == ((224, 224, 3), 1000, "projection", 1.0)
    pinned = IMAGENET_COUNTS[depth] if published and norm else None
    return net(inputs, classes, Convolution(stages[0], 7, 2), True, found, norm, pinned)


def blocks(
    channels: int, stages: Sequence[int], repeats: Sequence[int], shortcut: str, strided: str | None
) -> tuple[Block, ...]:
    """Stage by stage, behind a stem with so many channels; strided is None for basic blocks.

    Raises UserError for an unknown shortcut.
    """
    ranges.choice("shortcut", shortcut, SHORTCUTS)
    found = []
    for stage, (filters, repeat) in enumerate(zip(stages, repeats, strict=True), start=1):
        for number in range(1, repeat + 1):
            stride = 2 if stage > 1 and number == 1 else 1
            if strided is None:
                branch = (Convolution(filters, 3, stride), Convolution(filters, 3))
            else:
                first, second = (stride, 1) if strided == "1x1" else (1, stride)
                last = Convolution(EXPANSION * filters, 1)
                branch = (Convolution(filters, 1, first), Convolution(filters, 3, second), last)
            kept = stride == 1 and channels == branch[-1].filters
            kind = "identity" if shortcut == "projection" and kept else shortcut
            found.append(Block(f"stage{stage}_block{number}", branch, kind))
            channels = branch[-1].filters
    return tuple(found)


def net(
    inputs: tuple[int, int, int],
    classes: int,
    stem: Convolution,
    pooled: bool,
    blocks: Sequence[Block],
    norm: Mapping[str, Any] | None = BATCH_NORM,
    pinned: int | None = None,
) -> Spec:
    """Any residual net. pooled: whether a max pooling follows the stem. pinned: its number of
    parameters, where that is known.

    Raises UserError for inputs that are no height, width and channels, and for images that the
    blocks do not halve exactly or leave one pixel of.
    """
    _check_sides(inputs, stem.stride * (2 if pooled else 1), blocks)
    parameters: dict[str, Parameter] = {}
    buffers: dict[str, Buffer] = {}
    activations: dict[str, tuple[int, ...]] = {}

    def convolution(name: str, norm_name: str, shape: tuple[int, ...]) -> None:
        added = normalized(name, norm_name, shape, norm, size)
        parameters.update(added[0])
        buffers.update(added[1])
        activations.update(added[2])

    size, channels = _halved(inputs[:2], stem.stride), inputs[2]
    convolution("conv1", "bn1", (stem.kernel, stem.kernel, channels, stem.filters))
    channels = stem.filters
    activations["relu1"] = (*size, channels)
    if pooled:
        size = _halved(size, 2)
        activations["pool1"] = (*size, channels)
    for block in blocks:
        before = channels
        for number, one in enumerate(block.branch, start=1):
            names = f"{block.name}/conv{number}", f"{block.name}/bn{number}"
            size = _halved(size, one.stride)
            convolution(*names, (one.kernel, one.kernel, channels, one.filters))
            channels = one.filters
            if number < len(block.branch):
                activations[f"{block.name}/relu{number}"] = (*size, channels)
        made = (*size, channels)
        if block.shortcut != "none":
            activations[f"{block.name}/branch"] = made
            if block.shortcut == "projection":
                names = f"{block.name}/projection", f"{block.name}/projection_bn"
                convolution(*names, (1, 1, before, channels))
            activations |= {f"{block.name}/shortcut": made, f"{block.name}/sum": made}
        activations[f"{block.name}/relu{len(block.branch)}"] = made
    parameters |= layer("fc", (channels, classes))
    return Spec(
        architecture="resnet",
        parameters=parameters,
        parameter_count=pinned or count(parameters),
        inputs={"x": inputs, "y": ()},
        functions=("logits",),
        objectives=("cross_entropy",),
        activations={**activations, "mean": (channels,), "logits": (classes,)},
        decisions=("pool1",) if pooled else (),
        buffers=buffers,
        ranges={"y": ranges.labels(classes)},
        options={
            "stem": stem,
            "pooled": pooled,
            "blocks": tuple(blocks),
            "norm": norm_constants(norm),
        },
    )


def _halved(size: tuple[int, ...], stride: int) -> tuple[int, ...]:
    """Rows and columns behind a stride; _check_sides() leaves no remainder."""
    return tuple(side // stride for side in size)


def _check_sides(inputs: tuple[int, int, int], stride: int, blocks: Sequence[Block]) -> None:
    """Raise UserError for inputs that are no image, not halved exactly, or end as one pixel."""
    for block in blocks:
        stride *= block.stride
    rows, columns, _ = ranges.image(inputs)
    if min(rows, columns) < 2 * stride or rows % stride or columns % stride:
        raise UserError(
            f"this ResNet needs images whose sides are multiples of {stride}, "
            f"{2 * stride} or more, got {inputs}"
        )
