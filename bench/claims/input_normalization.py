"""Inputs of mean 0 and variance 1 against pixels from 0 to 255 and from 0 to 1.

The gradient of a first-layer weight is in proportion to its input, and the curvature to the input's
second moment. Dividing by 255 rescales the loss's landscape along these weights and no more; taking
the mean away removes its largest eigenvalue (LeCun, Bottou, Orr and Mueller (1998), "Efficient
BackProp", section 4.3). Every arm is searched around its own scale, over five rates as far apart.

The standardization is the framework's own: techniques/normalization.py, through the function
"standardized" of bench/specs/preprocessing.py. The constants are the training images'.

The usable range of learning rates is counted in the same run: at nine rates, half a decade apart
and centered on the arm's own scale, the net is trained for a fixed number of steps, and a rate is
usable if the mean loss of the last 10 is at most `usable`.

Batches are drawn with replacement: see bench.training.drawn(). A first design ran through the
images in the order of epochs (seeds 0 to 9 and each framework's first two, which are not used
again), and in a pilot (NumPy, seeds 100 to 107, nor these) nearly half of the runs that arrived did
so within ten steps of the second epoch's beginning, where the loss of the batches falls by a step.

What would matter: a quarter fewer or more iterations (log2 1.25 = 0.32), and half a decade of
rates. Planned for deviations of the paired differences of 0.25 and 0.4; with 9 seeds the powers are
0.89 and 0.88.

Initial weights are He's for inputs of variance 1, in all arms: that raw pixels start from outputs a
hundred times as large is part of what normalization avoids.
"""

import math
from collections.abc import Iterator

import numpy as np

from bench import conventions, dataset, training, weights
from bench.claim import Budget, Claim, Figure, Job, Outcome, Search
from bench.contract import INFERENCE, Update
from bench.dataset import Prepared
from bench.hypothesis import Difference, Hypothesis
from bench.instruments import blocks
from bench.optimizers import sgd
from bench.specs import mlp, preprocessing
from bench.systems import system_for

STEPS_EFFECT, STEPS_DEVIATION = round(math.log2(1.25), 2), 0.25  # doublings of iterations
RANGE_EFFECT, RANGE_DEVIATION = 0.5, 0.4  # decades of learning rate
WINDOW = 10
HIGHEST = 2.5  # nat; ten classes by chance make 2.3
CHUNK = 500  # images that are standardized in one call
# arm -> the middle of its rates: pixels from 0 to 255 make gradients 255 times as large.
MIDDLES = {"raw": 1e-3, "unit": 0.3, "standardized": 0.1}
MIDDLES |= {f"{arm}_adam": 1e-3 for arm in MIDDLES}  # Adam's steps do not know the gradient's size
GRID = tuple(10 ** (k / 2) for k in range(-2, 3))  # times the middle: five, half a decade apart
SWEEP = tuple(10 ** (k / 2) for k in range(-4, 5))  # nine, over four decades
ADAM = conventions.usual_adam()
SETTINGS = {"batch_size": 64, "learning_rate": 0.1, "target": 0.4, "usable": 1.0}


ALONE = ("raw", "unit", "standardized")  # what the rules are about


def _faster(arm: str, baseline: str, words: str) -> Hypothesis:
    return Hypothesis(
        name=f"{words}: iterations",
        statement=f"Fewer iterations to the target: {words}.",
        rule=Difference("log2_steps", arm, baseline, "less", STEPS_EFFECT, STEPS_DEVIATION),
        setting=f"iterations, {words}",
    )


def _wider(arm: str, baseline: str, words: str) -> Hypothesis:
    return Hypothesis(
        name=f"{words}: range of rates",
        statement=f"A wider range of usable learning rates: {words}.",
        rule=Difference("decades", arm, baseline, "greater", RANGE_EFFECT, RANGE_DEVIATION),
        setting=f"range of usable rates, {words}",
    )


