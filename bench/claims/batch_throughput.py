"""How many examples a training step digests for each second of CPU time, by batch size.

The smallest speed-up that matters is a factor of 2 for 64 times as many examples, far below what a
pilot saw (NumPy, seeds 100 and up, which are not used again); its deviation is that of the rules,
at which nine seeds find a factor of 4 with a power above 0.99.
"""

import math

import numpy as np

from bench import conventions, training, weights
from bench.claim import Budget, Claim, Figure, Job, Outcome
from bench.contract import Update
from bench.hypothesis import AtLeast, Hypothesis
from bench.optimizers import momentum
from bench.ranges import Range
from bench.spec import Spec
from bench.specs import convnet, mlp
from bench.systems import system_for
from bench.timing import turns

SIZES = {"mlp": (1, 4, 16, 64, 256), "lenet5": (1, 8, 64)}
CONTROL = "64 again"
RATE = 1e-3  # small: the weights stay where they are, and with them what is computed

CLAIM = Claim(
    name="batch_throughput",
    title="Mini-batches use the hardware better",
    topic="mini-batches",
    deck="Mini-batch : accélération matérielle (GPU)",
    translation="Mini-batch: acceleration by the hardware (GPU)",
    compared=(
        "Whole training steps (forward, loss, backward, momentum) of one net with batches of "
        "several sizes, called by turns; the batches are on the device before the clock starts. "
        "Counted are examples for each second of CPU time. Where there is no GPU the hardware is "
        "the processor's vector units and caches: one matrix product serves the whole batch, and "
        "what is paid once a step is shared by more examples. Batches of 64 measured twice show "
        "how large a ratio is without a cause."
    ),
    arms={
        "mlp": "784-128-64-10, batches of 1, 4, 16, 64 and 256",
        "lenet5": "LeNet-5 with 61,706 parameters, batches of 1, 8 and 64",
    },
    metrics={
        "gain": "log2 of examples for each CPU second, batches of 64 / batches of 1",
        "control": "log2 of examples for each CPU second, batches of 64 / 64: should be 0",
        "examples_1": "examples for each CPU second with batches of 1",
        "examples_64": "examples for each CPU second with batches of 64",
    },
    clocked=("gain", "control", "examples_1", "examples_64"),
    hypotheses=(
        Hypothesis(
            name="perceptron",
            statement="Batches of 64 digest at least twice as many examples for each CPU second.",
            rule=AtLeast("gain", "mlp", 1.0, smallest_effect=1.0, deviation=0.4),
            setting="a perceptron",
        ),
        Hypothesis(
            name="convolutional net",
            statement=(
                "In LeNet-5 batches of 64 digest at least twice as many examples for each CPU "
                "second."
            ),
            rule=AtLeast("gain", "lenet5", 1.0, smallest_effect=1.0, deviation=0.4),
            setting="a convolutional net",
        ),
    ),
    budgets={
        "smoke": Budget((0,), 0, {"rounds": 2, "at_least": 0.001}),
        "standard": Budget((0,), 2, {"rounds": 8, "at_least": 0.02}),
        "extended": Budget(tuple(range(10)), 0, {"rounds": 30, "at_least": 0.1}),
    },
    architectures=("mlp", "convnet"),
    datasets=("mnist5k",),
    figures=(
        Figure(
            series="throughput",
            caption=(
                "Examples for each second of CPU time by batch size, median over rounds. Where the "
                "line becomes level the hardware is busy, and larger batches gain nothing."
            ),
            x="batch",
            y="examples_per_second",
            log="xy",
        ),
    ),
    ranges={"rounds": Range(1, math.inf)},
)


def net(arm: str) -> Spec:
    return mlp.spec() if arm == "mlp" else convnet.spec()


def run(job: Job) -> Outcome:
    """Measure steps of every size by turns, on one net."""
    settings, spec = job.settings, net(job.arm)
    update = Update("cross_entropy", ("",), momentum(conventions.MOMENTUM))
    system = system_for(job, spec, {training.TRAIN: update})
    system.load(weights.initial(spec, job.seed))
    data = training.prepared(job)
    job.report(0.1, "measuring by turns")
    calls = {}
    for size in SIZES[job.arm]:
        staged = system.stage(next(training.batches(data, job.seed, size, 1)))
        calls[str(size)] = lambda staged=staged: system.update(training.TRAIN, staged, RATE)
    calls[CONTROL] = calls["64"]
    times = turns.measure(calls, system.synchronize, settings["rounds"], settings["at_least"])
    each = {  # seconds for one example
        name: [seconds / int(name.split()[0]) for seconds in taken] for name, taken in times.items()
    }
    rates = {name: 1 / float(np.median(taken)) for name, taken in each.items()}
    return Outcome(
        metrics={
            "gain": turns.log2_ratio(each, "1", "64"),
            "control": turns.log2_ratio(each, CONTROL, "64"),
            "examples_1": rates["1"],
            "examples_64": rates["64"],
        },
        series={
            "throughput": [
                {"arm": job.arm, "batch": size, "examples_per_second": rates[str(size)]}
                for size in SIZES[job.arm]
            ]
        },
        record={"data": data.record},
    )
