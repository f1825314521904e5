"""Does a decoder that remembers where the maxima were find where things are?

Two questions in one mask: where a digit is (foreground IoU, boundary), which the deck's word
locality is about, and which digit it is, which the mean over classes asks too. `fixed` tells the
memory from the zeros around each value: it has the zeros, and puts the value into a corner.

Five points of IoU and of the boundary's F1 are the smallest effect that matters; of the share of
digits' pixels that are named right, where guessing is a half, ten. Steps, batch and deviations come
from a pilot (PyTorch, seeds 100 to 106, which are not used again). One rate serves all: of 0.005,
0.01 and 0.02 no net's training loss, mean of two seeds, was more than 4 % smaller at another than
at 0.01. At 200 steps every net had found the digits, and no loss fell fast any more; those that
interpolate began to tell one class of digit from the other. Nine seeds find the smallest effects
with a power of 0.88 for the foreground, 0.74 for the boundary, 0.8 for the class of what is found,
but of 0.2 for the boundary against bilinear, whose nets differ much from seed to seed, and of 0.66
for the class of every pixel.

How much there is to gain depends on how much pooling has lost: with two levels in place of three
(`levels`) the pilot's foreground IoU was 0.09 ahead of the nearest neighbor's after 120 steps, with
three 0.26.
"""

import math

import numpy as np

from bench import conventions, samples, scenes, training, weights
from bench.claim import Budget, Claim, Figure, Job, Outcome
from bench.contract import INFERENCE, Update
from bench.dataset import Prepared
from bench.hypothesis import Difference, Hypothesis
from bench.instruments import blocks, segmentation
from bench.ranges import Range
from bench.scenes import digits
from bench.spec import Spec
from bench.specs import segnet
from bench.systems import system_for

EFFECT = 0.05  # of IoU and F1
NAMING_EFFECT = 0.1
WIDTHS = (8, 16, 32)
SHOWN = 3  # scenes in the report
SIBLINGS = {
    "fixed": "unpooling at a fixed place",
    "nearest": "the nearest neighbor",
    "bilinear": "bilinear interpolation",
    "transposed": "a transposed convolution",
}
SETTINGS = {"batch_size": 8, "learning_rate": 0.01}


def better(
    metric: str, what: str, sibling: str, deviation: float, smallest: float = EFFECT
) -> Hypothesis:
    """The net with the indices has more of the metric than the sibling; `what` names it."""
    against = SIBLINGS[sibling]
    return Hypothesis(
        name=f"{what}, against {sibling}",
        statement=f"With indices the {what} is found better than with {against}.",
        rule=Difference(metric, "indices", sibling, "greater", smallest, deviation),
        setting=f"{what}, compared with {against}",
    )


CLAIM = Claim(
    name="unpooling_locality",
    title="Unpooling with remembered places restores locality",
    topic="segmentation",
    deck=(
        "Le unpooling layer pour retrouver la localité en mémorisant les emplacements des "
        "activations"
    ),
    translation=(
        "The unpooling layer, to get locality back by remembering the places of the activations"
    ),
    compared=(
        "Five encoder-decoders of three levels learn to mark handwritten digits on pieces of "
        "photographs, those below five as one class, the others as another. They differ in how "
        "the decoder makes a map larger. Parameters are equal in number, but for the transposed "
        "convolution, which learns its kernels: it has 43 % more. Where a digit is, and where it "
        "ends, is asked apart from which digit it is: the deck speaks of the former. All learn for "
        "the same number of steps at the same rate; a pixel of background weighs 0.3 of a digit's. "
        "Three levels lose much of the place: in a pilot with two the gain was a third of that."
    ),
    arms={
        "indices": "SegNet: a value goes where the encoder's pooling found it, zeros elsewhere",
        "fixed": "a value goes to the upper left of its window, zeros elsewhere: no memory",
        "nearest": "a value goes to all four places of its window",
        "bilinear": "values are interpolated",
        "transposed": "a transposed convolution of stride 2, its 2x2 kernels learned",
    },
    metrics={
        "foreground_iou": "intersection over union of the digits, whichever they are",
        "boundary_0": "F1 of the digits' boundary, found to the pixel",
        "boundary_1": "F1 of the digits' boundary, found within one pixel",
        "mean_iou": "intersection over union, mean over background and both classes of digits",
        "naming": "share of the digits' pixels found whose class of digit is right (guessing: 0.5)",
        "accuracy": "share of the held-out pixels whose class is found",
        "train_loss": "mean weighted cross-entropy of the last 20 steps, in nats a pixel",
    },
    hypotheses=(
        *(better("foreground_iou", "foreground", sibling, 0.04) for sibling in SIBLINGS),
        *(
            better("boundary_1", "boundary", sibling, 0.13 if sibling == "bilinear" else 0.05)
            for sibling in SIBLINGS
        ),
        *(better("mean_iou", "class of every pixel", sibling, 0.055) for sibling in SIBLINGS),
        better("naming", "class of what is found", "nearest", 0.09, NAMING_EFFECT),
    ),
    budgets={
        "smoke": Budget(
            (0,),
            0,
            {**SETTINGS, "steps": 3, "side": 24, "levels": 1, "train": 32, "tested": 16},
            arms=("indices", "nearest"),
        ),
        "standard": Budget(
            (0,),
            2,
            {**SETTINGS, "steps": 200, "side": 32, "levels": 3, "train": 1600, "tested": 200},
        ),
        "extended": Budget(
            tuple(range(10)),
            0,
            {**SETTINGS, "steps": 2000, "side": 48, "levels": 3, "train": 4000, "tested": 500},
        ),
    },
    architectures=("segnet",),
    datasets=("mnist5k", "photographs"),
    figures=(
        Figure(
            series="samples",
            caption=(
                "Held-out scenes of one seed in one framework: what was shown, what is true, and "
                "what each net found."
            ),
            kind="maps",
            classes=digits.CLASSES,
        ),
        Figure(
            series="training",
            caption="Training loss by step: the mean of every ten steps, over seeds.",
        ),
    ),
    ranges={
        "side": Range(digits.FRAME, digits.LARGEST),
        "levels": Range(1, len(WIDTHS)),
        "tested": Range(SHOWN, math.inf),
    },
)


