"""The variance of a mini-batch's gradient falls as 1/B.

For draws with replacement that is a theorem; what is tested is that the nets' gradients obey it,
and what it means: the noise scale says from which B on there is nothing left to smooth. The margin
of 0.05 around the slope -1 is the claim's own: at B = 256 the variance is then within a third of
the law's. In a pilot (NumPy, seeds 100 to 103, which are not used again) the slope's deviation is
below 0.025, at which nine seeds show that it is within with a power above 0.99.
"""

import math

import numpy as np

from bench import training, weights
from bench.claim import Budget, Claim, Figure, Job, Outcome
from bench.contract import Update
from bench.hypothesis import Hypothesis, Within
from bench.instruments import gradient_noise
from bench.optimizers import sgd
from bench.ranges import Range
from bench.specs import mlp
from bench.systems import system_for

SIZES = (1, 4, 16, 64, 256)
LOW, HIGH, DEVIATION = -1.05, -0.95, 0.025
SETTINGS = {"batch_size": 64, "learning_rate": 0.1, "width": 64}

CLAIM = Claim(
    name="batch_gradient_variance",
    title="Mini-batches smooth the gradient",
    topic="mini-batches",
    deck="Mini-batch : Lissage des gradients : réduction de la variance",
    translation="Mini-batch: smoothing of the gradients: reduction of the variance",
    compared=(
        "A perceptron's gradients at mini-batches of 1, 4, 16, 64 and 256 examples, drawn with "
        "replacement from a fixed population of training images. The variance is the trace of the "
        "gradient's covariance over all parameters: exact at B = 1, where every example's gradient "
        "is computed, estimated from drawn batches above. Averaging B independent draws divides it "
        "by B: on logarithmic axes a line of slope -1."
    ),
    arms={
        "start": "784-64-10 with ReLU at its initial weights (He)",
        "trained": "the same net after some steps of stochastic gradient descent",
    },
    metrics={
        "slope": "slope of log variance by log batch size (the law: -1)",
        "worst_factor": "largest B x variance at B / variance at 1, or its inverse (the law: 1)",
        "log10_noise_scale": (
            "log10 of the noise scale tr Σ / |mean gradient|²: the batch size at which the noise "
            "is as large as the gradient"
        ),
    },
    hypotheses=(
        Hypothesis(
            name="slope at the start",
            statement="At the initial weights the variance falls as 1/B: slope -1 within 0.05.",
            rule=Within("slope", "start", LOW, HIGH, DEVIATION),
            setting="at the initial weights",
        ),
        Hypothesis(
            name="slope in training",
            statement="After some training the variance falls as 1/B: slope -1 within 0.05.",
            rule=Within("slope", "trained", LOW, HIGH, DEVIATION),
            setting="after some training",
        ),
    ),
    budgets={
        "smoke": Budget((0,), 0, {**SETTINGS, "population": 20, "draws": 5, "steps": 5}),
        "standard": Budget((0,), 2, {**SETTINGS, "population": 300, "draws": 80, "steps": 100}),
        "extended": Budget(
            tuple(range(10)), 0, {**SETTINGS, "population": 2000, "draws": 500, "steps": 100}
        ),
    },
    architectures=("mlp",),
    datasets=("mnist5k",),
    figures=(
        Figure(
            series="variances",
            caption=(
                "Variance of the mini-batch gradient by batch size. The law is a slope of -1; "
                "its height is what training changes."
            ),
            x="batch",
            y="variance",
            log="xy",
        ),
        Figure(
            series="variances",
            caption=(
                "Noise over signal: the gradient's standard deviation divided by its length. Below "
                "1 a larger batch smooths what is already smooth."
            ),
            x="batch",
            y="noise_to_signal",
            log="xy",
        ),
    ),
    ranges={"draws": Range(2, math.inf), "population": Range(2, 4000)},
)


def run(job: Job) -> Outcome:
    """Train where the arm says so, then measure every batch size at the same weights."""
    settings = job.settings
    spec = mlp.spec(widths=(settings["width"],))
    update = Update("cross_entropy", ("",), sgd())
    system = system_for(job, spec, {training.TRAIN: update})
    system.load(weights.initial(spec, job.seed))
    data = training.prepared(job)
    if job.arm == "trained":
        given = training.batches(data, job.seed, settings["batch_size"], settings["steps"])
        training.fit(system, given, settings["learning_rate"])
    x, y = (part[: settings["population"]] for part in (data.train_x, data.train_y))
    exact = gradient_noise.of_examples(system, training.TRAIN, x, y)
    variances = {1: exact.variance()}
    for position, size in enumerate(SIZES[1:], start=1):
        job.report(position / len(SIZES), f"batches of {size}")
        drawn = gradient_noise.of_batches(
            system, training.TRAIN, x, y, size, settings["draws"], job.seed
        )
        variances[size] = drawn.variance(lost=1)
    factors = [size * variance / variances[1] for size, variance in variances.items()]
    signal = exact.size()
    return Outcome(
        metrics={
            "slope": gradient_noise.slope(variances),
            "worst_factor": float(np.max([max(factor, 1 / factor) for factor in factors])),
            "log10_noise_scale": math.log10(variances[1] / signal),
        },
        series={
            "variances": [
                {
                    "arm": job.arm,
                    "batch": size,
                    "variance": variance,
                    "noise_to_signal": math.sqrt(variance / signal),
                }
                for size, variance in variances.items()
            ]
        },
        record={"data": data.record},
    )
