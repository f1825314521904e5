"""What a step costs with what an optimizer remembers, on the CPU clock.

Whole training steps of one net by four update rules, called by turns (bench/timing/turns.py): plain
descent, momentum, Adagrad and Adam, and plain descent under a second name. Momentum and Adagrad
keep one number for each weight, Adam keeps two; each is read and written at every step, whatever
the batch. So the share depends on how much else a step computes: a perceptron uses each weight once
for an image, a convolutional net hundreds of times.

A step counts as dearer from 10 % on, log2 1.1 = 0.14; the smallest effect that matters is a quarter
beyond that, log2 1.25 = 0.32. In a pilot (all four frameworks, seeds 100 to 102, which are not used
again) the largest deviation over all runs was 0.25, most of it between frameworks; nine seeds then
find a quarter with a power of 0.92.
"""

import functools
import math

import numpy as np

from bench import conventions, training, weights
from bench.claim import Budget, Claim, Figure, Job, Outcome
from bench.contract import Update
from bench.hypothesis import AtLeast, Hypothesis
from bench.optimizers import Optimizer, adagrad, momentum, sgd
from bench.ranges import Range
from bench.spec import Spec
from bench.specs import convnet, mlp
from bench.systems import system_for
from bench.timing import turns

PLAIN, CONTROL = "sgd", "sgd again"
OPTIMIZERS: dict[str, Optimizer] = {
    PLAIN: sgd(),
    "momentum": momentum(conventions.MOMENTUM),
    "adagrad": adagrad(conventions.ADAGRAD_EPSILON),
    "adam": conventions.usual_adam(),
}
WORDS = {"momentum": "momentum", "adagrad": "Adagrad", "adam": "Adam"}
NETS = {"mlp": "a perceptron", "lenet5": "a convolutional net"}
TENTH, QUARTER = math.log2(1.1), math.log2(1.25)
DEVIATION = 0.25
RATE = 1e-6  # of steps that are only measured: the weights stay where they are
SETTINGS = {"batch_size": 64}


def _dearer(optimizer: str, net: str) -> Hypothesis:
    setting = f"{WORDS[optimizer]}, {NETS[net]}"
    return Hypothesis(
        name=setting,
        statement=(
            f"A training step of {NETS[net]} takes at least 10 % more CPU time with "
            f"{WORDS[optimizer]} than with plain descent."
        ),
        rule=AtLeast(optimizer, net, TENTH, smallest_effect=QUARTER, deviation=DEVIATION),
        setting=setting,
    )


CLAIM = Claim(
    name="optimizer_cost",
    title="What momentum, Adagrad and Adam cost for each step",
    topic="optimization",
    deck="Momentum : v = γv + αΔw ; Adagrad ; Adam",
    translation=(
        "Momentum, v = γv + αΔw; Adagrad; Adam. (The deck introduces them as improvements and says "
        "nothing of their price. The sentence tested is that they have one.)"
    ),
    compared=(
        "Whole training steps of one net on one batch of 64 digits by each optimizer, called by "
        "turns in an order that reverses from round to round; what is compared is the process's "
        "CPU time, paired by round. The rules are those of the equations, one weight after "
        "another, not a library's fused ones, as all of the reference is. Plain descent measured "
        "twice shows how large a ratio is without a cause. How many steps each saves is judged by "
        "the claim on optimizers."
    ),
    arms={
        "mlp": "784-128-64-10, 109,386 weights, each used once for an image",
        "lenet5": "LeNet-5, 61,706 weights, those of convolutions used at every place",
    },
    metrics={
        **{
            name: f"log2 of CPU time of a training step, {words} / plain descent"
            for name, words in WORDS.items()
        },
        "control": "log2 of CPU time of a training step, plain descent / itself: should be 0",
        "milliseconds": "CPU time of one step with plain descent, median over rounds",
    },
    clocked=(*WORDS, "control", "milliseconds"),
    hypotheses=tuple(_dearer(optimizer, net) for net in NETS for optimizer in WORDS),
    budgets={
        "smoke": Budget((0,), 0, {**SETTINGS, "rounds": 2, "at_least": 0.001}, arms=("mlp",)),
        "standard": Budget((0,), 2, {**SETTINGS, "rounds": 12, "at_least": 0.02}),
        "extended": Budget(tuple(range(10)), 0, {**SETTINGS, "rounds": 40, "at_least": 0.1}),
    },
    architectures=("mlp", "convnet"),
    datasets=("mnist5k",),
    figures=(
        Figure(
            series="rounds",
            caption="CPU time of one training step in every round, mean over both nets.",
            x="round",
            y="milliseconds",
            hue="optimizer",
            log="y",
        ),
    ),
    ranges={"rounds": Range(1, math.inf)},
)


def net(arm: str) -> Spec:
    return mlp.spec() if arm == "mlp" else convnet.spec()


def run(job: Job) -> Outcome:
    """Measure steps by every rule by turns, each on a net of its own."""
    settings, spec = job.settings, net(job.arm)
    data = training.prepared(job)
    batch = next(training.batches(data, job.seed, settings["batch_size"], 1))
    start = weights.initial(spec, job.seed)
    systems = {
        name: system_for(job, spec, {training.TRAIN: Update("cross_entropy", ("",), rule)})
        for name, rule in OPTIMIZERS.items()
    }
    calls = {}
    for name, system in systems.items():
        system.load(start)
        calls[name] = functools.partial(system.update, training.TRAIN, system.stage(batch), RATE)
    calls[CONTROL] = calls[PLAIN]
    job.report(0.1, "measuring by turns")
    settle = turns.settling(systems.values())
    times = turns.measure(calls, settle, settings["rounds"], settings["at_least"])
    return Outcome(
        metrics={
            **{name: turns.log2_ratio(times, name, PLAIN) for name in WORDS},
            "control": turns.log2_ratio(times, CONTROL, PLAIN),
            "milliseconds": 1000 * float(np.median(times[PLAIN])),
        },
        series={
            "rounds": [
                {"optimizer": name, "round": number, "milliseconds": 1000 * seconds}
                for name, taken in times.items()
                for number, seconds in enumerate(taken, 1)
            ]
        },
        record={"data": data.record},
    )