def net(arm: str, side: int, levels: int) -> Spec:
    return segnet.spec(
        (side, side, 1),
        len(digits.CLASSES),
        WIDTHS[:levels],
        (1,) * levels,
        upsampling=arm,
        class_weights=digits.CLASS_WEIGHTS,
    )


def run(job: Job) -> Outcome:
    """Train one net on the scenes of a seed, and find the digits of held-out ones."""
    settings = job.settings
    data = digits.kept(
        job.seed, settings["train"], settings["tested"], settings["side"], job.data_dir
    )
    spec = net(job.arm, settings["side"], settings["levels"])
    update = Update("cross_entropy", ("",), conventions.usual_adam())
    system = system_for(job, spec, {training.TRAIN: update})
    system.load(weights.initial(spec, job.seed))
    fit = training.fit(
        system,
        training.batches(data, job.seed, settings["batch_size"], settings["steps"]),
        settings["learning_rate"],
        lambda step: job.report(step / settings["steps"], f"step {step}"),
    )
    answer = system.evaluate("logits", system.stage({"x": data.test_x}), INFERENCE)
    logits = answer.outputs["logits"]
    found = logits.argmax(axis=-1)
    counts = segmentation.confusion(data.test_y, found, len(digits.CLASSES))
    metrics = dict.fromkeys(CLAIM.metrics, math.nan)
    if not fit.diverged and np.isfinite(logits).all():
        metrics = {**measured(data.test_y, found, counts), "train_loss": fit.final()}
    return Outcome(
        metrics=metrics,
        series={"training": smoothed(fit, job.arm), "samples": shown(job.arm, data, found)},
        record={
            "data": data.record,
            "parameters": spec.parameter_count,
            "class_iou": dict(
                zip(digits.CLASSES, segmentation.class_iou(counts).tolist(), strict=True)
            ),
            "first_step_seconds": fit.first_step_seconds,
        },
    )


def measured(truth: np.ndarray, found: np.ndarray, counts: np.ndarray) -> dict[str, float]:
    """What a mask is worth, of a segmentation.confusion() `counts`.

    Where no pixel of a digit is found, none is named: naming is 0. Not-a-number would say that the
    net diverged (bench/run.py).
    """
    named = np.trace(counts[1:, 1:])
    digit = counts[1:, 1:].sum()  # a digit, and found to be one
    return {
        "foreground_iou": segmentation.foreground_iou(truth, found),
        "boundary_0": segmentation.boundary_f1(truth, found, 0),
        "boundary_1": segmentation.boundary_f1(truth, found, 1),
        "mean_iou": segmentation.mean_iou(counts),
        "naming": float(named / digit) if digit else 0.0,
        "accuracy": segmentation.accuracy(counts),
    }


def smoothed(fit: training.Fit, arm: str, window: int = 10) -> list[dict[str, float | str]]:
    """Means of blocks of ten steps, shorter ones where ten do not divide all; each at its last."""
    rows = blocks.means(fit.losses, -(-len(fit.losses) // window))
    return [{"arm": arm, **row} for row in rows]


def shown(arm: str, data: Prepared, found: np.ndarray) -> list[dict[str, float | str]]:
    """The first held-out scenes, and what was found in them."""
    rows = []
    for number, scene in enumerate(scenes.restored(data, data.test_x[:SHOWN])):
        rows += [
            samples.picture(number, "scene", "image", scene),
            samples.picture(number, "truth", "classes", data.test_y[number]),
            samples.picture(number, arm, "classes", found[number]),
        ]
    return rows
