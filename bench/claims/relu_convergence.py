"""Is ReLU's convergence identical to that of sigmoid and tanh? Iterations to a training loss.

Depths, target, horizon and the rates' decades were chosen in a pilot (NumPy, seeds 100 to 107, not
used again): every net but the deep sigmoid one reaches the target at its best rate.

Batches are drawn with replacement: see bench.training.drawn(). A first design ran through the
images in the order of epochs (seeds 0 to 9 and each framework's first two, not used again), and
four of five of the pilot's runs that arrived did so within ten steps of the second epoch's
beginning, where the loss of the batches falls by a step: nets that differ were made the same. With
the batches of now it is one of four. Their loss is counted as the mean of 20.

The same means within 20 % of the iterations, log2 1.2 = 0.26. In a pilot (NumPy, seeds 100 to 114,
not used again) the paired difference of the shallow tanh net had a deviation of 0.25, the others
of 0.2 at most: nine seeds show a sameness with a power of 0.78 and 0.94, a difference of that size
with 0.9.
"""

import math

from bench import conventions, training, weights
from bench.claim import Budget, Claim, Figure, Job, Outcome, Search
from bench.contract import Update
from bench.hypothesis import Difference, Hypothesis, Same
from bench.instruments.curves import smoothed
from bench.optimizers import momentum
from bench.specs import mlp
from bench.systems import system_for

MARGIN = math.log2(1.2)
WINDOW = 20  # batches
RATES = {  # as many for each, around the best of a pilot
    "relu": (0.003, 0.01, 0.03, 0.1, 0.3),
    "sigmoid": (0.01, 0.03, 0.1, 0.3, 1.0),
    "tanh": (0.003, 0.01, 0.03, 0.1, 0.3),
}
DEPTHS = {"shallow": 1, "deep": 4}  # hidden layers
INITIALIZERS = {"relu": "he_normal", "sigmoid": "glorot_normal", "tanh": "glorot_normal"}
ARMS = {
    f"{name}_{depth}": (name, hidden) for depth, hidden in DEPTHS.items() for name in INITIALIZERS
}
SETTINGS = {"batch_size": 64, "width": 64, "learning_rate": 0.1, "target": 0.3}


def _same(name: str, depth: str, deviation: float) -> Hypothesis:
    layers = f"{DEPTHS[depth]} hidden layer{'s' if DEPTHS[depth] > 1 else ''}"
    return Hypothesis(
        name=f"{name}, {layers}",
        statement=f"With {layers}, {name} and ReLU need the same iterations within 20 %.",
        rule=Same("log2_steps", f"{name}_{depth}", f"relu_{depth}", MARGIN, deviation),
        setting=f"compared with {name}, {layers}",
    )


def _fewer(name: str, depth: str, deviation: float) -> Hypothesis:
    layers = f"{DEPTHS[depth]} hidden layer{'s' if DEPTHS[depth] > 1 else ''}"
    return Hypothesis(
        name=f"ReLU before {name}, {layers}",
        statement=f"With {layers}, ReLU needs fewer iterations than {name}.",
        rule=Difference(
            "log2_steps", f"relu_{depth}", f"{name}_{depth}", "less", MARGIN, deviation
        ),
        role="mended",
        setting=f"compared with {name}, {layers}",
    )


CLAIM = Claim(
    name="relu_convergence",
    title="ReLU converges as the others do",
    topic="activations",
    deck="ReLU : Gradients plus rapide à calculer ; convergence identique",
    translation="ReLU: gradients that are faster to compute; identical convergence",
    compared=(
        "The same perceptron with ReLU, sigmoid or tanh, with one hidden layer and with four. "
        "Counted are the iterations until the mean training loss of the last 20 batches, which are "
        "drawn with replacement, is at most 0.3; a run that never gets there counts as the "
        "horizon. Stochastic gradient descent with "
        "momentum; each arm has the rate of five with the smallest training loss, and the "
        "initialization that fits its activation: He for ReLU, Glorot for the others."
    ),
    arms={
        name: f"{activation}, {hidden} hidden layers of 64, {INITIALIZERS[activation]}"
        for name, (activation, hidden) in ARMS.items()
    },
    metrics={
        "log2_steps": "log2 of the iterations to the target (1 more: twice as many)",
        "reached": "1 if the target was reached within the horizon",
        "train_loss": "mean training loss over all iterations: what the search makes small",
    },
    censored={"log2_steps": "reached"},
    hypotheses=(
        _same("tanh", "shallow", 0.25),
        _same("sigmoid", "shallow", 0.2),
        _same("tanh", "deep", 0.2),
        _same("sigmoid", "deep", 0.2),
        _fewer("sigmoid", "shallow", 0.2),
        _fewer("sigmoid", "deep", 0.2),
    ),
    budgets={
        "smoke": Budget((0,), 0, {**SETTINGS, "horizon": 25}),
        "standard": Budget((10,), 2, {**SETTINGS, "horizon": 300}, first_own=2),
        "extended": Budget(tuple(range(10, 20)), 0, {**SETTINGS, "horizon": 2000}),
    },
    architectures=("mlp",),
    datasets=("mnist5k",),
    search=Search(
        {arm: RATES[name] for arm, (name, _) in ARMS.items()},
        metric="train_loss",
        seeds=(9001, 9002, 9003, 9004),
    ),
    figures=(
        Figure(
            series="losses",
            caption=(
                "Training loss by iteration (mean of 20 batches) at each arm's best rate, "
                "mean over seeds."
            ),
            log="y",
        ),
    ),
)


def run(job: Job) -> Outcome:
    """Train one net over the whole horizon and see when it reached the target."""
    settings = job.settings
    activation, hidden = ARMS[job.arm]
    spec = mlp.spec(widths=(settings["width"],) * hidden, activation=activation)
    update = Update("cross_entropy", ("",), momentum(conventions.MOMENTUM))
    system = system_for(job, spec, {training.TRAIN: update})
    system.load(weights.initial(spec, job.seed, INITIALIZERS[activation]))
    data = training.prepared(job)
    horizon = settings["horizon"]
    found = training.fit(
        system,
        training.drawn(data, job.seed, settings["batch_size"], horizon),
        settings["learning_rate"],
        lambda step: job.report(step / horizon, f"{activation}, {hidden} hidden"),
    )
    arrival = found.steps_to(settings["target"], WINDOW)
    return Outcome(
        metrics={**arrival.metrics(), "train_loss": found.final(horizon)},
        series={
            "losses": [
                {"arm": job.arm, "step": step, "loss": loss}
                for step, loss in smoothed(found.losses, WINDOW)
            ]
        },
        record={"data": data.record, "steps": arrival.steps},
    )
