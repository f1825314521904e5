"""Adagrad on rare features: does its gain over plain descent grow with their rarity?

Adagrad divides each weight's step by the root of the sum of its squared gradients, so that a weight
whose feature is seldom there takes larger steps when it is (Duchi, Hazan and Singer (2011),
"Adaptive subgradient methods for online learning and stochastic optimization", section 1.3). If
that is why it helps, it helps more where features are rarer. So one run trains on evenly frequent
features and on a power law, and what is judged is the difference of the two gains,

    (L_sgd - L_adagrad) on rare features  -  (L_sgd - L_adagrad) on even ones,

which is the difference between the arms in the metric `rarity_cost`, L_rare - L_even.

An arm has one learning rate for both problems, searched on the training loss, mean of both. That is
a limit of this design: in a pilot (seeds 100 and 101) Adagrad's best of the grid was the same for
both problems, plain descent's was 1 on even features and 0.3 or 1 on rare ones.

The smallest effect that would matter is 0.02 nat, a twentieth of the loss. Planned for a deviation
of the paired differences of 0.02 nat, for which 17 seeds give a power of 0.94.
"""

import functools
import math

import numpy as np

from bench import conventions, training
from bench.claim import Budget, Claim, Figure, Job, Outcome, Search
from bench.contract import State, Update
from bench.dataset import Prepared
from bench.hypothesis import Difference, Hypothesis
from bench.instruments import sparse_features
from bench.ledger import DATA, LEDGER
from bench.optimizers import Optimizer, adagrad, momentum, sgd
from bench.specs import mlp
from bench.systems import system_for

SMALLEST, DEVIATION = 0.02, 0.02  # nat, of a paired difference
FEATURES, ACTIVE = 400, 20  # binary features, and how many of them an example has on average
OPTIMIZERS: dict[str, Optimizer] = {
    "sgd": sgd(),
    "adagrad": adagrad(conventions.ADAGRAD_EPSILON),
    "momentum": momentum(conventions.MOMENTUM),
    "adam": conventions.usual_adam(),
}
EVEN, RARE = 0.0, 1.5  # exponents of the power law
SETTINGS = {"batch_size": 16, "learning_rate": 0.3, "examples": 4000, "exponents": (EVEN, RARE)}
ALONE = ("sgd", "adagrad")  # what the rules are about

CLAIM = Claim(
    name="adagrad_rare_features",
    title="Adagrad on rare features",
    topic="optimization",
    deck="Adagrad",
    translation="Adagrad, introduced as a learning rate that adapts itself to each weight",
    compared=(
        "A linear classifier (logistic regression) learns from 400 binary features, of which an "
        "example has 20 on average: all equally frequent, or by a power law with exponent 1.5, in "
        "which the first are there in every second example and the last in one of 260. Plain "
        "gradient descent and Adagrad see the same examples in the same order, each at the "
        "learning rate with the lowest training loss of five. Compared is the loss on as many "
        "held-out examples, and whether the gain is larger where features are rare."
    ),
    arms={
        "sgd": "plain gradient descent",
        "adagrad": "Adagrad",
        "momentum": "momentum (extended budget; no rule is about it)",
        "adam": "Adam (extended budget; no rule is about it)",
    },
    metrics={
        "loss_even": "held-out loss in nat, all features equally frequent",
        "loss_rare": "held-out loss in nat, frequencies by a power law with exponent 1.5",
        "rarity_cost": "held-out loss that rare features cost, over evenly frequent ones, in nat",
        "train_loss": "training loss in nat at the last weights, mean of both problems",
    },
    hypotheses=(
        Hypothesis(
            name="better on rare features",
            statement="On features by a power law Adagrad ends at a lower held-out loss.",
            rule=Difference("loss_rare", "adagrad", "sgd", "less", SMALLEST, DEVIATION),
            setting="the loss on rare features",
        ),
        Hypothesis(
            name="gain grows with rarity",
            statement="Adagrad's gain is larger on rare features than on evenly frequent ones.",
            rule=Difference("rarity_cost", "adagrad", "sgd", "less", SMALLEST, DEVIATION),
            setting="the growth of the gain with rarity",
        ),
    ),
    budgets={
        "smoke": Budget((0,), 0, {**SETTINGS, "examples": 100, "steps": 3}, arms=ALONE),
        "standard": Budget((0,), 4, {**SETTINGS, "steps": 400}, arms=ALONE),
        "extended": Budget(
            tuple(range(30)), 0, {**SETTINGS, "steps": 400, "exponents": (EVEN, 0.5, 1.0, RARE)}
        ),
    },
    architectures=("mlp",),
    search=Search(
        grid={
            "sgd": (0.1, 0.3, 1.0, 3.0, 10.0),
            "adagrad": (0.03, 0.1, 0.3, 1.0, 3.0),
            "momentum": (0.01, 0.03, 0.1, 0.3, 1.0),
            "adam": (0.003, 0.01, 0.03, 0.1, 0.3),
        },
        metric="train_loss",
    ),
    figures=(
        Figure(
            "rarity",
            "Held-out loss by the exponent of the power law: 0 is evenly frequent",
            x="exponent",
            y="loss",
            hue="arm",
        ),
    ),
)


def run(job: Job) -> Outcome:
    """One optimizer on every exponent."""
    settings = job.settings
    spec = mlp.spec(inputs=(FEATURES,), widths=(), classes=2)
    update = Update("cross_entropy", ("",), OPTIMIZERS[job.arm])
    system = system_for(job, spec, {training.TRAIN: update})
    zeros = {name: np.zeros(shape) for name, shape in spec.shapes().items()}
    rows = []
    for number, exponent in enumerate(settings["exponents"], 1):
        data = problem(job.seed, settings["examples"], exponent)
        system.load(State(parameters=zeros))  # the problem is convex: any start will do
        found = training.fit(
            system,
            training.batches(data, job.seed, settings["batch_size"], settings["steps"]),
            settings["learning_rate"],
        )
        losses = [
            math.nan if found.diverged else training.test(system, x, y)[1]
            for x, y in ((data.train_x, data.train_y), (data.test_x, data.test_y))
        ]
        rows.append({"exponent": exponent, "train_loss": losses[0], "loss": losses[1]})
        job.report(number / len(settings["exponents"]), f"exponent {exponent:g}")
    even, rare = (next(r for r in rows if r["exponent"] == e) for e in (EVEN, RARE))
    return Outcome(
        metrics={
            "loss_even": even["loss"],
            "loss_rare": rare["loss"],
            "rarity_cost": rare["loss"] - even["loss"],
            "train_loss": (even["train_loss"] + rare["train_loss"]) / 2,
        },
        series={"rarity": rows},
    )


@LEDGER.counted(DATA)
@functools.lru_cache(maxsize=4)
def problem(seed: int, examples: int, exponent: float) -> Prepared:
    """Examples to train and to test on, in the form of a data set.

    Kept for the next arms, and for what a search tries: nobody writes into them.
    """
    train, test = sparse_features.draw(seed, examples, FEATURES, exponent, ACTIVE)
    return Prepared(train.x, train.y, test.x, test.y, {})
