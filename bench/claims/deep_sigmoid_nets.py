"""The deeper a sigmoid net, the harder it is to train; is it the depth, or the sigmoid?

The budget of 300 steps is where a pilot's ReLU nets of every depth had learned the digits (NumPy,
seeds 100 to 114, which are not used again). Ten points of accuracy is the least that "very great
difficulties" can mean. Deviations are the pilot's, rounded up; with them 9 seeds give every rule a
power of at least 0.88 at its smallest effect.
"""

import math

from bench import conventions, training, weights
from bench.claim import Budget, Claim, Figure, Job, Outcome, Search
from bench.contract import Update
from bench.hypothesis import AtLeast, Difference, Hypothesis
from bench.instruments import signal
from bench.optimizers import Optimizer, momentum
from bench.specs import mlp
from bench.systems import system_for

WIDTH, TARGET = 100, 1.0
DEPTHS, STANDARD = (1, 2, 3, 4, 6, 8), (2, 4, 6)
OPTIMIZERS: dict[str, Optimizer] = {
    "momentum": momentum(conventions.MOMENTUM),
    "adam": conventions.usual_adam(),
}
RATES = {  # five each, around where a pilot learned best: sigmoids ask for larger ones
    ("momentum", "relu"): (0.003, 0.01, 0.03, 0.1, 0.3),
    ("momentum", "sigmoid"): (0.03, 0.1, 0.3, 1.0, 3.0),
    ("adam", "relu"): (1e-4, 3e-4, 1e-3, 3e-3, 1e-2),
    ("adam", "sigmoid"): (3e-4, 1e-3, 3e-3, 1e-2, 3e-2),
}
NAMES = {"sigmoid": "sigmoid", "relu": "ReLU"}


def arm(activation: str, depth: int, optimizer: str = "momentum") -> str:
    return f"{activation}_{depth}" + ("" if optimizer == "momentum" else f"_{optimizer}")


ALL = {
    arm(activation, depth, optimizer): (activation, depth, optimizer)
    for optimizer in OPTIMIZERS
    for activation in NAMES
    for depth in DEPTHS
}


def harder(activation: str, depth: int) -> Hypothesis:
    """The deck's sentence, for one activation and depth."""
    name = NAMES[activation]
    return Hypothesis(
        name=f"{name}, {depth} layers",
        statement=(
            f"After the same number of steps a {name} net of 2 hidden layers classifies more "
            f"held-out images correctly than one of {depth}."
        ),
        rule=Difference(
            "accuracy", arm(activation, 2), arm(activation, depth), "greater", 0.1, deviation=0.08
        ),
        setting=f"{name}, {depth} layers",
    )


