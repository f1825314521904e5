"""CPU seconds until a net reads nine of ten held-out digits, in each framework and in both forms.

A framework computes a net as the equations say (its reference) or by the fastest that it offers
(its native variant), within the same tolerances. Two questions: whether the native one is sooner at
the goal, and whether both take the same way there, in steps, since what is saved for each step is
lost again where it takes more of them. Both are trained by turns in one process, from the same
weights on the same batches, so that a drift of the machine meets both. Only updates are on the
clock: drawing batches, staging them, reading losses and testing are outside, and so is the first
step with its compilation. The held-out images are looked at every few steps; nothing is chosen by
them but where the count ends.

Sooner counts from 10 % on, log2 1.1 = 0.14; the smallest effect that matters is a quarter beyond
that, log2 1.25 = 0.32. The way is the same within 10 % of its steps, about two looks. In a pilot
(all four frameworks, seeds 100 to 102, which are not used again) the steps deviated by 0.09 and the
time by up to 0.19 within a framework; over all runs it was 0.21 for the perceptron, and 0.47 for
LeNet-5, whose native form gains nothing in one framework and half of the time in another. Nine
seeds find a quarter with a power of 0.92 for the perceptron and 0.4 for LeNet-5: there each
framework's own row says more than the verdict of all.
"""

import math
from typing import Literal

from bench import conventions, training, weights
from bench.claim import Budget, Claim, Figure, Job, Outcome
from bench.contract import System, Update
from bench.dataset import Prepared
from bench.hypothesis import AtLeast, Hypothesis, Within
from bench.ranges import PROBABILITY, Range
from bench.spec import Spec
from bench.specs import convnet, mlp
from bench.systems import system_for
from bench.timing.race import Racer, race

VARIANTS: tuple[Literal["reference", "native"], ...] = ("reference", "native")
NETS = {"mlp": "a perceptron", "lenet5": "LeNet-5"}
TENTH, QUARTER = math.log2(1.1), math.log2(1.25)
DEVIATIONS = {"mlp": 0.25, "lenet5": 0.5}
STEPS_DEVIATION = 0.1
SETTINGS = {"batch_size": 64, "learning_rate": 0.001, "target": 0.9, "every": 5, "tested": 1000}


def _sooner(net: str) -> Hypothesis:
    return Hypothesis(
        name=f"sooner, {NETS[net]}",
        statement=f"The native variant of {NETS[net]} gets there in 10 % less CPU time.",
        rule=AtLeast("sooner", net, TENTH, smallest_effect=QUARTER, deviation=DEVIATIONS[net]),
        setting=f"CPU time of {NETS[net]}",
    )


def _same_way(net: str) -> Hypothesis:
    return Hypothesis(
        name=f"the same way, {NETS[net]}",
        statement=f"Both variants of {NETS[net]} get there after as many steps, within 10 %.",
        rule=Within("more_steps", net, -TENTH, TENTH, deviation=STEPS_DEVIATION),
        setting=f"steps of {NETS[net]}",
    )


