"""How fast the native variant of a framework is, compared with its reference.

    python -m bench.timing.variants --framework pytorch [--nets mlp lenet] [--rounds 20]

Both variants of a net take turns in one process, on the clock of its CPU time (turns.py): a whole
training step with Adam, and a forward pass at inference, in float32, on a batch of noise. A ratio
below 1 says that the native one needs less time. It is the median over the rounds, beside its
quartiles; the control is the reference under a second name.
"""

import argparse
import functools
import importlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import ModuleType

import numpy as np

import implementations
from bench import command, conventions, plan, ranges, threads, weights
from bench.contract import INFERENCE, VARIANTS, Config, System, Update
from bench.errors import UserError
from bench.randomness import stream
from bench.spec import Spec
from bench.specs import convnet, fusion_segnet, lenet, mlp, resnet, segnet, vgg
from bench.timing import turns
from bench.training import TRAIN

NETS: dict[str, tuple[Callable[[], Spec], int]] = {  # with the images of a batch
    "mlp": (mlp.spec, 64),
    "mlp_norm": (functools.partial(mlp.spec, norm=conventions.BATCH_NORM), 64),
    "convnet": (convnet.spec, 64),
    "lenet": (lenet.spec, 64),
    "vgg": (vgg.spec, 32),
    "resnet": (resnet.spec, 16),
    "segnet": (segnet.spec, 16),
    "fusion_segnet": (fusion_segnet.spec, 16),
}
RATE = 1e-6  # of steps that are only measured: the weights stay where they are
CONTROL = "control"


@dataclass(frozen=True)
class Row:
    """CPU seconds of one call, by variant and round."""

    net: str
    examples: int
    call: str
    times: Mapping[str, list[float]]

    def milliseconds(self, variant: str) -> float:
        return 1000 * float(np.median(self.times[variant]))

    def ratios(self, name: str) -> tuple[float, float, float]:
        """Median and quartiles over the rounds of what is divided by the reference's time."""
        by_round = np.divide(self.times[name], self.times["reference"])
        low, middle, high = np.quantile(by_round, [0.25, 0.5, 0.75])
        return float(middle), float(low), float(high)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--framework", required=True, choices=implementations.names())
    parser.add_argument(
        "--nets", nargs="+", default=list(NETS), metavar="NET", help=", ".join(NETS)
    )
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    for net in arguments.nets:
        ranges.choice("net", net, NETS)
    for name in ("rounds", "threads"):
        ranges.number(name, getattr(arguments, name), ranges.AT_LEAST_ONE)
    if plan.installed(arguments.framework) is None:
        raise UserError(f"{plan.package(arguments.framework)} is not installed")
    threads.pin(arguments.threads)
    adapter = importlib.import_module(f"implementations.{arguments.framework}.adapter")
    rows: list[Row] = []
    for net in arguments.nets:
        rows += measured(adapter, net, arguments.rounds, arguments.threads)
    show(arguments.framework, rows)
    return 0


def measured(adapter: ModuleType, net: str, rounds: int, threads: int) -> Iterator[Row]:
    """A training step and a forward pass of both variants, in turns."""
    make, examples = NETS[net]
    spec = make()
    update = Update("cross_entropy", ("",), conventions.usual_adam())
    systems: dict[str, System] = {}
    for variant in VARIANTS:
        config = Config(threads=threads, variant=variant)
        systems[variant] = adapter.build(spec, {TRAIN: update}, config)
        systems[variant].load(weights.initial(spec, 0))
    batches = {name: system.stage(noise(spec, examples)) for name, system in systems.items()}
    settle = turns.settling(systems.values())

    def timed(call: str, function: Callable[[str], Callable[[], None]]) -> Row:
        calls = {name: function(name) for name in systems}
        calls[CONTROL] = calls["reference"]
        return Row(net, examples, call, turns.measure(calls, settle, rounds))

    yield timed(
        "update", lambda name: functools.partial(systems[name].update, TRAIN, batches[name], RATE)
    )
    yield timed(
        "forward",
        lambda name: functools.partial(systems[name].forward, "logits", batches[name], INFERENCE),
    )
    for system in systems.values():
        system.close()


def noise(spec: Spec, examples: int) -> dict[str, np.ndarray]:
    """Images of noise, and labels of the two classes that every net has."""
    draws = stream(0, "variants")
    return {
        "x": draws.normal(size=(examples, *spec.inputs["x"])),
        "y": draws.integers(0, 2, (examples, *spec.inputs["y"])),
    }


def show(framework: str, rows: list[Row]) -> None:
    """A table for a terminal, or for a file."""
    from rich.console import Console
    from rich.table import Table

    table = Table(title=f"CPU time of {framework}, native / reference", box=None)
    for title in ("net", "batch", "call", "reference", "native", "ratio", "quartiles", "control"):
        table.add_column(title, justify="left" if title in ("net", "call") else "right")
    for row in rows:
        times = [f"{row.milliseconds(name):.2f} ms" for name in VARIANTS]
        ratio, low, high = row.ratios("native")
        control, _, _ = row.ratios(CONTROL)
        found = [f"{ratio:.2f}", f"{low:.2f} to {high:.2f}", f"{control:.2f}"]
        table.add_row(row.net, str(row.examples), row.call, *times, *found)
    Console().print(table)


if __name__ == "__main__":
    command.run(main)
