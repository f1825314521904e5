"""Momentum in two forms: where does the learning rate stand?

    deck      v <- mu v + lr g        p <- p - v
    other     u <- mu u + g           p <- p - lr u

At a constant rate v = lr u at every step, and the two are one method. When the rate changes from r
to s, the deck's v still holds steps of the size r, and goes on with them: mu^k r u after k steps,
where the other form at once takes s u. Handing over v s / r at the change makes them one again.

Sutskever, Martens, Dahl and Hinton (2013), "On the importance of initialization and momentum in
deep learning", and Keras have the deck's form; PyTorch and optax the other. Exact, in float64.
"""

import dataclasses
import importlib

import numpy as np

from bench import conventions, training, weights
from bench.claim import Budget, Claim, Figure, Job, Outcome
from bench.contract import Arrays, System, Update
from bench.hypothesis import Bound, Hypothesis
from bench.ledger import DATA, LEDGER
from bench.optimizers import deck_momentum, momentum
from bench.ranges import PROBABILITY
from bench.specs import mlp
from bench.systems import system_for

ROUNDING = 1e-10  # rounding of float64 over some hundred steps lies below, another method above
FORMS = {"deck": deck_momentum, "other": momentum}
SETTINGS = {"batch_size": 32, "learning_rate": 0.05, "drop": 0.1}

CLAIM = Claim(
    name="momentum_forms",
    title="Momentum with the learning rate inside the velocity",
    topic="optimization",
    deck="Momentum : v = γv + αΔw ; learning rate constant par morceaux",
    translation="Momentum: v = γv + αΔw; piecewise constant learning rate",
    compared=(
        "A perceptron is trained twice from the same weights on the same batches in float64: with "
        "the deck's momentum, whose velocity holds the learning rate, and with the form that "
        "multiplies the velocity by the rate of the present step. The rate stays, or drops to a "
        "tenth half way by the framework's own piecewise constant schedule. The distance of the "
        "weights is measured after every step."
    ),
    arms={
        "constant": "one learning rate throughout",
        "drop": "the rate drops to a tenth half way",
        "drop_rescaled": "the same, and the deck's velocity is multiplied by a tenth at the drop",
    },
    metrics={
        "distance": (
            "largest distance of the two forms' weights during the training, relative to how far "
            "the weights have moved from their initial values"
        ),
        "overshoot": (
            "largest excess of the deck's training loss over the other form's, in nat, after the "
            "first half of the training"
        ),
    },
    hypotheses=(
        Hypothesis(
            name="constant rate",
            statement="At a constant learning rate the two forms are the same method.",
            rule=Bound("distance", "constant", ROUNDING),
            setting="a constant rate",
        ),
        Hypothesis(
            name="rate drops",
            statement="When the learning rate drops, the two forms remain the same method.",
            rule=Bound("distance", "drop", ROUNDING),
            setting="a rate that drops",
        ),
        Hypothesis(
            name="rate drops, velocity rescaled",
            statement="They remain the same when the deck's velocity drops with the rate.",
            rule=Bound("distance", "drop_rescaled", ROUNDING),
            setting="a rate that drops, with the velocity multiplied by new rate / old rate",
        ),
    ),
    budgets={
        "smoke": Budget((0,), 0, {**SETTINGS, "steps": 4}),
        "standard": Budget((0, 1, 2), 0, {**SETTINGS, "steps": 120}),
        "extended": Budget(tuple(range(10)), 0, {**SETTINGS, "steps": 1000}),
    },
    architectures=("mlp",),
    datasets=("mnist5k",),
    techniques=("schedules",),
    figures=(
        Figure(
            "distance",
            "Distance of the weights of the two forms, relative to how far they have moved",
            y="distance",
            hue="arm",
            log="y",
        ),
    ),
    ranges={"drop": PROBABILITY},
)


def run(job: Job) -> Outcome:
    """Both forms step by step, side by side."""
    steps, rate = job.settings["steps"], job.settings["learning_rate"]
    schedules = importlib.import_module(f"implementations.{job.framework}.techniques.schedules")
    boundary = steps // 2
    drop = 1.0 if job.arm == "constant" else job.settings["drop"]
    data = training.prepared(job)
    spec = mlp.spec(widths=(32,))
    updates = {
        name: Update("cross_entropy", ("",), form(conventions.MOMENTUM))
        for name, form in FORMS.items()
    }
    # One system for each form: a system has one set of weights.
    systems = {
        name: system_for(job, spec, {training.TRAIN: update}, "float64")
        for name, update in updates.items()
    }
    start = weights.initial(spec, job.seed)
    for system in systems.values():
        system.load(start)
    rows: list[dict[str, float | str]] = []
    excess: list[float] = []
    given = training.batches(data, job.seed, job.settings["batch_size"], steps, "float64")
    for step, batch in enumerate(LEDGER.each(DATA, given)):
        rates = (rate, rate * drop)
        present = schedules.piecewise_constant(step, (boundary,), rates)
        if job.arm == "drop_rescaled" and step == boundary:
            rescale(systems["deck"], drop)
        losses = {}
        for name, system in systems.items():
            system.update(training.TRAIN, system.stage(batch), present)
            losses[name] = sum(system.read().values())
        deck, other = (systems[name].export().parameters for name in FORMS)
        rows.append({"step": step + 1, "distance": distance(deck, other, start.parameters)})
        if step >= boundary:
            excess.append(losses["deck"] - losses["other"])
        job.report((step + 1) / steps, job.arm)
    thin = max(1, steps // 200)
    return Outcome(
        metrics={
            "distance": float(np.max([row["distance"] for row in rows])),  # not-a-number stays
            "overshoot": float(np.max(excess)),
        },
        series={
            "distance": [
                {**row, "distance": max(float(row["distance"]), 1e-17)} for row in rows[::thin]
            ]
        },
    )


def rescale(system: System, factor: float) -> None:
    """Multiply every velocity of a system, as its momentum's learning rate changes by a factor."""
    state = system.export()
    slots = {
        name: {slot: array * factor for slot, array in arrays.items()}
        for name, arrays in state.optimizer.items()
    }
    system.load(dataclasses.replace(state, optimizer=slots))


def distance(one: Arrays, other: Arrays, start: Arrays) -> float:
    """||one - other|| / ||other - start||, over all parameters."""
    return norm(one, other) / norm(other, start)


def norm(one: Arrays, other: Arrays) -> float:
    """||one - other|| over all parameters, in float64."""
    parts = [np.sum((one[n].astype(np.float64) - other[n]) ** 2) for n in one]
    return float(np.sqrt(np.sum(parts)))
