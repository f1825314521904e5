"""Does a net with half of its units put out run faster?

A unit that is put out is multiplied by 0: the matrix products keep their size, and the products
with the masks are added. A net that has half of the units does a quarter of the work between its
hidden layers. So one training step is measured of four nets, in turns on the CPU clock
(bench/timing/turns.py), with the plain net twice:

    plain       784-w-w-10
    again       the same net under another name: what a ratio of 1 looks like here (A/A)
    masked      the same widths with masks of the input and of both hidden layers, made beforehand
    drawn       the same, and at every step the masks are drawn by the framework's own generator and
                handed over with the batch
    narrow      784-w/2-w/2-10, as many units as the masks leave

The optimizer is plain gradient descent, which costs least beside the passes that are compared.
Ratios are given in doublings of the speed, log2(seconds plain / seconds other), each the median
over rounds of ratios within a round. "Faster" begins at a tenth: log2 1.1 = 0.14. Planned for a
deviation of 0.1 over runs; an effect of 0.14 beyond it is then seen with 9 runs with a power of
0.96.
"""

import importlib
import math
from collections.abc import Callable

import numpy as np

from bench import weights
from bench.claim import Budget, Claim, Figure, Job, Outcome
from bench.contract import System, Update
from bench.hypothesis import AtLeast, Hypothesis
from bench.optimizers import sgd
from bench.randomness import stream
from bench.spec import Spec
from bench.specs import mlp
from bench.systems import system_for
from bench.timing import turns

FASTER = round(math.log2(1.1), 2)  # doublings of the speed
DEVIATION = 0.1
KEEP_INPUT, KEEP_HIDDEN = 0.8, 0.5
RATE = 1e-4  # of all steps: what is learned does not matter here
SETTINGS = {"batch_size": 64, "width": 512}

CLAIM = Claim(
    name="dropout_speed",
    title="Fewer nodes, hence faster?",
    topic="dropout",
    deck="Moins de nœuds ⇒ plus rapide",
    translation="Fewer nodes, hence faster",
    compared=(
        "One training step of a perceptron with two wide hidden layers, plain and with dropout "
        "(p = 0.8 for the input, 0.5 for hidden units), and of a perceptron that truly has half "
        "of the hidden units. Process CPU seconds, the nets taking turns; the plain net is "
        "measured twice, which shows how large a difference is without a cause."
    ),
    arms={"step": "one training step: forward, backward, plain gradient descent"},
    metrics={
        "masked": "doublings of the speed with masks made beforehand; below 0 is slower",
        "drawn": "doublings of the speed with masks drawn and handed over at every step",
        "narrow": "doublings of the speed with half of the hidden units and no masks",
        "again": "doublings of the speed of the plain net under another name: the noise",
        "milliseconds": "CPU time of one step of the plain net, median over rounds",
    },
    hypotheses=(
        Hypothesis(
            name="units put out",
            statement="With half of the hidden units put out by masks a step is a tenth faster.",
            rule=AtLeast("masked", "step", FASTER, FASTER, DEVIATION),
            setting="units put out by masks",
        ),
        Hypothesis(
            name="units that are not there",
            statement="With half as many hidden units a step is a tenth faster.",
            rule=AtLeast("narrow", "step", FASTER, FASTER, DEVIATION),
            setting="units that are not there",
        ),
    ),
    budgets={
        "smoke": Budget((0,), 0, {**SETTINGS, "width": 16, "rounds": 1, "at_least": 0.001}),
        "standard": Budget((0,), 2, {**SETTINGS, "rounds": 10, "at_least": 0.02}),
        "extended": Budget(tuple(range(10)), 0, {**SETTINGS, "rounds": 40, "at_least": 0.1}),
    },
    architectures=("mlp",),
    techniques=("dropout",),
    clocked=("masked", "drawn", "narrow", "again", "milliseconds"),
    figures=(
        Figure(
            "rounds",
            "CPU time of one training step in every round",
            x="round",
            y="milliseconds",
            hue="net",
        ),
    ),
)


def nets(width: int) -> dict[str, Spec]:
    """Name of a net -> its spec."""
    plain = mlp.spec(widths=(width, width))
    masked = mlp.spec(
        widths=(width, width), dropout="deck", keep_input=KEEP_INPUT, keep_hidden=KEEP_HIDDEN
    )
    narrow = mlp.spec(widths=(width // 2, width // 2))
    return {"plain": plain, "masked": masked, "narrow": narrow}


def run(job: Job) -> Outcome:
    """All nets in turns."""
    settings, size = job.settings, job.settings["batch_size"]
    dropout = importlib.import_module(f"implementations.{job.framework}.techniques.dropout")
    draws = stream(job.seed, "dropout_speed")
    batch = {"x": draws.normal(size=(size, 28, 28, 1)), "y": draws.integers(0, 10, size)}
    specs = nets(settings["width"])
    systems = {name: system_for(job, spec, {"step": _update()}) for name, spec in specs.items()}
    for name, system in systems.items():
        system.load(weights.initial(specs[name], job.seed))
    count = 0

    def masks() -> dict[str, np.ndarray]:
        nonlocal count
        drawn = {}
        for layer, keep in specs["masked"].options["keep"].items():
            count += 1
            shape = (size, *specs["masked"].inputs[f"dropout/{layer}"])
            drawn[f"dropout/{layer}"] = dropout.draw(shape, keep, count)
        return drawn

    def calling(system: System, entries: dict[str, np.ndarray]) -> Callable[[], None]:
        staged = system.stage(entries)
        return lambda: system.update("step", staged, RATE)

    masked = systems["masked"]
    calls: dict[str, Callable[[], None]] = {
        "plain": calling(systems["plain"], batch),
        "masked": calling(masked, {**batch, **masks()}),
        "narrow": calling(systems["narrow"], batch),
        "drawn": lambda: masked.update("step", masked.stage({**batch, **masks()}), RATE),
        "again": calling(systems["plain"], batch),
    }
    job.report(0.1, "nets in turns")
    settle = turns.settling(systems.values())
    times = turns.measure(calls, settle, settings["rounds"], settings["at_least"])
    return Outcome(
        metrics={
            **{name: turns.log2_ratio(times, "plain", name) for name in calls if name != "plain"},
            "milliseconds": 1000 * float(np.median(times["plain"])),
        },
        series={
            "rounds": [
                {"round": number, "net": name, "milliseconds": 1000 * seconds}
                for name, measured in times.items()
                for number, seconds in enumerate(measured, 1)
            ]
        },
    )


def _update() -> Update:
    return Update("cross_entropy", ("",), sgd())
