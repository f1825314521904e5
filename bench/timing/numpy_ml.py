"""NumPy's convolution against that of numpy-ml, a layer of the same kind that others wrote.

    python -m pip install --no-deps numpy-ml==0.1.2
    python -m bench.timing.numpy_ml [--rounds 20] [--json FILE]

Both convolutions of the deck's LeNet, forward and backward to weights, bias and images, 64 images,
float32: the written-out variant, the native one and numpy-ml's Conv2D take turns in one process on
one thread (turns.py), on the clock of its CPU time. What they compute is compared first. That
numpy-ml makes the gradient of images in float64, whatever it is given, is its own. The ratio is
numpy-ml's time over that of each, paired by round: the median, with its interval.

numpy-ml is under the GNU GPL and no part of the suite: who wants to compare installs it. Its last
version imports a name that Python 3.10 moved, and examples that need more packages, so that its
layers are imported by themselves.
"""

import argparse
import collections
import collections.abc
import importlib
import importlib.util
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from bench import command, ranges, store, threads, weights
from bench.errors import UserError
from bench.randomness import stream
from bench.specs import lenet
from bench.timing import ratios, turns
from implementations.numpy import layers
from implementations.numpy.native import convolution as native
from implementations.numpy.tape import Node, Tape, Workspace

OTHER = "numpy-ml"
EXAMPLES = 64
AGREE = 1e-4  # of the largest entry: a sum of 50,000 products in float32, in another order

Found = Mapping[str, np.ndarray]
Layer = Callable[[], Found]  # the output, and the gradients that were asked for


@dataclass(frozen=True)
class Compared:
    """How many times as long numpy-ml takes, with its interval; milliseconds of both passes."""

    layer: str
    variant: str
    rounds: int
    ms: float
    other_ms: float
    ratio: float
    low: float
    high: float


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--json", type=Path, default=None, help="also write a file for machines")
    arguments = parser.parse_args()
    ranges.number("rounds", arguments.rounds, ratios.ENOUGH_ROUNDS)
    threads.pin(1)
    conv2d = imported().Conv2D
    rows = [row for name in ("conv1", "conv2") for row in measured(name, conv2d, arguments.rounds)]
    show(rows)
    if arguments.json:
        store.write_file(arguments.json, store.canonical([asdict(row) for row in rows]))
    return 0


def imported() -> ModuleType:
    """numpy-ml's layers. Raises UserError where it is not installed."""
    found = importlib.util.find_spec("numpy_ml")
    if found is None or not found.submodule_search_locations:
        raise UserError(
            f"{OTHER} is not installed: python -m pip install --no-deps numpy-ml==0.1.2"
        )
    package = ModuleType("numpy_ml")  # in place of one that imports everything
    package.__path__ = list(found.submodule_search_locations)
    sys.modules["numpy_ml"] = package
    moved: Any = collections
    moved.Hashable = collections.abc.Hashable
    return importlib.import_module("numpy_ml.neural_nets.layers")


def measured(name: str, conv2d: Any, rounds: int) -> list[Compared]:
    """Of one layer of the net. Raises UserError where they do not compute the same."""
    contestants = built(name, conv2d)
    found = {who: layer() for who, layer in contestants.items()}
    for who, computed in found.items():
        for what, right in found["reference"].items():
            apart = np.abs(computed[what] - right).max() / np.abs(right).max()
            if not apart <= AGREE:
                raise UserError(f"{name}: {what} of {who} is {apart:.1e} off the reference's")
    times = turns.measure(contestants, lambda: None, rounds)
    other = times[OTHER]
    rows: list[Compared] = []
    for variant in ("reference", "native"):
        told = ratios.compared(other, times[variant])
        own, its = (1000 * float(np.median(t)) for t in (times[variant], other))
        rows.append(Compared(name, variant, rounds, own, its, told.ratio, told.low, told.high))
    return rows


def built(name: str, conv2d: Any) -> dict[str, Layer]:
    """Who computes the layer, on the same images, weights and gradient of the output."""
    spec = lenet.spec()
    start = weights.initial(spec, 0).parameters
    weight, bias = (start[f"{name}/{part}"].astype(np.float32) for part in ("weight", "bias"))
    before = {"conv1": spec.inputs["x"], "conv2": spec.activations["pool1"]}[name]
    draws = stream(0, "numpy-ml")
    x = draws.normal(size=(EXAMPLES, *before)).astype(np.float32)
    delta = draws.normal(size=(EXAMPLES, *spec.activations[name])).astype(np.float32)
    padding = weight.shape[0] // 2

    def ours(convolution: Callable[[Node, Node, Node, int, int], Node]) -> Layer:
        workspace = Workspace()

        def both() -> Found:
            workspace.reclaim()
            tape = Tape(workspace)
            images, w, b = Node(x, tape, True), Node(weight, tape, True), Node(bias, tape, True)
            y = convolution(images, w, b, 1, padding)
            output = y.value
            y.gradient = delta.copy()  # which the layer may overwrite
            tape.backward([])
            return {"y": output, "weight": w.found(), "bias": b.found(), "x": images.found()}

        return both

    layer = conv2d(weight.shape[3], weight.shape[:2], padding)
    layer.forward(x[:1], retain_derived=False)  # which draws its parameters
    layer.parameters = {"W": weight, "b": bias.reshape(1, 1, 1, -1)}
    layer.gradients = {key: np.zeros_like(array) for key, array in layer.parameters.items()}

    def theirs() -> Found:
        layer.flush_gradients()
        y = layer.forward(x)
        through = layer.backward(delta)
        weight, bias = layer.gradients["W"], layer.gradients["b"].reshape(-1)
        return {"y": y, "weight": weight, "bias": bias, "x": through}

    return {
        "reference": ours(layers.convolution),
        "native": ours(native.convolution),
        OTHER: theirs,
    }


def show(rows: list[Compared]) -> None:
    """A table for a terminal, or for a file."""
    from rich.console import Console
    from rich.table import Table

    table = Table(title=f"{OTHER} / NumPy, CPU time of forward and backward", box=None)
    for title in ("layer", "variant", "ms", f"{OTHER} ms", "ratio", "95 %"):
        table.add_column(title, justify="left" if title in ("layer", "variant") else "right")
    for row in rows:
        interval = f"{row.low:.1f} to {row.high:.1f}"
        table.add_row(
            row.layer,
            row.variant,
            f"{row.ms:.1f}",
            f"{row.other_ms:.1f}",
            f"{row.ratio:.1f}",
            interval,
        )
    Console(width=120).print(table)


if __name__ == "__main__":
    command.run(main)
