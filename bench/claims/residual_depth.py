"""Do plain nets get worse with depth, and residual nets not? Training loss after so many steps.

The nets have a quarter of the paper's channels, 4, 8 and 16, and see mnist5k's digits averaged to
12 x 12 pixels, the smallest size whose half and quarter are whole and more than two pixels: so a
step of 44 layers takes 30 ms. The budget of 100 steps is where a pilot's residual nets of every
depth read the digits (NumPy, seeds 100 to 105, which are not used again). What counts is 0.2 nats:
a plain net gets worse if depth costs it that much, a residual one does not if depth costs it less.

A run trains the nets of all depths from one seed on the same batches, so that what depth costs is
paired. Each net has the best of four rates, 0.01, 0.03, 0.1 and 0.3, by the training loss of the
same steps (NumPy, seeds 9001 and 9002), written out because all are trained in one run. For the 300
steps of the extended budget they were chosen anew, of three rates on seed 9001. Deviations are the
pilot's, rounded up. At 0.2 nats nine seeds give the rules a power of at least 0.94 where plain nets
of 20 and 44 layers have no part; where they have, 0.74 with 44 layers and 0.56 with 20: there 0.3
nats are found with 0.86.
"""

import math

from bench import conventions, training, weights
from bench.claim import Budget, Claim, Figure, Job, Outcome
from bench.contract import Update
from bench.hypothesis import AtLeast, Difference, Hypothesis
from bench.instruments import residual
from bench.instruments.curves import smoothed
from bench.optimizers import momentum
from bench.spec import Spec
from bench.specs import resnet
from bench.systems import system_for
from bench.training import Fit

EFFECT, WIDTH, SIDE, CLASSES = 0.2, 0.25, 12, 10
JUDGED = (8, 20, 44)
DEPTHS = (*JUDGED, 56)  # the last at the extended budget; no rule is about it
KINDS = {"plain": "none", "residual": "identity"}  # kind -> shortcut
DEVIATIONS = {  # over seeds: of what depth costs either kind, and of residual less plain
    8: {"apart": 0.1},
    20: {"plain": 0.25, "residual": 0.1, "apart": 0.25},
    44: {"plain": 0.2, "residual": 0.15, "apart": 0.2},
}
RATES = {
    "plain_8_rate": 0.3,
    "plain_20_rate": 0.1,
    "plain_44_rate": 0.03,
    "residual_8_rate": 0.1,
    "residual_20_rate": 0.03,
    "residual_44_rate": 0.03,
}
LONG = {
    **RATES,
    "plain_8_rate": 0.1,
    "plain_20_rate": 0.03,
    "plain_44_rate": 0.1,
    "plain_56_rate": 0.01,
    "residual_56_rate": 0.03,
}


def worse(depth: int) -> Hypothesis:
    return Hypothesis(
        name=f"plain, {depth} layers",
        statement=f"A plain net of {depth} layers ends at least 0.2 nats above one of 8 layers.",
        rule=AtLeast(f"cost_{depth}", "plain", EFFECT, EFFECT, DEVIATIONS[depth]["plain"]),
        setting=f"plain nets get worse, {depth} layers",
    )


def no_worse(depth: int) -> Hypothesis:
    return Hypothesis(
        name=f"residual, {depth} layers",
        statement=(
            f"A residual net of {depth} layers ends below one of 8 layers, or less than 0.2 nats "
            "above it."
        ),
        rule=AtLeast(f"gain_{depth}", "residual", -EFFECT, EFFECT, DEVIATIONS[depth]["residual"]),
        setting=f"residual nets do not, {depth} layers",
    )


def lower(depth: int) -> Hypothesis:
    return Hypothesis(
        name=f"residual against plain, {depth} layers",
        statement=f"Of {depth} layers, the residual net has a lower training loss than the plain.",
        rule=Difference(
            f"loss_{depth}", "residual", "plain", "less", EFFECT, DEVIATIONS[depth]["apart"]
        ),
        setting=f"residual against plain nets, {depth} layers",
    )


