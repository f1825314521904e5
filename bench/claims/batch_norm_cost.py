"""Is batch norm slower? A step of training, and the seconds to a training loss, on the CPU clock.

The nets and their target are those of batch_norm_iterations. So are the rates: the best of the same
five for each by training loss on the search's seeds (9001 to 9004, NumPy), written out because
both nets are trained in one run. A step counts as slower from 10 % on, log2 1.1 = 0.14, the way to
the target from 25 % on, log2 1.25 = 0.32. At the deviations of a pilot (NumPy, seeds 100 to 104,
which are not used again) nine seeds find as much beyond those thresholds with a power of 0.95 and
0.8: the seconds inherit the spread of the iterations.
"""

import functools
import math

from bench import conventions, training, weights
from bench.claim import Budget, Claim, Figure, Job, Outcome
from bench.claims.batch_norm_iterations import BLOCKS, NETS
from bench.contract import Update
from bench.hypothesis import AtLeast, Hypothesis
from bench.instruments.curves import smoothed
from bench.optimizers import momentum
from bench.ranges import Range
from bench.spec import Spec
from bench.specs import convnet
from bench.specs.convnet import Block
from bench.systems import system_for
from bench.timing import turns
from bench.timing.race import Racer, loss_at_most, race

WIDER = {"narrow": 1, "wide": 4}  # arm -> how many times the filters
CONTROL = "plain again"
WARM_RATE = 1e-6  # of steps that are only measured: the weights stay where they are
TENTH, QUARTER = math.log2(1.1), math.log2(1.25)
SETTINGS = {"batch_size": 32, "target": 0.5, "plain_rate": 0.03, "norm_rate": 0.03}

CLAIM = Claim(
    name="batch_norm_cost",
    title="Batch norm is slower",
    topic="batch normalization",
    deck=(
        "Batch normalization : Apprentissage plus rapide (en nombre d'itération), mais en général "
        "plus lent (calcul des statistiques)"
    ),
    translation=(
        "Batch normalization: faster learning (in the number of iterations), but slower in general "
        "(the statistics have to be computed)"
    ),
    compared=(
        "The four-convolution net with batch norm and without; batch norm is written out, not a "
        "framework's fused one, as all of the net is. First, whole training steps of both "
        "are called by turns, and their CPU time is compared, paired by round. Then both are "
        "trained by turns in the same process, each at the rate that served the narrow net best, "
        "until the mean training loss of the last 10 batches is at most 0.5, and the CPU seconds "
        "to that point are compared: more seconds a step against fewer steps. The net without "
        "batch norm measured twice shows how large a ratio is without a cause."
    ),
    arms={
        "narrow": "8, 8, 16 and 16 filters, both nets in one process",
        "wide": "32, 32, 64 and 64 filters (extended; no rule is about it)",
    },
    metrics={
        "step": "log2 of CPU time of a training step, with batch norm / without",
        "control": "log2 of CPU time of a training step, without / without: should be 0",
        "to_target": "log2 of CPU time to the target, with batch norm / without",
        "iterations": "log2 of iterations to the target, with batch norm / without",
        "reached": "1 if both nets reached the target within the horizon",
    },
    censored={"to_target": "reached", "iterations": "reached"},
    clocked=("step", "control", "to_target"),
    hypotheses=(
        Hypothesis(
            name="a step",
            statement="A training step with batch norm takes at least 10 % more CPU time.",
            rule=AtLeast("step", "narrow", TENTH, smallest_effect=TENTH, deviation=0.1),
            setting="for each step",
        ),
        Hypothesis(
            name="to the target",
            statement="With batch norm it takes at least as much CPU time to reach the target.",
            rule=AtLeast("to_target", "narrow", 0.0, smallest_effect=QUARTER, deviation=0.3),
            setting="until the training loss is reached",
        ),
    ),
    budgets={
        "smoke": Budget(
            (0,), 0, {**SETTINGS, "horizon": 12, "rounds": 2, "at_least": 0.001}, arms=("narrow",)
        ),
        "standard": Budget(
            (0,), 2, {**SETTINGS, "horizon": 120, "rounds": 10, "at_least": 0.02}, arms=("narrow",)
        ),
        "extended": Budget(
            tuple(range(10)), 0, {**SETTINGS, "horizon": 600, "rounds": 40, "at_least": 0.1}
        ),
    },
    architectures=("convnet",),
    datasets=("mnist5k",),
    figures=(
        Figure(
            series="losses",
            caption=(
                "Training loss (mean of 10 batches) against seconds of CPU time, both nets trained "
                "by turns in one process; each line ends where its net reached the target."
            ),
            x="seconds",
            hue="net",
            log="y",
        ),
        Figure(
            series="losses",
            caption="The same against iterations: what is saved here is spent there.",
            hue="net",
            log="y",
        ),
    ),
    ranges={"rounds": Range(1, math.inf), "horizon": Range(10, math.inf)},
)


def net(arm: str, norm: bool) -> Spec:
    """The net of batch_norm_iterations, as wide as the arm says."""
    factor = WIDER[arm]
    blocks = tuple(
        Block(factor * block.filters, block.kernel, block.stride, block.padding, block.pooling)
        for block in BLOCKS
    )
    return convnet.spec(blocks=blocks, dense=(), norm=conventions.BATCH_NORM if norm else None)


def run(job: Job) -> Outcome:
    """Measure steps by turns, then train both nets by turns until each is there."""
    settings = job.settings
    update = Update("cross_entropy", ("",), momentum(conventions.MOMENTUM))
    specs = {name: net(job.arm, name == "norm") for name in NETS}
    systems = {
        name: system_for(job, spec, {training.TRAIN: update}) for name, spec in specs.items()
    }
    data = training.prepared(job)

    def load() -> None:
        for name, system in systems.items():
            system.load(weights.initial(specs[name], job.seed))

    load()
    job.report(0.0, "measuring by turns")
    first = next(training.batches(data, job.seed, settings["batch_size"], 1))
    calls = {
        name: functools.partial(system.update, training.TRAIN, system.stage(first), WARM_RATE)
        for name, system in systems.items()
    }
    calls[CONTROL] = calls["plain"]
    settle = turns.settling(systems.values())
    times = turns.measure(calls, settle, settings["rounds"], settings["at_least"])
    load()
    job.report(0.5, "training both by turns")
    racers = {
        name: Racer(
            system,
            training.batches(data, job.seed, settings["batch_size"], settings["horizon"]),
            settings[f"{name}_rate"],
        )
        for name, system in systems.items()
    }
    race(racers, settings["horizon"], loss_at_most(settings["target"]))
    plain, norm = racers["plain"], racers["norm"]
    lost = math.nan if plain.fit.diverged or norm.fit.diverged else 0.0
    return Outcome(
        metrics={
            "step": turns.log2_ratio(times, "norm", "plain"),
            "control": turns.log2_ratio(times, CONTROL, "plain"),
            "to_target": math.log2(norm.spent() / plain.spent()),
            "iterations": math.log2(len(norm.seconds) / len(plain.seconds)) + lost,
            "reached": float(plain.arrived and norm.arrived),
        },
        series={
            "losses": [
                {"net": NETS[name], "step": n, "seconds": racer.seconds[n - 1], "loss": loss}
                for name, racer in racers.items()
                for n, loss in smoothed(racer.fit.losses)
            ]
        },
        record={"data": data.record},
    )
