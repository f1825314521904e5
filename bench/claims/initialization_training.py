"""Which initial weights let a net train, and from which depth on that matters.

The budget of 150 steps is where a pilot's shallow nets had learned the digits (NumPy, seeds 100 to
122, which are not used again). A signal that is not usable, as the deck says of weights too small
or too large, must cost at least 30 points of accuracy; between two rules that it recommends, ten
points decide. Glorot and Bengio's rule is for symmetric activations, and the deck prints it for
any: as printed and as published it is compared with both. Deviations are the pilot's, rounded up;
with them 9 seeds give the rules a power of at least 0.9 at their smallest effect, but for rules of
one size on 20 ReLU layers: nets differ so much from seed to seed there that ten points would be
found with a power of 0.4.

The rate is chosen by the training images that are misclassified, not by their loss: after too large
weights a net can classify half of the images and still have a loss of a hundred nats.
"""

import math

from bench import conventions, training, weights
from bench.claim import Budget, Claim, Figure, Job, Outcome, Search
from bench.contract import Update
from bench.hypothesis import Difference, Hypothesis
from bench.optimizers import momentum
from bench.specs import mlp
from bench.systems import system_for

WIDTH = 64
RULES = {
    "constant_small": "variance 0.0001",
    "constant_large": "variance 1",
    "glorot_printed": "1/(n_in + n_out), as the deck prints Glorot and Bengio's rule",
    "glorot": "2/(n_in + n_out), as they published it",
    "xavier": "1/n_in",
    "he": "2/n_in",
}
NAMES = {"relu": "ReLU", "tanh": "tanh"}
DEPTHS = (3, 20, 30)
ALL = {
    f"{activation}_{depth}_{rule}": (activation, depth, rule)
    for activation in NAMES
    for depth in DEPTHS
    for rule in RULES
}
STANDARD = (
    *(
        f"relu_{n}_{r}"
        for n in (3, 20)
        for r in ("constant_small", "constant_large", "glorot_printed", "glorot", "he")
    ),
    *(f"tanh_{n}_{r}" for n in (3, 20) for r in ("glorot_printed", "glorot")),
)
RATES = {  # five each, around where a pilot learned best
    "usual": (0.001, 0.003, 0.01, 0.03, 0.1),
    "small": (0.01, 0.03, 0.1, 0.3, 1.0),  # and where a deep net's signal vanishes
    "large": (1e-6, 1e-5, 1e-4, 1e-3, 1e-2),
}
EXPLODING = {  # gradients of 1e15 and more: only such rates leave anything finite
    20: (1e-20, 1e-19, 1e-18, 1e-17, 1e-16),
    30: (1e-27, 1e-26, 1e-25, 1e-24, 1e-23),
}
VANISHING = {("relu", "glorot_printed"), ("relu", "glorot"), ("relu", "xavier")}
VANISHING |= {("tanh", "glorot_printed")}


def worse(
    activation: str, depth: int, rule: str, than: str, smallest: float, deviation: float
) -> Hypothesis:
    """The deck's sentence, for one activation and depth: this rule trains less well than that.

    The better one is the rule's arm: where the other diverges, that speaks for the sentence.
    """
    name, words = NAMES[activation], rule.replace("_", " ")
    return Hypothesis(
        name=f"{name}, {depth} layers, {words}",
        statement=(
            f"With {depth} hidden {name} layers a net that starts from {RULES[than]} classifies "
            f"more held-out images correctly than one that starts from {RULES[rule]}."
        ),
        rule=Difference(
            "accuracy",
            f"{activation}_{depth}_{than}",
            f"{activation}_{depth}_{rule}",
            "greater",
            smallest,
            deviation,
        ),
        setting=f"{name}, {depth} layers, {words} against {than}",
    )


def rates(activation: str, depth: int, rule: str) -> tuple[float, ...]:
    if rule == "constant_large":
        deep = activation == "relu" and depth in EXPLODING
        return EXPLODING[depth] if deep else RATES["large"]
    deep = depth > 3 and (activation, rule) in VANISHING
    return RATES["small" if deep or rule == "constant_small" else "usual"]


