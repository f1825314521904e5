"""The nets that are compared: the deck's own, small ones for every technique, deep ones.

A small net is named by what it adds to a plain perceptron. Its learning rate follows the player's
own schedule, its images are turned, bent, made noisy and normalized by the player's own techniques
where the net says so, parts of a batch are averaged by the player's own, and masks come from the
seed. Nothing of this passes from one player to the other.
"""

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Literal

import numpy as np
from scipy.ndimage import gaussian_filter

from bench import systems
from bench.contract import INFERENCE, Arrays, Config, State, System
from bench.conventions import BATCH_NORM
from bench.randomness import stream
from bench.spec import Spec
from bench.specs import convnet, lenet, mlp, preprocessing, resnet, segnet, vgg
from bench.specs.convnet import Block


@dataclass(frozen=True)
class Net:
    """`work`: millions of products an example in the forward pass, what a step costs."""

    spec: Callable[[], Spec]
    work: float
    schedule: Literal["", "piecewise_constant", "exponential_decay"] = ""  # "": the harness's own
    augmented: bool = False
    dataset: str = "mnist5k"
    scenes: bool = False  # of that data set's digits, with a class for every pixel
    parts: int = 1  # of a batch: differentiated one by one, averaged, applied once
    decay: float | None = None  # of the weights


def perceptron(**options: Any) -> Callable[[], Spec]:
    return lambda: mlp.spec(widths=(32, 16), **options)


SMALL = 0.026  # 784 x 32 + 32 x 16 + 16 x 10, in millions
KEEP = {"keep_input": 0.8, "keep_hidden": 0.5}
BLOCKS = (Block(4, 3, padding=1, pooling="max"), Block(8, 3, padding=1, pooling="average"))
PATCHES = (32, 32, 1)
NETS: dict[str, Net] = {
    "lenet": Net(lenet.spec, 16.6),
    "mlp": Net(mlp.spec, 0.11),
    "sigmoid": Net(perceptron(activation="sigmoid"), SMALL, "piecewise_constant"),
    "tanh": Net(perceptron(activation="tanh"), SMALL, "exponential_decay"),
    "batch norm": Net(perceptron(norm=BATCH_NORM), SMALL),
    # Augmented, because digits are flat around: equal pixels give activations that are equal but
    # for rounding, so that every window there is a near tie, and batch norm's gradient a difference
    # of large sums that cancel.
    "convolutional batch norm": Net(
        lambda: convnet.spec(blocks=BLOCKS, dense=(16,), norm=BATCH_NORM), 0.11, augmented=True
    ),
    "deck dropout": Net(perceptron(dropout="deck", **KEEP), SMALL),
    "inverted dropout": Net(perceptron(dropout="inverted", **KEEP), SMALL),
    "accumulation": Net(perceptron(), SMALL, parts=3),  # of 16 or 8: not all alike
    "weight decay": Net(perceptron(norm=BATCH_NORM), SMALL, decay=0.01),
    # On photographs, which are cut to 32x32; augmented, they are nowhere flat.
    "vgg": Net(
        lambda: vgg.spec("A", PATCHES, 12, 1 / 8), 2.4, augmented=True, dataset="photographs"
    ),
    "resnet": Net(
        lambda: resnet.spec(20, PATCHES, 12), 40.3, augmented=True, dataset="photographs"
    ),
    # Unpooling by indices, dropout in the inner levels: a Bayesian SegNet.
    "segnet": Net(
        lambda: segnet.spec(
            PATCHES,
            3,
            (6, 8, 8),
            (1, 1, 1),
            dropout="inverted",
            keep=0.5,
            class_weights=(0.3, 1, 1),
        ),
        0.5,
        scenes=True,
    ),
}
DRAWS = ("angle", "scale", "shift", "displacement", "noise", "mean", "deviation")


def draws(seed: int, step: int, images: Sequence[int]) -> dict[str, np.ndarray]:
    """What the preprocessing of a batch of that shape needs: some degrees, pixels and per cent."""
    random = stream(seed, "conformance/augmentation", step)
    batch, height, width, _ = images
    field = random.normal(size=(batch, height, width, 2))
    return {
        "angle": np.radians(random.uniform(-15, 15, batch)),
        "scale": random.uniform(0.9, 1.1, batch),
        "shift": random.uniform(-2, 2, (batch, 2)),
        "displacement": 8 * gaussian_filter(field, sigma=(0, 3, 3, 0)),
        "noise": 0.1 * random.normal(size=tuple(images)),
        "mean": random.uniform(-0.2, 0.2, images[-1]),
        "deviation": random.uniform(0.8, 1.2, images[-1]),
    }


class Player:
    """One of the two that are compared: its system, and its own techniques around it."""

    def __init__(self, adapter: ModuleType, folder: str, net: Net, config: Config) -> None:
        self.net, self.images = net, None
        if net.augmented:
            rows, columns, channels = net.spec().inputs["x"]
            images = preprocessing.spec((rows, columns, channels))
            self.images = systems.build(adapter, images, {}, config)
            self.images.load(State({}))
        if net.schedule:
            home = f"implementations.{folder}.techniques.schedules"
            self.schedule = getattr(importlib.import_module(home), net.schedule)

    def rate(self, rate: float, step: int, steps: int) -> float:
        """By the player's own schedule: a tenth at half of the steps, or less and less."""
        if self.net.schedule == "exponential_decay":
            return self.schedule(step, rate, 0.1, float(steps))
        if self.net.schedule == "piecewise_constant":
            return self.schedule(step, [steps // 2], [rate, rate / 10])
        return rate if step < steps // 2 else rate / 10

    def prepared(self, batch: Arrays) -> Arrays:
        """The batch as the player's own augmentation and normalization make it."""
        if self.images is None:
            return batch
        x = batch["x"]
        drawn = {name: batch[name] for name in DRAWS}
        for function in ("affine", "elastic", "noisy", "standardized"):
            x = _asked(self.images, function, {**drawn, "x": x})
        return {**{name: a for name, a in batch.items() if name not in DRAWS}, "x": x}


def _asked(images: System, function: str, batch: Mapping[str, np.ndarray]) -> np.ndarray:
    return images.evaluate(function, images.stage(batch), INFERENCE).outputs["x"]