CLAIM = Claim(
    name="time_to_accuracy",
    title="How long training takes until nine of ten digits are read",
    topic="before 2005",
    deck="entraînement très long",
    translation=(
        "Training very long. (The deck says so of perceptrons before 2005. The sentence tested is "
        "that the form in which a framework computes decides how long, and not how many steps.)"
    ),
    compared=(
        "The same net by the same optimizer from the same weights on the same batches, as its "
        "equations say and in the framework's fastest form, trained by turns in one process until "
        "90 % of 1,000 held-out digits are read. Compared are the CPU time of all updates up to "
        "there and the number of steps. Between frameworks the times stand side by side in the "
        "table of runs; they were measured in processes of their own, one after another, so that "
        "no rule is about them."
    ),
    arms={
        "mlp": "784-128-64-10 by Adam, batches of 64",
        "lenet5": "LeNet-5 with 61,706 parameters by Adam, batches of 64",
    },
    metrics={
        "reference": "log2 of CPU milliseconds to the accuracy, as the equations say",
        "native": "log2 of CPU milliseconds to the accuracy, in the framework's fastest form",
        "sooner": "log2 of CPU time to the accuracy, reference / native (1: in half of the time)",
        "steps": "log2 of the steps to the accuracy of the reference",
        "more_steps": "log2 of the steps, native / reference; none where one is not there",
        "reached": "1 if both variants reached the accuracy within the horizon",
    },
    clocked=("reference", "native", "sooner"),
    censored=dict.fromkeys(("reference", "native", "sooner", "steps"), "reached"),
    hypotheses=(*map(_sooner, NETS), *map(_same_way, NETS)),
    budgets={
        "smoke": Budget((0,), 0, {**SETTINGS, "horizon": 5, "tested": 100}, arms=("mlp",)),
        "standard": Budget((0,), 2, {**SETTINGS, "horizon": 300}),
        "extended": Budget(tuple(range(10)), 0, {**SETTINGS, "target": 0.95, "horizon": 2000}),
    },
    architectures=("mlp", "convnet"),
    datasets=("mnist5k",),
    figures=(
        Figure(
            series="tests",
            caption="Held-out accuracy against CPU seconds of training, by variant.",
            x="seconds",
            y="accuracy",
            hue="variant",
            log="x",
        ),
        Figure(
            series="tests",
            caption="The same against steps: one line, where both take the same way.",
            x="step",
            y="accuracy",
            hue="variant",
        ),
    ),
    ranges={"target": PROBABILITY, "every": Range(1, math.inf), "tested": Range(1, math.inf)},
)


def net(arm: str) -> Spec:
    return mlp.spec() if arm == "mlp" else convnet.spec()


def run(job: Job) -> Outcome:
    """Train both variants by turns until each is there."""
    spec, data = net(job.arm), training.prepared(job)
    update = Update("cross_entropy", ("",), conventions.usual_adam())
    systems = {
        variant: system_for(job, spec, {training.TRAIN: update}, variant=variant)
        for variant in VARIANTS
    }
    racers = {name: _ready(job, system, spec, data) for name, system in systems.items()}
    tests: list[dict[str, float | str]] = []
    settings = job.settings
    x, y = data.test_x[: settings["tested"]], data.test_y[: settings["tested"]]

    def arrived(name: str, racer: Racer) -> bool:
        """By a look at the held-out images every few steps."""
        step = len(racer.seconds)
        if step % settings["every"]:
            return False
        accuracy, _ = training.test(racer.system, x, y)
        seen = {"step": step, "seconds": racer.spent(), "accuracy": accuracy}
        tests.append({"variant": name, **seen})
        return accuracy >= settings["target"]

    horizon = settings["horizon"]
    race(racers, horizon, arrived, lambda step: job.report(step / horizon, f"step {step}"))
    reference, native = (racers[name] for name in VARIANTS)
    times = {name: math.log2(1000 * racer.spent()) for name, racer in racers.items()}
    steps = {name: math.log2(len(racer.seconds)) for name, racer in racers.items()}
    lost = math.nan if reference.fit.diverged or native.fit.diverged else 0.0
    there = reference.arrived and native.arrived
    return Outcome(
        metrics={
            **times,
            "sooner": times["reference"] - times["native"],
            "steps": steps["reference"] + lost,
            "more_steps": steps["native"] - steps["reference"] if there else math.nan,
            "reached": float(there),
        },
        series={"tests": tests},
        record={"data": data.record},
    )


def _ready(job: Job, system: System, spec: Spec, data: Prepared) -> Racer:
    """Compiled by a first step, and back at the start."""
    size, rate = job.settings["batch_size"], job.settings["learning_rate"]
    start = weights.initial(spec, job.seed)
    system.load(start)
    system.update(
        training.TRAIN, system.stage(next(training.batches(data, job.seed, size, 1))), rate
    )
    system.synchronize()
    system.load(start)
    given = training.batches(data, job.seed, size, job.settings["horizon"])
    return Racer(system, given, rate)
