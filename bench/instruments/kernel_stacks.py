"""Nets with stacks of small kernels, and their counterparts with large ones that see as much."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench import conventions
from bench.claim import Job
from bench.instruments.feature_maps import seen
from bench.instruments.parameters import counted
from bench.spec import Spec
from bench.specs import vgg

Stages = tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class Pair:
    """The kernels of a net with stacks and of its counterpart, stage by stage."""

    stacked: Stages
    single: Stages
    norm: bool = True


# What is counted: two and three convolutions on equal channels, then where a stage doubles them.
COUNTED: tuple[Stages, Stages] = (
    ((3, 3), (3, 3, 3), (3, 3), (3, 3, 3)),
    ((5,), (7,), (5,), (7,)),
)
COUNTED_CHANNELS = 8


def nets(pair: Pair, channels: int, inputs: tuple[int, int, int], classes: int) -> dict[str, Spec]:
    """With stacks, with large kernels and as many channels, with large kernels and as many
    parameters: of all channels that are alike or one apart those that come nearest.
    """
    norm = conventions.BATCH_NORM if pair.norm else None

    def net(stages: Stages, widths: Sequence[int]) -> Spec:
        return vgg.net(stages, widths, inputs, classes, norm=norm)

    equal = (channels,) * len(pair.single)
    stacked = net(pair.stacked, equal)
    narrower = (
        net(pair.single, widths)
        for least in range(1, channels + 1)
        for widths in itertools.product((least, min(least + 1, channels)), repeat=len(equal))
    )
    nearest = min(narrower, key=lambda s: abs(s.parameter_count - stacked.parameter_count))
    return {"stacked": stacked, "width": net(pair.single, equal), "parameters": nearest}


def counts(job: Job) -> dict[str, float]:
    """Weights of two and three 3x3 convolutions and of a 5x5 and a 7x7 one, as they were built."""
    channels = (COUNTED_CHANNELS, COUNTED_CHANNELS, 2 * COUNTED_CHANNELS, 4 * COUNTED_CHANNELS)
    small, large = (
        counted(job, vgg.net(stages, channels, (16, 16, COUNTED_CHANNELS), 1)) for stages in COUNTED
    )
    two, three, two_doubling, three_doubling = (of_stage(small, s) for s in (1, 2, 3, 4))
    five, seven, five_doubling, seven_doubling = (of_stage(large, s) for s in (1, 2, 3, 4))
    return {
        "two_error": abs(25 * two - 18 * five),
        "three_error": abs(49 * three - 27 * seven),
        "two_doubling": two_doubling / five_doubling,
        "three_doubling": three_doubling / seven_doubling,
    }


def of_stage(sizes: Mapping[str, int], stage: int) -> int:
    """Weights of a stage's convolutions."""
    return sum(size for name, size in sizes.items() if name.startswith(f"conv{stage}_"))


def view(stages: Stages) -> int:
    """Side of the square of pixels that a unit behind the last pooling sees."""
    return seen(
        window for kernels in stages for window in (*((side, 1) for side in kernels), (2, 2))
    )
