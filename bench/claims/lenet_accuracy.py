"""The deck's LeNet learns to read digits, and it is the same LeNet in four frameworks.

The number of epochs was chosen where the test accuracy of a pilot stopped rising (PyTorch, seeds
100 to 102, which are not used again), the number of seeds so that both rules have a power of at
least 0.8 for the deviations stated in them.
"""

import dataclasses

from bench import conventions, training
from bench.claim import AtLeast, Budget, Claim, Equivalent, Hypothesis, Job, Outcome
from bench.contract import TRAINING, Update, adam
from bench.specs import lenet

TRAINING_SETTINGS = {"batch_size": 64, "learning_rate": 1e-3, "steps": None}
DATA = {"lenet": "mnist5k", "fashion": "fashion_mnist"}  # arm -> data set
ALONE = {"arms": ("lenet",), "datasets": ("mnist5k",)}  # what the rules are about

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
        "1,000. Every seed has its own split, weights and batch order, and all frameworks run the "
        "same seeds, so that they can be compared in pairs."
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
            rule=AtLeast("accuracy", "lenet", 0.96, smallest_effect=0.01, deviation=0.006),
        ),
        Hypothesis(
            name="frameworks agree",
            statement="Every two frameworks differ by less than one point on shared seeds.",
            rule=Equivalent("accuracy", "lenet", margin=0.01, deviation=0.004),
        ),
    ),
    budgets={
        "smoke": Budget((0,), 0, {**TRAINING_SETTINGS, "epochs": 1, "steps": 4}, **ALONE),
        "standard": Budget((0, 1, 2, 3, 4, 5), 0, {**TRAINING_SETTINGS, "epochs": 4}, **ALONE),
        "extended": Budget(
            tuple(range(10)), 0, {**TRAINING_SETTINGS, "epochs": 20, "fashion_epochs": 5}
        ),
    },
    architectures=("lenet",),
    datasets=("mnist5k", "fashion_mnist"),
)


def run(job: Job) -> Outcome:
    """Train one net on one split and test it after every epoch."""
    spec = lenet.spec()
    optimizer = adam(conventions.ADAM_BETA1, conventions.ADAM_BETA2, conventions.ADAM_EPSILON)
    update = Update("cross_entropy", ("",), optimizer, mode=TRAINING)
    if job.arm == "fashion":
        epochs = {"epochs": job.settings["fashion_epochs"]}
        job = dataclasses.replace(job, settings={**job.settings, **epochs})
    return training.train_classifier(job, spec, update, DATA[job.arm])
