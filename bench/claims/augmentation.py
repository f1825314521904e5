"""Augmentation: turned and shifted copies of few images against the images alone.

Every image of every batch is turned by an angle and shifted by an offset of its own, drawn anew
each time it is seen, in the function "affine" of bench/specs/preprocessing.py, that is in the
framework's own techniques/augmentation.py. It is applied to pixels from 0 to 1, whose background is
0 as what lies outside of an image is; standardized afterwards. What is drawn comes from
bench.randomness, so that all frameworks see the same pictures.

The deck asks for the variation of "what one does not want to learn". So there is an arm in which
something else is varied too: by a turn of up to 180 degrees a 6 becomes a 9.

Each run trains on few and on many images (100 and 500; 4,000 in the extended budget) for the same
number of steps: that the gain shrinks as there are more images is the difference between the arms
in the metric `excess`, the accuracy with few images minus that with many. An arm has one learning
rate for both, searched on the training loss.

What would matter: 3 points of accuracy, a tenth of the errors on 100 images. Planned for a
deviation of the paired difference of 0.025, for which 9 seeds give a power of 0.86.
"""

from collections.abc import Callable

import numpy as np

from bench import conventions, dataset, training, weights
from bench.claim import Budget, Claim, Figure, Job, Outcome, Search
from bench.contract import INFERENCE, Arrays, Update
from bench.dataset import Prepared
from bench.hypothesis import Difference, Hypothesis
from bench.randomness import stream
from bench.ranges import Range
from bench.specs import convnet, preprocessing
from bench.specs.convnet import Block
from bench.systems import system_for

SMALLEST, DEVIATION = 0.03, 0.025  # accuracy: 3 points
BLOCKS = (Block(8, 5, stride=2, pooling="none"), Block(16, 5, stride=2, pooling="none"))
ADAM = conventions.usual_adam()
# arm -> largest angle in degrees, largest shift in pixels; None: the images as they are
VARIATIONS: dict[str, tuple[float, float] | None] = {
    "none": None,
    "valid": (15, 2),
    "invalid": (180, 2),
    "turned": (15, 0),
    "shifted": (0, 2),
}
ALONE = ("none", "valid", "invalid")  # what the rules are about
SETTINGS = {"batch_size": 32, "learning_rate": 0.003, "few": 100, "many": 500}


def _better(name: str, statement: str, metric: str, arm: str, setting: str) -> Hypothesis:
    rule = Difference(metric, arm, "none", "greater", SMALLEST, DEVIATION)
    return Hypothesis(name=name, statement=statement, rule=rule, setting=setting)


