"""The deck's LeNet learns to read digits, and it is the same LeNet in four frameworks.

Five epochs are where the accuracy of earlier runs (seeds 0 to 5, and 100 to 102, which are not used
again) had all but stopped rising. Over those seeds it had a deviation of 0.009, which is mostly the
split's; for that, 13 distinct seeds give the level a power of 0.94 at its smallest effect. The five
that all frameworks share give their agreement a power of 0.97.
"""

import dataclasses
from typing import Any

from bench import conventions, training
from bench.claim import Budget, Claim, Job, Outcome
from bench.contract import TRAINING, Update
from bench.hypothesis import AtLeast, Equivalent, Hypothesis
from bench.specs import lenet

TRAINING_SETTINGS = {"batch_size": 64, "learning_rate": 1e-3, "steps": None}
DATA = {"lenet": "mnist5k", "fashion": "fashion_mnist"}  # arm -> data set
ALONE: dict[str, Any] = {"arms": ("lenet",), "datasets": ("mnist5k",)}  # what the rules are about

CLAIM = Claim(
    name="lenet_accuracy",
    title="LeNet recognises handwritten digits",
    topic="convolutional nets",
    deck=(
        "LeNet : conv 3x3x64, ReLU, max pooling 2x2, conv 3x3x128, ReLU, max pooling 2x2, "
        "fully connected 256, ReLU, fully connected 10, softmax ; entropie croisée ; Adam"
    ),
    translation=(
        "LeNet: convolution 3x3x64, ReLU, max pooling 2x2, convolution 3x3x128, ReLU, max pooling "
        "2x2, fully connected 256, ReLU, fully connected 10, softmax; cross-entropy; Adam"
    ),
    compared=(
        "The net of the deck is trained on 4,000 of mnist5k's images and tested on the held-out "
        "1,000. Every seed has its own split, weights and batch order. Five seeds are run by all "
        "frameworks, so that they can be compared in pairs, two more by each alone."
    ),
    arms={
        "lenet": "the deck's net on mnist5k, Adam at its usual rate",
        "fashion": (
            "the same net on more and harder images, Fashion-MNIST's 60,000, tested on its 10,000 "
            "(extended budget; no rule is about it)"
        ),
    },
    metrics={"accuracy": "share of the held-out images that are classified correctly"},
    hypotheses=(
        Hypothesis(
            name="reaches 96 %",
            statement="The mean accuracy on the held-out images is at least 96 %.",
            rule=AtLeast("accuracy", "lenet", 0.96, smallest_effect=0.01, deviation=0.009),
        ),
        Hypothesis(
            name="frameworks agree",
            statement="Every two frameworks differ by less than one point on shared seeds.",
            rule=Equivalent("accuracy", "lenet", margin=0.01, deviation=0.004),
        ),
    ),
    budgets={
        "smoke": Budget((0,), 0, {**TRAINING_SETTINGS, "epochs": 1, "steps": 4}, **ALONE),
        "standard": Budget((10, 11, 12, 13, 14), 2, {**TRAINING_SETTINGS, "epochs": 5}, **ALONE),
        "extended": Budget(
            tuple(range(10, 20)), 0, {**TRAINING_SETTINGS, "epochs": 20, "fashion_epochs": 5}
        ),
    },
    architectures=("lenet",),
    datasets=("mnist5k", "fashion_mnist"),
)


def run(job: Job) -> Outcome:
    """Train one net on one split and test it after every epoch."""
    spec = lenet.spec()
    optimizer = conventions.usual_adam()
    update = Update("cross_entropy", ("",), optimizer, mode=TRAINING)
    if job.arm == "fashion":
        epochs = {"epochs": job.settings["fashion_epochs"]}
        job = dataclasses.replace(job, settings={**job.settings, **epochs})
    return training.train_classifier(job, spec, update, DATA[job.arm])