CLAIM = Claim(
    name="deep_sigmoid_nets",
    title="Deep nets are hard to train, if their units are sigmoids",
    topic="before 2005",
    deck=(
        "MLP de plus en plus profonds : très grosses difficultés d'optimisation, convergence "
        "difficile, peu de données, entraînement très long"
    ),
    translation=(
        "MLPs deeper and deeper: very great difficulties of optimization, convergence difficult, "
        "few data, training very long"
    ),
    compared=(
        f"Perceptrons with 2, 4 and 6 hidden layers of {WIDTH} units on mnist5k, sigmoid against "
        "ReLU, all with Glorot and Bengio's initial weights (a seed's are the same for both "
        "activations) and momentum SGD for the same number of steps. The learning rate of every "
        "arm is the best of five for its own training loss. Before training, the size of the "
        "gradient at every layer is measured: a sigmoid's derivative is at most 1/4, so that a "
        "layer hands back a quarter, two halvings, of what it gets."
    ),
    arms={
        name: f"{depth} hidden layers of {NAMES[activation]} units, {optimizer}"
        + ("" if depth in STANDARD and optimizer == "momentum" else " (extended budget; no rule)")
        for name, (activation, depth, optimizer) in ALL.items()
    },
    metrics={
        "halvings": "halvings of the gradient per layer on its way back, before training",
        "accuracy": "share of the held-out images that are classified correctly",
        "train_loss": "mean cross-entropy of the last 20 steps, in nats (chance: 2.30)",
        "log2_steps": f"log2 of the steps to a loss of {TARGET:g}; all steps where never reached",
        "reached": f"1 if a loss of {TARGET:g} was reached",
    },
    censored={"log2_steps": "reached"},
    hypotheses=(
        Hypothesis(
            name="the gradient vanishes",
            statement="In a sigmoid net the gradient loses at least half of its size per layer.",
            rule=AtLeast("halvings", arm("sigmoid", 6), 1.0, 0.5, deviation=0.1),
            setting="the sigmoid's gradient",
        ),
        Hypothesis(
            name="more than with ReLU",
            statement="It loses more per layer than in a ReLU net with the same weights.",
            rule=Difference(
                "halvings", arm("sigmoid", 6), arm("relu", 6), "greater", 0.5, deviation=0.1
            ),
            setting="the sigmoid's gradient against ReLU's",
        ),
        harder("sigmoid", 4),
        harder("sigmoid", 6),
        harder("relu", 6),
        Hypothesis(
            name="training takes long",
            statement=(
                f"At 6 layers a sigmoid net needs more steps than a ReLU net to a "
                f"training loss of {TARGET:g}."
            ),
            rule=Difference(
                "log2_steps", arm("relu", 6), arm("sigmoid", 6), "less", 1.0, deviation=0.3
            ),
            setting="the time to train",
        ),
    ),
    budgets={
        "smoke": Budget(
            (0,),
            0,
            {"steps": 20, "batch_size": 64, "learning_rate": 0.03},
            arms=(arm("sigmoid", 2), arm("relu", 2)),
        ),
        "standard": Budget(
            (0,),
            2,
            {"steps": 300, "batch_size": 64, "learning_rate": 0.03},
            arms=tuple(arm(activation, depth) for activation in NAMES for depth in STANDARD),
        ),
        "extended": Budget(
            tuple(range(10)), 0, {"steps": 2000, "batch_size": 64, "learning_rate": 0.03}
        ),
    },
    architectures=("mlp",),
    datasets=("mnist5k",),
    search=Search(
        grid={name: RATES[optimizer, unit] for name, (unit, _, optimizer) in ALL.items()},
        metric="train_loss",
    ),
    figures=(
        Figure(
            series="levels",
            caption="Size of the gradient at every layer before training, output on the right.",
            x="layer",
            y="backward",
            log="y",
        ),
        Figure(
            series="levels",
            caption="Size of the signal (root mean square before the activation) at every layer.",
            x="layer",
            y="forward",
            log="y",
        ),
        Figure(
            series="training",
            caption="Training loss, each arm at its best rate; 2.30 is guessing.",
            log="y",
        ),
    ),
)


def run(job: Job) -> Outcome:
    """Measure signal and gradient before training, train, test."""
    activation, depth, optimizer = ALL[job.arm]
    settings = job.settings
    spec = mlp.spec(widths=(WIDTH,) * depth, activation=activation)
    update = Update("cross_entropy", ("",), OPTIMIZERS[optimizer])
    data = training.prepared(job)
    system = system_for(job, spec, {training.TRAIN: update})
    system.load(weights.initial(spec, job.seed, "glorot_normal"))
    first = next(training.batches(data, job.seed, settings["batch_size"], 1))
    layers = [*(f"fc{layer}" for layer in range(1, depth + 1)), "logits"]
    levels = signal.levels(system, training.TRAIN, first, layers)
    found = training.fit(
        system,
        training.batches(data, job.seed, settings["batch_size"], settings["steps"]),
        settings["learning_rate"],
        lambda step: job.report(step / settings["steps"], f"step {step}"),
    )
    accuracy = math.nan
    if not found.diverged:
        accuracy, _ = training.test(system, data.test_x, data.test_y)
    return Outcome(
        metrics={
            "halvings": signal.doublings_per_layer([level.backward for level in levels]),
            "accuracy": accuracy,
            "train_loss": found.final(),
            **found.steps_to(TARGET).metrics(),
        },
        series={
            "levels": [level.row() for level in levels],
            "training": found.curve()[:: max(1, settings["steps"] // 100)],
        },
        record={"data": data.record, "first_step_seconds": found.first_step_seconds},
    )
