"""Pooling halves height and width; how much of a translation does it take away?

The nets have two blocks and see 10 x 10 pixels with their last unit, whichever way the map is made
smaller: 3x3 convolutions with 2x2 pooling, 4x4 convolutions of stride 2, or 4x4 and 7x7
convolutions that leave the map as it is. Deviations are those of a pilot (NumPy, seeds 100 to 108,
which are not used again). Nine seeds then find the smallest effect with a power of 0.95 at 1 pixel
and 0.93 in the features, but of 0.42 at 2 pixels and 0.56 for literal invariance: there an effect
of four points is found with 0.9.
"""

import math

import numpy as np

from bench import conventions, training, weights
from bench.claim import Budget, Claim, Erratum, Figure, Job, Outcome, Search
from bench.contract import Batch, System, Update
from bench.hypothesis import AtLeast, Bound, Difference, Hypothesis
from bench.instruments import shifts
from bench.instruments.feature_maps import field_of_view, sizes
from bench.ranges import Range
from bench.spec import Spec
from bench.specs import convnet
from bench.specs.convnet import Block
from bench.systems import system_for

EFFECT = 0.02  # of accuracy: two points
FEATURE_EFFECT = 0.1  # a tenth of the features' size
FILTERS = (6, 8)
FEATURE_IMAGES = 50
RATES = (3e-4, 1e-3, 3e-3, 1e-2, 3e-2)
SETTINGS = {"batch_size": 32, "learning_rate": 3e-3}

CLAIM = Claim(
    name="pooling_invariance",
    title="Pooling reduces dimension and gives translation invariance",
    topic="pooling",
    deck=(
        "Pooling : Réduction de dimension ; invariabilité en translation ; mise en correspondance "
        "des pixels voisins — réduction de la profondeur"
    ),
    translation=(
        "Pooling: reduction of dimension; invariance to translation; neighboring pixels are "
        "brought together: reduction of the depth"
    ),
    compared=(
        "Four small nets of two convolutions and one fully connected layer learn mnist5k's digits "
        "where they are, and are tested on digits moved by one and by two pixels down, up, right "
        "and left. Their last units see the same 10 x 10 pixels; they differ in how the map gets "
        "smaller: max pooling, average pooling, a stride, or not at all. Measured are the loss of "
        "accuracy, and how much the features before the last layer change. Sizes are read from the "
        "nets' own feature maps. Each net has the learning rate with the smallest training loss."
    ),
    arms={
        "max": "3x3 convolutions, 2x2 max pooling: 28 x 28 becomes 14 x 14 becomes 7 x 7",
        "average": "the same with average pooling",
        "stride": "4x4 convolutions with stride 2 and no pooling: the same sizes, the same view",
        "none": "4x4 and 7x7 convolutions with neither: the same view on a map of 19 x 19",
    },
    metrics={
        "accuracy": "share of the held-out digits, unmoved, that are classified correctly",
        "kept_1": "accuracy on digits moved by 1 pixel minus accuracy on unmoved ones",
        "kept_2": "accuracy on digits moved by 2 pixels minus accuracy on unmoved ones",
        "feature_1": "relative change of the last feature map when the digit moves by 1 pixel",
        "feature_2": "relative change of the last feature map when the digit moves by 2 pixels",
        "halving_error": (
            "largest |side after / side before - 1/2| of height and width over the pooling layers "
            "(0.5 where nothing pools)"
        ),
        "depth_ratio": "channels after / channels before a pooling layer (1 where nothing pools)",
        "depth_change": "largest |channels after / channels before - 1| over the pooling layers",
        "train_loss": "mean cross-entropy of the last 20 training batches",
    },
    hypotheses=(
        Hypothesis(
            name="height and width",
            statement="Pooling with 2x2 windows halves height and width exactly.",
            rule=Bound("halving_error", "max", 1e-12),
            setting="height and width",
        ),
        Hypothesis(
            name="depth as printed",
            statement="Pooling reduces the depth, the number of channels.",
            rule=Bound("depth_ratio", "max", 0.99),
            setting="depth",
        ),
        Hypothesis(
            name="depth mended",
            statement="Pooling leaves the number of channels as it is.",
            rule=Bound("depth_change", "max", 1e-12),
            role="mended",
        ),
        Hypothesis(
            name="1 pixel, against no pooling",
            statement="Moved by 1 pixel, the max-pooled net loses less accuracy than without.",
            rule=Difference("kept_1", "max", "none", "greater", EFFECT, deviation=0.01),
            setting="1 pixel, compared with no pooling",
        ),
        Hypothesis(
            name="1 pixel, against a stride",
            statement="Moved by 1 pixel, the max-pooled net loses less accuracy than the strided.",
            rule=Difference("kept_1", "max", "stride", "greater", EFFECT, deviation=0.01),
            setting="1 pixel, compared with a stride",
        ),
        Hypothesis(
            name="2 pixels, against no pooling",
            statement="Moved by 2 pixels, the max-pooled net loses less accuracy than without.",
            rule=Difference("kept_2", "max", "none", "greater", EFFECT, deviation=0.03),
            setting="2 pixels, compared with no pooling",
        ),
        Hypothesis(
            name="2 pixels, against a stride",
            statement="Moved by 2 pixels, the max-pooled net loses less accuracy than the strided.",
            rule=Difference("kept_2", "max", "stride", "greater", EFFECT, deviation=0.03),
            setting="2 pixels, compared with a stride",
        ),
        Hypothesis(
            name="2 pixels, average pooling against no pooling",
            statement="Moved by 2 pixels, the average-pooled net loses less than without.",
            rule=Difference("kept_2", "average", "none", "greater", EFFECT, deviation=0.03),
            setting="2 pixels, average pooling compared with no pooling",
        ),
        Hypothesis(
            name="features, against no pooling",
            statement="Moved by 1 pixel, the max-pooled features change less than without pooling.",
            rule=Difference("feature_1", "max", "none", "less", FEATURE_EFFECT, deviation=0.07),
            setting="features at 1 pixel, compared with no pooling",
        ),
        Hypothesis(
            name="invariance, literally",
            statement="Moved by 2 pixels, the max-pooled net loses at most 2 points of accuracy.",
            rule=AtLeast("kept_2", "max", -EFFECT, EFFECT, deviation=0.025),
            setting="invariance taken literally, at 2 pixels",
        ),
    ),
    budgets={
        "smoke": Budget((0,), 0, {**SETTINGS, "steps": 4, "tested": 100, "farthest": 2}),
        "standard": Budget((0,), 2, {**SETTINGS, "steps": 100, "tested": 500, "farthest": 2}),
        "extended": Budget(
            tuple(range(10)), 0, {**SETTINGS, "steps": 1250, "tested": 1000, "farthest": 4}
        ),
    },
    architectures=("convnet",),
    datasets=("mnist5k",),
    errata=(
        Erratum(
            printed="pooling : réduction de la profondeur",
            mended="pooling: reduction of height and width, (H, W, C) → (H/2, W/2, C)",
            why=(
                "A pooling window lies within one channel: every channel has its own maximum, so "
                "there are as many channels after as before. If the depth of the net is meant, "
                "pooling adds a layer to it. What gets smaller is the map."
            ),
            refuted_by="depth as printed",
            supported_by="depth mended",
        ),
    ),
    search=Search(
        grid=dict.fromkeys(("max", "average", "stride", "none"), RATES),
        metric="train_loss",
        seeds=(9001,),
    ),
    figures=(
        Figure(
            series="shifts",
            caption=(
                "Accuracy on digits that are moved by so many pixels, mean over the four "
                "directions. An invariant net would draw a level line."
            ),
            x="pixels",
            y="accuracy",
        ),
        Figure(
            series="shifts",
            caption="How much the last feature map changes when the digit moves.",
            x="pixels",
            y="feature_change",
        ),
    ),
    ranges={"farthest": Range(2, 14), "tested": Range(1, 1000)},
)


