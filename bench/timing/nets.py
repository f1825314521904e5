"""The nets that are timed, each with the size of its batch, and the batches of noise that it gets.

What a step costs does not depend on what the images show, only on their number and size. The rate
is a usual one: from the weights it begins with, a net makes as many steps as one measurement takes.
"""

import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from bench import conventions
from bench.contract import Update
from bench.randomness import stream
from bench.spec import Spec
from bench.specs import convnet, fusion_segnet, lenet, mlp, resnet, segnet, vgg

UPDATE = Update("cross_entropy", ("",), conventions.usual_adam())
RATE = 1e-3
BATCHES = 4  # that take turns, so that no image waits in a cache for the next step


@dataclass(frozen=True)
class Timed:
    make: Callable[[], Spec]
    examples: int  # of a batch


NETS: dict[str, Timed] = {
    "mlp": Timed(mlp.spec, 64),
    "mlp_wide": Timed(functools.partial(mlp.spec, widths=(512, 512)), 64),
    "mlp_norm": Timed(functools.partial(mlp.spec, norm=conventions.BATCH_NORM), 64),
    "convnet": Timed(convnet.spec, 64),
    "lenet": Timed(lenet.spec, 64),
    "vgg": Timed(vgg.spec, 64),
    "resnet": Timed(resnet.spec, 64),
    "segnet": Timed(segnet.spec, 16),
    "fusion_segnet": Timed(fusion_segnet.spec, 16),
}


def batches(spec: Spec, examples: int, number: int = BATCHES) -> Iterator[dict[str, np.ndarray]]:
    """Images of noise, and labels of the two classes that every net has."""
    for step in range(number):
        draws = stream(0, "timed batches", step)
        yield {
            "x": draws.normal(size=(examples, *spec.inputs["x"])).astype("float32"),
            "y": draws.integers(0, 2, (examples, *spec.inputs["y"])),
        }
