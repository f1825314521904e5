"""Learning rates that fall: piecewise constant and exponential decay against a constant rate.

Near a minimum a step of size lr with a batch of B leaves a loss that is in proportion to lr / B
times the gradients' variance (Bottou, Curtis and Nocedal (2018), "Optimization methods for
large-scale machine learning", theorem 4.6): with a large rate and few examples a batch it is this
noise that holds the loss up, and a falling rate lets it down. With a small rate the way to the
minimum is what takes long, and a falling rate makes it longer. So the claim is tested in both
regimes, and in a third one in which every schedule starts from the rate that serves it best.

Rates by the framework's own schedules, asked at every step, of the initial rate r over S steps:

    piecewise constant   r until S/2, r/10 until 3S/4, then r/100
    exponential decay    r 0.01^(step / S)

The large rate is 0.1, after a pilot (seeds 100 to 103) with 0.2, at which the net was ruined before
the first drop of the piecewise constant rate; the exponential decay rescued it.

The loss is that of the first 1,000 training images at the last weights. What would matter is
0.06 nat, a fifth of the loss that is reached. Planned for a deviation of the paired difference of
0.05 nat: with 9 seeds the power is 0.86. Where the rate is large the runs scatter more, and so do
the effects.
"""

import importlib
from collections.abc import Callable

from bench import training, weights
from bench.claim import Budget, Claim, Figure, Job, Outcome, Search
from bench.contract import Update
from bench.hypothesis import Difference, Hypothesis
from bench.instruments import blocks
from bench.optimizers import sgd
from bench.specs import mlp
from bench.systems import system_for

SMALLEST, DEVIATION = 0.06, 0.05  # nat
EVALUATED = 1000  # training images on which the last loss is measured
SCHEDULES = {
    "constant": "constant rate",
    "step": "piecewise constant",
    "decay": "exponential decay",
}
REGIMES = {
    "large": "large rate, 4 examples a batch",
    "small": "small rate, 4 examples a batch",
    "best": "initial rate searched",
}
GRID = (0.0125, 0.025, 0.05, 0.1, 0.2)
SETTINGS = {"batch_size": 4, "learning_rate": 0.05, "large": 0.1, "small": 0.0125}


def _lower(schedule: str, regime: str) -> Hypothesis:
    words, where = SCHEDULES[schedule], REGIMES[regime]
    return Hypothesis(
        name=f"{words}, {where}",
        statement=f"With {words} the training ends at a lower loss than with one rate: {where}.",
        rule=Difference(
            "train_loss", f"{schedule}_{regime}", f"constant_{regime}", "less", SMALLEST, DEVIATION
        ),
        setting=f"{words}, {where}",
    )


CLAIM = Claim(
    name="schedules",
    title="Learning rates that fall",
    topic="optimization",
    deck="Learning rate : constant par morceaux, décroissance exponentielle",
    translation="Learning rate: piecewise constant, exponential decay",
    compared=(
        "A perceptron is trained by plain gradient descent on batches of 4 images, with a constant "
        "rate, with one that falls to a tenth at half of the steps and again at three quarters, "
        "and with one that decays exponentially to a hundredth. The number of steps is the same. "
        "The initial rate is large (noise holds the loss up), small (progress is slow), or the one "
        "of five that serves the arm best. The deck recommends both schedules; the sentence tested "
        "is that the training loss ends lower than with a constant rate."
    ),
    arms={
        f"{schedule}_{regime}": f"{words}, {where}"
        for regime, where in REGIMES.items()
        for schedule, words in SCHEDULES.items()
    },
    metrics={
        "train_loss": "training loss in nat at the last weights, on 1,000 training images",
        "test_accuracy": "share of the held-out images that are classified correctly",
    },
    hypotheses=tuple(
        _lower(schedule, regime) for regime in REGIMES for schedule in ("step", "decay")
    ),
    budgets={
        "smoke": Budget(
            (0,), 0, {**SETTINGS, "steps": 3}, arms=("constant_best", "step_best", "decay_best")
        ),
        "standard": Budget((0,), 2, {**SETTINGS, "steps": 400}),
        "extended": Budget(tuple(range(10)), 0, {**SETTINGS, "steps": 4000}),
    },
    architectures=("mlp",),
    datasets=("mnist5k",),
    techniques=("schedules",),
    search=Search(
        grid={f"{schedule}_best": GRID for schedule in SCHEDULES},
        metric="train_loss",
    ),
    figures=(
        Figure(
            "learning",
            "Training loss by schedule and initial rate, means of blocks of steps",
            y="loss",
            hue="arm",
            log="y",
        ),
    ),
)


def schedule_of(job: Job, name: str, initial: float, steps: int) -> Callable[[int], float]:
    """The rate of a step, by the framework's own techniques/schedules.py."""
    schedules = importlib.import_module(f"implementations.{job.framework}.techniques.schedules")
    if name == "step":
        boundaries = (max(1, steps // 2), max(2, 3 * steps // 4))
        rates = (initial, initial / 10, initial / 100)
        return lambda step: schedules.piecewise_constant(step, boundaries, rates)
    if name == "decay":
        return lambda step: schedules.exponential_decay(step, initial, 0.01, steps)
    return lambda step: initial


def run(job: Job) -> Outcome:
    """One schedule from one initial rate."""
    settings, steps = job.settings, job.settings["steps"]
    name, _, regime = job.arm.partition("_")
    initial = settings["learning_rate"] if regime == "best" else settings[regime]
    data = training.prepared(job)
    spec = mlp.spec(widths=(64,))
    system = system_for(job, spec, {training.TRAIN: Update("cross_entropy", ("",), sgd())})
    system.load(weights.initial(spec, job.seed))
    found = training.fit(
        system,
        training.batches(data, job.seed, settings["batch_size"], steps),
        schedule_of(job, name, initial, steps),
        lambda step: job.report(step / steps, job.arm),
    )
    _, loss = training.test(system, data.train_x[:EVALUATED], data.train_y[:EVALUATED])
    accuracy, _ = training.test(system, data.test_x, data.test_y)
    lost = float("nan")
    return Outcome(
        metrics={
            "train_loss": lost if found.diverged else loss,
            "test_accuracy": lost if found.diverged else accuracy,
        },
        series={"learning": blocks.means(found.losses)},
    )