def net(arm: str) -> Spec:
    """The net of an arm: see the module's docstring for what is equal."""
    first, second = FILTERS
    if arm == "stride":
        blocks = [Block(f, 4, stride=2, padding=1, pooling="none") for f in FILTERS]
    elif arm == "none":
        blocks = [Block(first, 4, pooling="none"), Block(second, 7, pooling="none")]
    else:
        blocks = [Block(f, 3, padding=1, pooling=arm) for f in FILTERS]
    return convnet.spec(blocks=tuple(blocks), dense=())


def run(job: Job) -> Outcome:
    """Train one net on digits where they are, and test it on digits that were moved."""
    settings, spec = job.settings, net(job.arm)
    optimizer = conventions.usual_adam()
    system = system_for(job, spec, {training.TRAIN: Update("cross_entropy", ("",), optimizer)})
    system.load(weights.initial(spec, job.seed))
    data = training.prepared(job)
    batches = training.batches(data, job.seed, settings["batch_size"], settings["steps"])
    found = training.fit(
        system,
        batches,
        settings["learning_rate"],
        lambda step: job.report(0.7 * step / settings["steps"], "training"),
    )
    x, y = data.test_x[: settings["tested"]], data.test_y[: settings["tested"]]
    background = float(data.train_x.min())
    last = _last(spec)
    unmoved = _maps(system, x[:FEATURE_IMAGES], y[:FEATURE_IMAGES])
    rows: list[dict[str, float | str]] = []
    for pixels in range(settings["farthest"] + 1):
        job.report(0.7 + 0.3 * pixels / (settings["farthest"] + 1), f"moved by {pixels} pixels")
        accuracies, changes = [], []
        for images in shifts.four_ways(x, pixels, background):
            accuracies.append(training.test(system, images, y)[0])
            maps = _maps(system, images[:FEATURE_IMAGES], y[:FEATURE_IMAGES])
            changes.append(shifts.relative_change(unmoved[last], maps[last]))
        rows.append(
            {
                "arm": job.arm,
                "pixels": pixels,
                "accuracy": float(np.mean(accuracies)),
                "feature_change": float(np.mean(changes)),
            }
        )
    lost = math.nan if found.diverged else 0.0  # added to what a diverged net has no value of
    still = float(rows[0]["accuracy"])
    metrics = {"accuracy": still + lost, "train_loss": found.final(), **sizes(spec, unmoved)}
    for pixels in (1, 2):
        metrics[f"kept_{pixels}"] = float(rows[pixels]["accuracy"]) - still + lost
        metrics[f"feature_{pixels}"] = float(rows[pixels]["feature_change"]) + lost
    return Outcome(
        metrics=metrics,
        series={"shifts": rows},
        record={"data": data.record, "field_of_view": field_of_view(spec)},
    )


def _last(spec: Spec) -> str:
    """The feature map that the fully connected layer sees."""
    names = list(spec.activations)
    return names[names.index("logits") - 1]


def _maps(system: System, x: np.ndarray, y: np.ndarray) -> dict[str, np.ndarray]:
    staged: Batch = system.stage({"x": x, "y": y})
    return {name: value for name, value, _ in system.trace(training.TRAIN, staged)}
