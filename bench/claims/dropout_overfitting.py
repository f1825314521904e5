"""Dropout against none: the gap between training and test, and the test itself, on little data.

    gap        test loss - training loss, both without masks at the same weights

A smaller gap alone is no better net: a net that learns more slowly has a smaller one too. So three
things are judged, each on few and on more images: the gap, the test loss (the logarithmic score,
which rewards calibration), and the test accuracy. All arms train for the same number of steps, long
enough for the net without dropout to fit its images.

Every arm has the learning rate that serves it best of five, by the loss on a validation split: the
last 1,000 images of the training part, on which nothing is trained. By the training loss the net
without dropout would be given the rate at which it overfits most, and the claim its verdict.

p = 0.8 for the input and 0.5 for hidden units, the choice of Srivastava, Hinton, Krizhevsky,
Sutskever and Salakhutdinov (2014), "Dropout: a simple way to prevent neural networks from
overfitting", in the deck's form.

What would matter: 0.06 nat of the gap or of the test loss, and 1.5 points of accuracy, a tenth
of the errors. Planned for deviations of the paired differences of 0.05 nat and 0.012 (pilot, seeds
103 to 107); with 9 seeds the powers are 0.86 and 0.88.
"""

from bench import conventions, dataset, training, weights
from bench.claim import Budget, Claim, Figure, Job, Outcome, Search
from bench.contract import Update
from bench.hypothesis import Difference, Hypothesis
from bench.ranges import PROBABILITY
from bench.specs import mlp
from bench.systems import system_for

LOSS, LOSS_DEVIATION = 0.06, 0.05  # nat
ACCURACY, ACCURACY_DEVIATION = 0.015, 0.012
VALIDATION = 1000  # images
EVALUATIONS = 6  # of the whole, evenly over the training
ADAM = conventions.usual_adam()
SETTINGS = {
    "batch_size": 32,
    "learning_rate": 0.001,
    "keep_input": 0.8,
    "keep_hidden": 0.5,
    "width": 256,
}
ALONE = ("plain_300", "dropout_300", "plain_1000", "dropout_1000")  # what the rules are about
GRID = (0.0001, 0.0003, 0.001, 0.003, 0.01)


def _less(metric: str, images: int, words: str) -> Hypothesis:
    arm, baseline = f"dropout_{images}", f"plain_{images}"
    return Hypothesis(
        name=f"{words}, {images} images",
        statement=f"With dropout the {words} is smaller, on {images} training images.",
        rule=Difference(metric, arm, baseline, "less", LOSS, LOSS_DEVIATION),
        setting=f"{words}, {images} images",
    )


def _accurate(images: int) -> Hypothesis:
    arm, baseline = f"dropout_{images}", f"plain_{images}"
    return Hypothesis(
        name=f"accuracy, {images} images",
        statement=f"With dropout the test accuracy is higher, on {images} training images.",
        rule=Difference("accuracy", arm, baseline, "greater", ACCURACY, ACCURACY_DEVIATION),
        setting=f"accuracy, {images} images",
    )


CLAIM = Claim(
    name="dropout_overfitting",
    title="Dropout against overfitting",
    topic="dropout",
    deck=(
        "Éteindre certains neurones avec probabilité 1−p ⇒ entraîner une multitude de "
        "sous-réseaux. […] une meilleure généralisation"
    ),
    translation=(
        "Switch certain neurons off with probability 1-p: train a multitude of subnetworks. More "
        "robustness and a better generalization"
    ),
    compared=(
        "A perceptron with two hidden layers is trained on 300 and on 1,000 images, with dropout "
        "(p = 0.8 for the input, 0.5 for hidden units) and without, from the same weights on the "
        "same batches by Adam for the same number of steps, each at the learning rate with the "
        "lowest loss of five on 1,000 other images of the training part. Compared are the gap "
        "between test and training loss, the test loss, and the accuracy on 1,000 held-out images."
    ),
    arms={
        f"{kind}_{images}": f"{words}, {images} training images{extended}"
        for images, extended in (
            (300, ""),
            (1000, ""),
            (3000, " (extended budget; no rule is about it)"),
        )
        for kind, words in (("plain", "without dropout"), ("dropout", "with dropout"))
    },
    metrics={
        "gap": "test loss minus training loss in nat, both without masks",
        "gap_accuracy": "training accuracy minus test accuracy, both without masks",
        "test_loss": "cross-entropy in nat on the held-out images",
        "accuracy": "share of the held-out images that are classified correctly",
        "validation_loss": "cross-entropy in nat on 1,000 images of the training part, not used",
    },
    hypotheses=(
        _less("gap", 300, "gap"),
        _less("test_loss", 300, "test loss"),
        _accurate(300),
        _less("gap", 1000, "gap"),
        _less("test_loss", 1000, "test loss"),
        _accurate(1000),
    ),
    budgets={
        "smoke": Budget((0,), 0, {**SETTINGS, "width": 8, "steps": 2}, arms=ALONE[:2]),
        "standard": Budget((0,), 2, {**SETTINGS, "steps": 300}, arms=ALONE),
        "extended": Budget(tuple(range(10)), 0, {**SETTINGS, "width": 512, "steps": 3000}),
    },
    architectures=("mlp",),
    datasets=("mnist5k",),
    search=Search(
        grid={
            f"{kind}_{images}": GRID
            for images in (300, 1000, 3000)
            for kind in ("plain", "dropout")
        },
        metric="validation_loss",
    ),
    figures=(
        Figure("tests", "Gap between test and training loss as the training goes on", y="gap"),
        Figure("tests", "Test loss as the training goes on", y="test_loss", log="y"),
    ),
    ranges={"keep_input": PROBABILITY, "keep_hidden": PROBABILITY},
)


def run(job: Job) -> Outcome:
    """One net on so many images, tested several times while it trains."""
    settings, steps = job.settings, job.settings["steps"]
    kind, _, images = job.arm.partition("_")
    whole = training.prepared(job)
    data = dataset.first(whole, int(images))
    validation = whole.train_x[-VALIDATION:], whole.train_y[-VALIDATION:]
    spec = mlp.spec(
        widths=(settings["width"],) * 2,
        dropout="deck" if kind == "dropout" else None,
        keep_input=settings["keep_input"],
        keep_hidden=settings["keep_hidden"],
    )
    system = system_for(job, spec, {training.TRAIN: Update("cross_entropy", ("",), ADAM)})
    system.load(weights.initial(spec, job.seed))
    rows: list[dict[str, float]] = []

    def after(step: int) -> None:
        job.report(step / steps, job.arm)
        if step % max(1, steps // EVALUATIONS) == 0 or step == steps:
            accuracy, loss = training.test(system, data.test_x, data.test_y)
            own_accuracy, own_loss = training.test(system, data.train_x, data.train_y)
            rows.append(
                {
                    "step": step,
                    "gap": loss - own_loss,
                    "gap_accuracy": own_accuracy - accuracy,
                    "test_loss": loss,
                    "accuracy": accuracy,
                }
            )

    given = training.batches(data, job.seed, settings["batch_size"], steps)
    given = training.masked(spec, job.seed, given)
    found = training.fit(system, given, settings["learning_rate"], after)
    _, held_out = training.test(system, *validation)
    last = {**rows[-1], "validation_loss": held_out} if rows else {}
    if found.diverged:  # perhaps before the first test
        last = dict.fromkeys(CLAIM.metrics, float("nan"))
    return Outcome(
        metrics={name: last[name] for name in CLAIM.metrics},
        series={"tests": rows},
    )