CLAIM = Claim(
    name="augmentation",
    title="Augmentation on little data",
    topic="data",
    deck="Augmentation : faire varier les paramètres qu'on ne veut pas apprendre",
    translation="Augmentation: vary the parameters that one does not want to learn",
    compared=(
        "A small convolutional net learns from few images and, for as many steps, from more: as "
        "they are, turned by up to 15 degrees and shifted by up to 2 pixels, or turned by any "
        "angle, which for digits is an invalid variation. All arms see the same images in the same "
        "batches from the same initial weights, each at the learning rate with the lowest training "
        "loss of five. Compared is the accuracy on 1,000 held-out images."
    ),
    arms={
        "none": "the images as they are",
        "valid": "turned by up to 15 degrees either way, shifted by up to 2 pixels",
        "invalid": "turned by up to 180 degrees either way, shifted by up to 2 pixels",
        "turned": "turned by up to 15 degrees (extended budget; no rule is about it)",
        "shifted": "shifted by up to 2 pixels (extended budget; no rule is about it)",
    },
    metrics={
        "accuracy_few": "share of the held-out images classified correctly, few training images",
        "accuracy_many": "share of the held-out images classified correctly, many training images",
        "excess": "accuracy with few training images minus accuracy with many",
        "train_loss": "training loss in nat on the pictures as seen, last 20 steps, mean of both",
    },
    hypotheses=(
        _better(
            "few images",
            "On 100 images a valid augmentation improves the accuracy.",
            "accuracy_few",
            "valid",
            "a valid variation, few images",
        ),
        _better(
            "many images",
            "On more images (500; 4,000 at the extended budget) it improves the accuracy too.",
            "accuracy_many",
            "valid",
            "a valid variation, more images",
        ),
        _better(
            "gain shrinks",
            "The gain is larger on few images than on more.",
            "excess",
            "valid",
            "the gain on few images minus that on more",
        ),
        Hypothesis(
            name="invalid variation",
            statement="To vary what is to be learned, the orientation, costs accuracy.",
            rule=Difference("accuracy_few", "none", "invalid", "greater", SMALLEST, DEVIATION),
            setting="an invalid variation does harm, few images",
        ),
    ),
    budgets={
        "smoke": Budget((0,), 0, {**SETTINGS, "steps": 2}, arms=("none", "valid")),
        "standard": Budget((0,), 2, {**SETTINGS, "steps": 150}, arms=ALONE),
        "extended": Budget(tuple(range(10)), 0, {**SETTINGS, "many": 4000, "steps": 2000}),
    },
    architectures=("convnet", "preprocessing"),
    datasets=("mnist5k",),
    search=Search(
        grid=dict.fromkeys(VARIATIONS, (0.0003, 0.001, 0.003, 0.01, 0.03)),
        metric="train_loss",
        seeds=(9001,),
    ),
    ranges={"few": Range(1, 4000), "many": Range(1, 4000)},
    figures=(
        Figure(
            "tests",
            "Accuracy on held-out images by the number of training images",
            x="images",
            y="accuracy",
            hue="arm",
            log="x",
        ),
    ),
)


def run(job: Job) -> Outcome:
    """One variation, on few and on many images."""
    settings, steps = job.settings, job.settings["steps"]
    data = training.prepared(job, normalize=False)
    spec = convnet.spec(blocks=BLOCKS, dense=())
    system = system_for(job, spec, {training.TRAIN: Update("cross_entropy", ("",), ADAM)})
    change = changed(job, data)
    rows, losses = [], []
    for number, images in enumerate((settings["few"], settings["many"])):
        system.load(weights.initial(spec, job.seed))
        some = dataset.first(data, images)
        given = training.batches(some, job.seed, settings["batch_size"], steps, "float64")
        found = training.fit(
            system,
            (change(step, batch) for step, batch in enumerate(given)),
            settings["learning_rate"],
            lambda step, n=number: job.report((n + step / steps) / 2, job.arm),
        )
        accuracy, _ = training.test(system, dataset.standardized(data, data.test_x), data.test_y)
        value = float("nan") if found.diverged else accuracy
        rows.append({"images": images, "accuracy": value})
        losses.append(found.final())
    few, many = (row["accuracy"] for row in rows)
    return Outcome(
        metrics={
            "accuracy_few": few,
            "accuracy_many": many,
            "excess": few - many,
            "train_loss": float(np.mean(losses)),
        },
        series={"tests": rows},
    )


def changed(job: Job, data: Prepared) -> Callable[[int, Arrays], dict[str, np.ndarray]]:
    """What is done to the batch of a step: varied as the arm says, then standardized."""
    variation = VARIATIONS[job.arm]
    system = system_for(job, preprocessing.spec(data.train_x.shape[1:]), {})

    def change(step: int, batch: Arrays) -> dict[str, np.ndarray]:
        x = batch["x"]
        if variation is not None:
            staged = system.stage({"x": x, **draws(job.seed, step, len(x), *variation)})
            x = system.evaluate("affine", staged, INFERENCE).outputs["x"].astype(np.float64)
        return {"x": dataset.standardized(data, x), "y": batch["y"]}

    return change


def draws(seed: int, step: int, images: int, degrees: float, shift: float) -> dict[str, np.ndarray]:
    """Angle, scale and shift of every image of a step: uniform up to the largest, either way."""
    named = stream(seed, "augmentation", step)
    angle = np.deg2rad(degrees) * named.uniform(-1, 1, images)
    return {
        "angle": angle,
        "scale": np.ones(images),
        "shift": shift * named.uniform(-1, 1, (images, 2)),
    }