CLAIM = Claim(
    name="initialization_training",
    title="Initial weights decide whether a deep net trains",
    topic="initialization",
    deck=(
        "Poids trop faibles ⇒ le signal peut décroître jusqu'à s'annuler ; trop grands ⇒ le signal "
        "peut devenir trop gros pour être utilisable ; Xavier Var = 1/n_in ; Glorot et Bengio "
        "Var = 1/(n_in+n_out) ; He et al. Var = 2/n_in"
    ),
    translation=(
        "Weights too small: the signal may shrink until it vanishes; too large: the signal may "
        "grow too big to be usable; Xavier Var = 1/n_in; Glorot and Bengio Var = 1/(n_in+n_out); "
        "He et al. Var = 2/n_in"
    ),
    compared=(
        f"Perceptrons with 3 and with 20 hidden layers of {WIDTH} units learn mnist5k for the same "
        "number of steps of momentum SGD, from weights of different variance: a seed's are the "
        "same numbers, scaled. Every arm has the best of five learning rates for its own training "
        "error, so that no rule loses because a rate does not suit it. The rules are compared in "
        "pairs: what the deck warns of against what it recommends, at both depths."
    ),
    arms={
        name: f"{depth} hidden layers of {NAMES[activation]} units, variance {RULES[rule]}"
        + ("" if name in STANDARD else " (extended budget; no rule is about it)")
        for name, (activation, depth, rule) in ALL.items()
    },
    metrics={
        "accuracy": "share of the held-out images that are classified correctly",
        "train_error": "share of 1,000 training images that are not; the search looks at it",
        "train_loss": "mean cross-entropy of the last 20 steps, in nats (chance: 2.30)",
    },
    hypotheses=(
        worse("relu", 3, "constant_small", "he", 0.3, 0.2),
        worse("relu", 20, "constant_small", "he", 0.3, 0.2),
        worse("relu", 3, "constant_large", "he", 0.3, 0.2),
        worse("relu", 20, "constant_large", "he", 0.3, 0.2),
        worse("relu", 3, "glorot", "he", 0.1, 0.03),
        worse("relu", 20, "glorot", "he", 0.1, 0.15),
        worse("relu", 3, "glorot_printed", "glorot", 0.1, 0.03),
        worse("relu", 20, "glorot_printed", "glorot", 0.1, 0.15),
        worse("tanh", 3, "glorot_printed", "glorot", 0.1, 0.03),
        worse("tanh", 20, "glorot_printed", "glorot", 0.1, 0.06),
    ),
    budgets={
        "smoke": Budget(
            (0,),
            0,
            {"steps": 10, "batch_size": 64, "learning_rate": 0.01},
            arms=("relu_3_he", "relu_3_constant_small"),
        ),
        "standard": Budget(
            (0,), 2, {"steps": 150, "batch_size": 64, "learning_rate": 0.01}, arms=STANDARD
        ),
        "extended": Budget(
            tuple(range(10)), 0, {"steps": 1000, "batch_size": 64, "learning_rate": 0.01}
        ),
    },
    architectures=("mlp",),
    datasets=("mnist5k",),
    search=Search(grid={name: rates(*what) for name, what in ALL.items()}, metric="train_error"),
    figures=tuple(
        Figure(
            series=f"{activation}_{depth}",
            caption=(
                f"Training loss with {depth} hidden layers of {NAMES[activation]} units, each rule "
                "at its best rate; 2.30 is guessing."
            ),
            hue="rule",
            log="y",
        )
        for activation in NAMES
        for depth in (3, 20)
    ),
)


def run(job: Job) -> Outcome:
    """Train from one rule's weights, and test."""
    activation, depth, rule = ALL[job.arm]
    settings = job.settings
    data = training.prepared(job)
    spec = mlp.spec(widths=(WIDTH,) * depth, activation=activation)
    update = Update("cross_entropy", ("",), momentum(conventions.MOMENTUM))
    system = system_for(job, spec, {training.TRAIN: update})
    system.load(weights.initial(spec, job.seed, f"{rule}_normal"))
    found = training.fit(
        system,
        training.batches(data, job.seed, settings["batch_size"], settings["steps"]),
        settings["learning_rate"],
        lambda step: job.report(step / settings["steps"], f"step {step}"),
    )
    accuracy = learned = math.nan
    if not found.diverged:
        accuracy, _ = training.test(system, data.test_x, data.test_y)
        learned, _ = training.test(system, data.train_x[:1000], data.train_y[:1000])
    return Outcome(
        metrics={
            "accuracy": accuracy,
            "train_error": 1 - learned,
            "train_loss": found.final(),
        },
        series={
            f"{activation}_{depth}": found.curve(rule=rule)[:: max(1, settings["steps"] // 75)]
        },
        record={"data": data.record, "first_step_seconds": found.first_step_seconds},
    )