CLAIM = Claim(
    name="residual_depth",
    title="Shortcuts make deeper nets possible",
    topic="residual nets",
    deck="Court-circuit sur les convolutions ⇒ possibilité de réseaux plus profonds",
    translation="Shortcut around the convolutions: deeper nets become possible",
    compared=(
        "Residual nets of 8, 20 and 44 layers with batch norm, and their plain twins, learn digits "
        "from the same weights on the same batches for 100 steps, each at the best of four rates "
        "(300 steps and three rates at the extended budget). Compared is the loss on the training "
        "images, in which a deeper net is worse only if it is harder to train: it could do what "
        "the shallow one does. A plain net gets worse with depth if that costs at least 0.2 nats; "
        "a residual net does not if it costs less than that. At each depth, residual is compared "
        "with plain."
    ),
    arms={
        "plain": "nets without shortcuts, of every depth",
        "residual": "the same nets with shortcuts around every two convolutions",
    },
    metrics={
        **{
            f"loss_{depth}": f"mean cross-entropy of the last 20 steps in nats, {depth} layers"
            for depth in JUDGED
        },
        **{
            f"cost_{depth}": (
                f"loss with {depth} layers minus loss with 8 layers, in nats (a deeper net that "
                "diverged counts as one that guesses)"
            )
            for depth in JUDGED[1:]
        },
        **{
            f"gain_{depth}": f"loss with 8 layers minus loss with {depth} layers, in nats"
            for depth in JUDGED[1:]
        },
    },
    hypotheses=(
        worse(20),
        worse(44),
        no_worse(20),
        no_worse(44),
        lower(8),
        lower(20),
        lower(44),
    ),
    budgets={
        "smoke": Budget(
            (0,), 0, {"batch_size": 32, "steps": 2, "residual_8_rate": 0.1}, arms=("residual",)
        ),
        "standard": Budget((0,), 2, {"batch_size": 32, "steps": 100, **RATES}),
        "extended": Budget(tuple(range(10)), 0, {"batch_size": 32, "steps": 300, **LONG}),
    },
    architectures=("resnet",),
    datasets=("mnist5k",),
    figures=(
        Figure(
            series="losses",
            caption="Training loss (mean of 10 batches) of every net; 2.30 is guessing.",
            hue="net",
            log="y",
        ),
        Figure(
            series="depths",
            caption="Training loss at the end, by depth.",
            x="depth",
            hue="arm",
            log="y",
        ),
    ),
)


def net(kind: str, depth: int) -> Spec:
    """With batch norm."""
    return resnet.spec(depth, (SIDE, SIDE, 1), CLASSES, shortcut=KINDS[kind], width=WIDTH)


def run(job: Job) -> Outcome:
    """Train the nets of one kind, a net for every depth that the settings have a rate for."""
    settings, data = job.settings, residual.small(training.prepared(job))
    steps = settings["steps"]
    rates = {d: settings.get(f"{job.arm}_{d}_rate") for d in DEPTHS}
    rates = {depth: rate for depth, rate in rates.items() if rate is not None}
    found: dict[int, Fit] = {}
    for position, (depth, rate) in enumerate(rates.items()):
        spec = net(job.arm, depth)
        update = Update("cross_entropy", ("",), momentum(conventions.MOMENTUM))
        system = system_for(job, spec, {training.TRAIN: update})
        system.load(weights.initial(spec, job.seed))
        found[depth] = training.fit(
            system,
            training.drawn(data, job.seed, settings["batch_size"], steps),
            rate,
            lambda step, before=position, depth=depth: job.report(
                (before + step / steps) / len(rates), f"{depth} layers, step {step}"
            ),
        )
    losses = {depth: fit.final() for depth, fit in found.items()}
    return Outcome(
        metrics=metrics(losses),
        series={
            "losses": [
                {"net": f"{job.arm}, {depth} layers", "step": step, "loss": loss}
                for depth, fit in found.items()
                for step, loss in smoothed(fit.losses)
            ],
            "depths": [
                {"arm": job.arm, "depth": depth, "loss": loss} for depth, loss in losses.items()
            ],
        },
        record={"data": data.record},
    )


def metrics(losses: dict[int, float]) -> dict[str, float]:
    """From the final losses by depth. Not-a-number: it diverged, or this budget does not train it.

    What depth costs is said of a deeper net that diverged too: it ends no better than a guess.
    """
    guess = math.log(CLASSES)
    found = {f"loss_{depth}": losses.get(depth, math.nan) for depth in JUDGED}
    for depth in JUDGED[1:]:
        loss = losses.get(depth, math.nan)
        if depth in losses and math.isnan(loss):
            loss = guess
        found[f"cost_{depth}"] = loss - losses[JUDGED[0]]
        found[f"gain_{depth}"] = losses[JUDGED[0]] - loss
    return found