CLAIM = Claim(
    name="input_normalization",
    title="Normalized inputs train faster",
    topic="data",
    deck="Normalisation : moyenne nulle, variance 1 ⇒ éviter les problèmes de dynamique",
    translation="Normalization: mean zero, variance 1, so as to avoid problems of dynamic range",
    compared=(
        "A perceptron is trained by plain gradient descent on the same images with pixels from 0 "
        "to 255, from 0 to 1, and standardized to mean 0 and variance 1 over the training images, "
        "from the same weights on the same batches, which are drawn with replacement, each at the "
        "learning rate that serves it best of five, that of the lowest mean loss. Compared are the "
        "iterations until the training loss, mean of 10 batches, is at most the target, and over "
        "how many decades of learning rates the net has learned something within the first steps."
    ),
    arms={
        "raw": "pixels from 0 to 255",
        "unit": "pixels from 0 to 1",
        "standardized": "mean 0 and variance 1 over all pixels of the training images",
        "raw_adam": "pixels from 0 to 255, Adam (extended budget; no rule is about it)",
        "unit_adam": "pixels from 0 to 1, Adam (extended budget; no rule is about it)",
        "standardized_adam": "mean 0 and variance 1, Adam (extended budget; no rule is about it)",
    },
    metrics={
        "log2_steps": "log2 of the iterations to the target; 1 more is twice as many",
        "steps": "iterations to the target; the horizon where it is not reached",
        "reached": "1 if the target was reached within the horizon",
        "decades": "decades of learning rates at which the net trains: half a decade a rate",
        "mean_loss": "training loss in nat, mean of all iterations, each counted as 2.5 at most",
    },
    censored={"log2_steps": "reached", "steps": "reached"},
    hypotheses=(
        _faster("standardized", "raw", "standardized against 0 to 255"),
        _faster("standardized", "unit", "standardized against 0 to 1"),
        _faster("unit", "raw", "0 to 1 against 0 to 255"),
        _wider("standardized", "raw", "standardized against 0 to 255"),
        _wider("standardized", "unit", "standardized against 0 to 1"),
    ),
    budgets={
        "smoke": Budget((0,), 0, {**SETTINGS, "steps": 3, "sweep_steps": 1}, arms=ALONE),
        "standard": Budget(
            (10,), 2, {**SETTINGS, "steps": 200, "sweep_steps": 50}, arms=ALONE, first_own=2
        ),
        "extended": Budget(
            tuple(range(10, 20)), 0, {**SETTINGS, "steps": 1000, "sweep_steps": 200}
        ),
    },
    architectures=("mlp", "preprocessing"),
    datasets=("mnist5k",),
    search=Search(
        grid={arm: tuple(middle * by for by in GRID) for arm, middle in MIDDLES.items()},
        metric="mean_loss",
    ),
    figures=(
        Figure(
            "learning",
            "Training loss at the best learning rate, means of blocks of steps",
            y="loss",
            hue="arm",
            log="y",
        ),
        Figure(
            "sweep",
            "Training loss after a fixed number of steps, by learning rate; 2.5 where it diverged",
            x="learning_rate",
            y="loss",
            hue="arm",
            log="x",
        ),
    ),
)


def run(job: Job) -> Outcome:
    """One scale of the inputs: a long training, and nine short ones."""
    settings, steps = job.settings, job.settings["steps"]
    data = scaled(job)
    spec = mlp.spec(widths=(128,))
    rule = ADAM if job.arm.endswith("_adam") else sgd()
    system = system_for(job, spec, {training.TRAIN: Update("cross_entropy", ("",), rule)})
    start = weights.initial(spec, job.seed)

    def trained(rate: float, length: int) -> training.Fit:
        system.load(start)
        given = training.drawn(data, job.seed, settings["batch_size"], length)
        return training.fit(system, given, rate)

    found = trained(settings["learning_rate"], steps)
    arrival = found.steps_to(settings["target"], WINDOW)
    sweep = []
    for number, factor in enumerate(SWEEP, 1):
        rate = MIDDLES[job.arm] * factor
        last = trained(rate, settings["sweep_steps"]).final(WINDOW)
        sweep.append({"learning_rate": rate, "loss": last})
        job.report(number / (len(SWEEP) + 1), f"learning rate {rate:g}")
    return Outcome(
        metrics={
            **arrival.metrics(),
            "steps": arrival.steps,
            "decades": decades([row["loss"] for row in sweep], settings["usable"]),
            "mean_loss": mean_loss(found.losses, steps),
        },
        series={
            "learning": blocks.means(found.losses),
            "sweep": [{**row, "loss": _capped(row["loss"])} for row in sweep],
        },
    )


def decades(losses: list[float], usable: float) -> float:
    """Half a decade for every rate whose last loss is at most `usable`; a diverged one is not."""
    return 0.5 * sum(loss <= usable for loss in losses)


def mean_loss(losses: list[float], steps: int) -> float:
    """Over all steps, those after a divergence included: how fast a training is."""
    capped = [_capped(loss) for loss in losses]
    return (sum(capped) + HIGHEST * (steps - len(capped))) / steps


def _capped(loss: float) -> float:
    """Losses above that of ten equal chances, 2.3, are all the same, not-a-number included."""
    return loss if loss <= HIGHEST else HIGHEST


def scaled(job: Job) -> Prepared:
    """The split of the seed on the arm's scale."""
    data = training.prepared(job, normalize=False)
    parts = [data.train_x, data.test_x]
    scale = job.arm.removesuffix("_adam")
    if scale == "raw":
        parts = [part * dataset.get("mnist5k").largest for part in parts]
    if scale == "standardized":
        parts = [np.concatenate(list(standardized(job, part, data))) for part in parts]
    return Prepared(parts[0], data.train_y, parts[1], data.test_y, data.record)


def standardized(job: Job, images: np.ndarray, data: Prepared) -> Iterator[np.ndarray]:
    """(x - mean) / deviation by the framework, in pieces. images (N, height, width, channels)."""
    system = system_for(job, preprocessing.spec(images.shape[1:]), {})
    constants = dict(zip(("mean", "deviation"), dataset.constants(data), strict=True))
    for first in range(0, len(images), CHUNK):
        staged = system.stage({"x": images[first : first + CHUNK], **constants})
        yield system.evaluate("standardized", staged, INFERENCE).outputs["x"]
