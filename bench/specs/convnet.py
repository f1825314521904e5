"""A convolutional net whose blocks are options: where a technique of the deck meets convolutions.

    block i   conv{i} -> [bn{i}] -> activation{i} -> pool{i}
    then      flatten in (height, width, channel) order
    dense j   fc{j} -> activation            for every width of `dense`
    last      fc{n} -> logits
    loss = -(1/B) sum_b log softmax(logits_b)[y_b]

The default is LeCun, Bottou, Bengio and Haffner's LeNet-5 (1998) as it is taught today, with ReLU
and max pooling, 61,706 parameters:

    conv1 5x5, 1 -> 6, padding 2    pool1 2x2    (14, 14, 6)
    conv2 5x5, 6 -> 16              pool2 2x2    (5, 5, 16)
    fc1 400 -> 120    fc2 120 -> 84    fc3 84 -> 10
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench import ranges
from bench.errors import UserError
from bench.spec import Buffer, Parameter, Spec, count, layer, norm_constants, normalized
from bench.specs.mlp import ACTIVATIONS

POOLINGS = ("max", "average", "none")
DEFAULT_COUNT = 61_706


@dataclass(frozen=True)
class Block:
    """One convolution with what follows it. Pooling windows are window x window, stride window.

    Raises UserError for an unknown pooling, a size that is not at least 1, negative padding.
    """

    filters: int
    kernel: int
    stride: int = 1
    padding: int = 0
    pooling: str = "max"
    window: int = 2

    def __post_init__(self) -> None:
        ranges.choice("pooling", self.pooling, POOLINGS)
        for name in ("filters", "kernel", "stride", "window"):
            ranges.number(f"{name} of a block", getattr(self, name), ranges.AT_LEAST_ONE)
        ranges.number("padding of a block", self.padding, ranges.NOT_NEGATIVE)


LENET5 = (Block(6, 5, padding=2), Block(16, 5))


def spec(
    inputs: tuple[int, int, int] = (28, 28, 1),
    blocks: Sequence[Block] = LENET5,
    dense: Sequence[int] = (120, 84),
    classes: int = 10,
    activation: str = "relu",
    norm: Mapping[str, Any] | None = None,
) -> Spec:
    """norm: bench.conventions.BATCH_NORM, or other constants of batch norm; None: without.

    Raises UserError for an unknown name, and for a block that leaves no pixel.
    """
    ranges.choice("activation", activation, ACTIVATIONS)
    parameters: dict[str, Parameter] = {}
    buffers: dict[str, Buffer] = {}
    activations: dict[str, tuple[int, ...]] = {}
    rows, columns, channels = ranges.image(inputs)
    for number, block in enumerate(blocks, start=1):
        shape = (block.kernel, block.kernel, channels, block.filters)
        convolved = tuple(_convolved(side, block) for side in (rows, columns))
        added = normalized(f"conv{number}", f"bn{number}", shape, norm, convolved)
        parameters |= added[0]
        buffers |= added[1]
        activations |= {**added[2], f"{activation}{number}": (*convolved, block.filters)}
        rows, columns = (_pooled(side, block) for side in convolved)
        if rows < 1 or columns < 1:
            raise UserError(f"block {number} of {len(blocks)} leaves no pixel of {inputs}")
        if block.pooling != "none":
            activations[f"pool{number}"] = (rows, columns, block.filters)
        channels = block.filters
    sizes = [rows * columns * channels, *dense, classes]
    for number in range(1, len(sizes)):
        last = number == len(sizes) - 1
        parameters |= layer(f"fc{number}", (sizes[number - 1], sizes[number]))
        made = ("logits",) if last else (f"fc{number}", f"{activation}{len(blocks) + number}")
        activations |= dict.fromkeys(made, (sizes[number],))
    default = (inputs, tuple(blocks), tuple(dense), classes, norm) == (
        *((28, 28, 1), LENET5, (120, 84), 10, None),
    )
    return Spec(
        architecture="convnet",
        parameters=parameters,
        parameter_count=DEFAULT_COUNT if default else count(parameters),
        inputs={"x": inputs, "y": ()},
        functions=("logits",),
        objectives=("cross_entropy",),
        activations=activations,
        decisions=tuple(f"pool{n}" for n, b in enumerate(blocks, 1) if b.pooling == "max"),
        buffers=buffers,
        ranges={"y": ranges.labels(classes)},
        options={
            "blocks": tuple(blocks),
            "dense": len(sizes) - 1,
            "activation": activation,
            "norm": norm_constants(norm),
        },
    )


def _convolved(side: int, block: Block) -> int:
    """The side of an image after the convolution."""
    return (side + 2 * block.padding - block.kernel) // block.stride + 1


def _pooled(side: int, block: Block) -> int:
    """The side of an image after the pooling behind the convolution."""
    return side if block.pooling == "none" else side // block.window
