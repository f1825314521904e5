"""Floating-point operations of a net, and the least it moves: counted from its spec, not measured.

    python -m bench.operations [--nets lenet resnet] [--examples 64]

A layer with weights w that meets one example at P positions (Spec.applied()) costs, a
multiplication and an addition counting as two,

    forward                2 P |w|                 a convolution: 2 k_h k_w C_in C_out H_out W_out
    gradient by weight     2 P |w|
    gradient by input      2 P |w|, but nothing where nothing is learned before the layer

for each example. Products with weights are all that is counted: biases, activations, poolings,
batch norm and losses do a few operations for every number they move, so that memory and not
arithmetic is what they cost. PyTorch's FlopCounterMode counts in the same way, and a test compares
the two. The update rule works number by number too; its share is told apart.

The bytes are those of everything a call cannot do without, each array once: the batch, the
parameters, the buffers and what the layers with weights make; for a training step also the
gradients of the parameters and what the optimizer remembers. Whatever is written and read again,
and every array between two layers that is not fused with them, comes on top. So the intensity,

    operations / bytes,

is the highest a layer-by-layer step can have, and min(GEMM, intensity x stream) of
bench/timing/limits.py a limit from above: Williams, Waterman and Patterson (2009), "Roofline: an
insightful visual performance model for multicore architectures".
"""

import argparse
import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from bench import command, conventions, ranges, spec
from bench.optimizers import Optimizer
from bench.spec import Spec

LABEL = np.dtype(np.int64).itemsize


@dataclass(frozen=True)
class Rule:
    """slots: numbers remembered for each parameter. operations: for each parameter in a step."""

    slots: int
    operations: int


# As many operations as the equations of bench/contract.py have, whatever does not depend on the
# parameter (1 - beta^t) computed once.
RULES = {
    "sgd": Rule(0, 2),
    "momentum": Rule(1, 4),
    "deck_momentum": Rule(1, 4),
    "adagrad": Rule(1, 7),
    "adam": Rule(2, 14),
    "deck_adam": Rule(2, 14),
}


@dataclass(frozen=True)
class Work:
    """What one call does for a batch. The optimizer's operations are not among `operations`."""

    forward: int
    backward: int
    optimizer: int
    bytes: int

    @property
    def operations(self) -> int:
        return self.forward + self.backward

    @property
    def intensity(self) -> float:
        """Operations for each byte."""
        return self.operations / self.bytes


def forward(net: Spec, examples: int, dtype: str = "float32") -> Work:
    """A forward pass. Raises UserError for fewer than one example."""
    ranges.number("examples", examples, ranges.AT_LEAST_ONE)
    itemsize = np.dtype(dtype).itemsize
    once = net.parameter_count + sum(math.prod(b.shape) for b in net.buffers.values())
    labels = examples * LABEL * math.prod(net.inputs["y"]) if "y" in net.inputs else 0
    entries = sum(math.prod(shape) for name, shape in net.inputs.items() if name != "y")
    made = sum(math.prod(net.output(layer)) for layer in net.layers())
    return Work(
        forward=examples * sum(_products(net).values()),
        backward=0,
        optimizer=0,
        bytes=itemsize * (once + examples * (entries + made)) + labels,
    )


def update(net: Spec, examples: int, optimizer: Optimizer, dtype: str = "float32") -> Work:
    """A training step of all parameters. Raises UserError for fewer than one example."""
    alone, rule = forward(net, examples, dtype), RULES[optimizer.name]
    products = _products(net)
    first = net.first_layers or tuple(products)[:1]
    onwards = sum(count for name, count in products.items() if name not in first)
    remembered = net.parameter_count * (1 + rule.slots)  # with the gradients
    return Work(
        forward=alone.forward,
        backward=alone.forward + examples * onwards,
        optimizer=net.parameter_count * rule.operations,
        bytes=alone.bytes + np.dtype(dtype).itemsize * remembered,
    )


def _products(net: Spec) -> dict[str, int]:
    """Operations of each layer's product with one example, in the order of the parameters."""
    return {
        layer: 2 * net.applied(layer) * math.prod(weight.shape)
        for layer, weight in net.layers().items()
    }


def main() -> int:
    parser = argparse.ArgumentParser(description="Operations and least bytes of the nets.")
    parser.add_argument(
        "--nets", nargs="+", default=spec.names(), metavar="NET", help=", ".join(spec.names())
    )
    parser.add_argument("--examples", type=int, default=64)
    arguments = parser.parse_args()
    for name in arguments.nets:
        ranges.choice("net", name, spec.names())
    show({name: spec.get(name) for name in arguments.nets}, arguments.examples)
    return 0


def show(nets: Mapping[str, Spec], examples: int) -> None:
    """A table for a terminal, or for a file: a forward pass, and a training step with Adam."""
    from rich.console import Console
    from rich.table import Table

    table = Table(
        title=f"{examples} examples, float32: millions of operations, megabytes, operations a byte",
        box=None,
    )
    table.add_column("net")
    for title in ("forward", "MB", "a byte", "step", "Adam", "MB", "a byte"):
        table.add_column(title, justify="right")
    for name, net in nets.items():
        alone, step = forward(net, examples), update(net, examples, conventions.usual_adam())
        counted = [alone.operations, alone.bytes, step.operations, step.optimizer, step.bytes]
        cells = [f"{number / 1e6:,.1f}" for number in counted]
        cells.insert(2, f"{alone.intensity:.1f}")
        table.add_row(name, *cells, f"{step.intensity:.1f}")
    Console().print(table)


if __name__ == "__main__":
    command.run(main)
