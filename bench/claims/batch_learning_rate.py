"""Larger batches allow larger learning rates; what that is worth depends on what is held equal.

Rates are a grid of half decades, so that one step of the grid is the smallest effect there is. The
best rate is the one with the smallest loss over a fixed part of the training images after all
updates; a rate is usable if that loss is below ln 10, that of guessing among ten classes. In a
pilot (NumPy, seeds 100 to 111, which are not used again) no best rate lay at an end of the grid. At
its deviations nine seeds find one step of the grid with a power of 0.93 in the best rate, of 0.74
in the largest usable one (its effect there was two steps and a half), and 0.1 nats with 0.88.
"""

import math

import numpy as np

from bench import training, weights
from bench.claim import Budget, Claim, Figure, Job, Outcome
from bench.contract import Update
from bench.hypothesis import Difference, Hypothesis
from bench.ledger import DATA, LEDGER
from bench.optimizers import sgd
from bench.ranges import Range
from bench.specs import mlp
from bench.systems import system_for

RATES = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0)
GUESSING = math.log(10)
STEP = 0.5  # of the grid, in decades
LOSS_EFFECT = 0.1  # nats
ARMS = {"1": (1, 1), "8": (8, 1), "64": (64, 1), "8_samples": (8, 8)}  # batch, factor of updates

CLAIM = Claim(
    name="batch_learning_rate",
    title="Larger batches allow larger learning rates",
    topic="mini-batches",
    deck="Mini-batch : possibilité d'utilisation d'un learning rate plus grand",
    translation="Mini-batch: a larger learning rate may be used",
    compared=(
        "A perceptron 784-64-10 is trained by plain stochastic gradient descent with batches of 1, "
        "8 and 64, at every rate of one grid, for equally many updates. Compared are the rate "
        "that ends with the smallest training loss, the largest rate that ends below guessing, and "
        "that smallest loss. The caveat is an arm of its own: 64 examples cost more than 8, so "
        "batches of 8 are also given as many examples, which is eight times as many updates."
    ),
    arms={
        "1": "batches of 1",
        "8": "batches of 8, as many updates",
        "64": "batches of 64, as many updates",
        "8_samples": "batches of 8, as many examples as the batches of 64 see",
    },
    metrics={
        "log10_best": "log10 of the best rate of the grid (0.5: one step of the grid)",
        "log10_usable": "log10 of the largest usable rate of the grid (-3.0: none is)",
        "loss": "training loss at the best rate, in nats",
        "loss_small": "training loss at the smallest rate of the grid, in nats",
    },
    hypotheses=(
        Hypothesis(
            name="best rate, 8 against 1",
            statement="Batches of 8 are best at a larger rate than batches of 1.",
            rule=Difference("log10_best", "8", "1", "greater", STEP, deviation=0.35),
            setting="the best rate, batches of 8 against 1",
        ),
        Hypothesis(
            name="best rate, 64 against 8",
            statement="Batches of 64 are best at a larger rate than batches of 8.",
            rule=Difference("log10_best", "64", "8", "greater", STEP, deviation=0.35),
            setting="the best rate, batches of 64 against 8",
        ),
        Hypothesis(
            name="usable rate, 64 against 1",
            statement="The largest usable rate of batches of 64 is above that of batches of 1.",
            rule=Difference("log10_usable", "64", "1", "greater", STEP, deviation=0.5),
            setting="the largest usable rate, batches of 64 against 1",
        ),
        Hypothesis(
            name="at equal updates",
            statement="At equal updates batches of 64 reach a smaller loss than batches of 8.",
            rule=Difference("loss", "64", "8", "less", LOSS_EFFECT, deviation=0.08),
            setting="what it is worth at equal updates",
        ),
        Hypothesis(
            name="at equal examples",
            statement="At equal examples batches of 64 reach a smaller loss than batches of 8.",
            rule=Difference("loss", "64", "8_samples", "less", LOSS_EFFECT, deviation=0.08),
            setting="what it is worth at equal examples",
        ),
    ),
    budgets={
        "smoke": Budget((0,), 0, {"width": 64, "updates": 3, "judged_on": 50}),
        "standard": Budget((0,), 2, {"width": 64, "updates": 60, "judged_on": 1000}),
        "extended": Budget(tuple(range(10)), 0, {"width": 64, "updates": 300, "judged_on": 4000}),
    },
    architectures=("mlp",),
    datasets=("mnist5k",),
    ranges={"judged_on": Range(1, 4000)},
    figures=(
        Figure(
            series="rates",
            caption=(
                "Training loss after all updates by learning rate. The lowest point of a line is "
                "its best rate; it moves to the right as the batch grows."
            ),
            x="rate",
            y="loss",
            log="xy",
        ),
    ),
)


def best(losses: dict[float, float]) -> float:
    """The rate with the smallest loss; the smaller rate of equal ones. Not-a-number never is."""
    return min(losses, key=lambda rate: (_or_infinite(losses[rate]), rate))


def largest_usable(losses: dict[float, float]) -> float:
    """The largest rate that ends below guessing; a step below the grid where none does."""
    usable = [rate for rate, loss in losses.items() if _or_infinite(loss) < GUESSING]
    return max(usable, default=min(losses) * 10**-STEP)


def run(job: Job) -> Outcome:
    """Train from the same weights at every rate of the grid."""
    settings = job.settings
    size, factor = ARMS[job.arm]
    spec = mlp.spec(widths=(settings["width"],))
    update = Update("cross_entropy", ("",), sgd())
    system = system_for(job, spec, {training.TRAIN: update})
    state = weights.initial(spec, job.seed)
    data = training.prepared(job)
    judged = data.train_x[: settings["judged_on"]], data.train_y[: settings["judged_on"]]
    losses: dict[float, float] = {}
    for position, rate in enumerate(RATES):
        job.report(position / len(RATES), f"rate {rate:g}")
        system.load(state)
        given = training.batches(data, job.seed, size, factor * settings["updates"])
        for batch in LEDGER.each(DATA, given):
            system.update(training.TRAIN, system.stage(batch), rate)  # no loss is read on the way
        losses[rate] = training.test(system, *judged)[1]
    return Outcome(
        metrics={
            "log10_best": math.log10(best(losses)),
            "log10_usable": math.log10(largest_usable(losses)),
            "loss": losses[best(losses)],
            "loss_small": losses[RATES[0]],
        },
        series={
            "rates": [
                {"arm": job.arm, "rate": rate, "loss": loss}
                for rate, loss in losses.items()
                if np.isfinite(loss)
            ]
        },
        record={"data": data.record},
    )


def _or_infinite(loss: float) -> float:
    return loss if math.isfinite(loss) else math.inf
