"""The deck weights every unit by p at test time; today's frameworks divide by p in training.

The two forms of one layer with inputs h, mask m and weights W:

                training         test
    deck        W (m h)          p W h
    inverted    W' (m h / p)     W' h

give the same outputs in both modes if W' = p W, that is W = W' / p. They remain so along a
trajectory of gradient descent if both move alike. With E the loss, dE/dW = p dE/dW', so that

    W - r dE/dW = (W' - r p^2 dE/dW') / p,

which is the moved W' divided by p exactly where r p^2 is the learning rate of the inverted form:
the deck's form takes lr / p^2 for the weights that read masked units, and lr for everything else
(first-layer weights of an unmasked input, biases). Momentum-free descent; an optimizer that divides
by the size of the gradient, such as Adam, would need another factor (1/p).

That the layer weighted by p answers with the mean over all masks is exact for a linear net, whose
masks are independent, and is an approximation with a nonlinearity between. The mean over a number
of masks is off by chance: its error is counted in standard errors of that mean.
"""

import dataclasses
import math
from collections.abc import Mapping

import numpy as np

from bench import training, weights
from bench.claim import Budget, Claim, Figure, Job, Outcome
from bench.contract import INFERENCE, TRAINING, Gradients, State, System, Update
from bench.hypothesis import Bound, Hypothesis
from bench.ledger import DATA, LEDGER
from bench.optimizers import sgd
from bench.randomness import stream
from bench.ranges import Range
from bench.spec import Spec
from bench.specs import mlp
from bench.systems import system_for

# Rounding of float64 is 1e-16, a step adds some; the forms are the same below, another run above.
ROUNDING = 1e-10
# The standard errors by which the mean of random masks may be off, root mean square over outputs:
# 1 by chance. At 2 a weighting that is off by as little as two standard errors everywhere shows.
CHANCE = 2.0

KEEP = {"half": (0.5, 0.5), "usual": (0.8, 0.5)}  # arm -> keep of the input, of hidden units
WIDTHS = (32, 32)
TEST_IMAGES, MEAN_IMAGES = 200, 10
CHUNK = 500  # masks in one call
SETTINGS = {"batch_size": 32, "learning_rate": 0.05}

CLAIM = Claim(
    name="dropout_scaling",
    title="Weighting by p at test time, and dividing by p in training",
    topic="dropout",
    deck=(
        "Éteindre certains neurones avec probabilité 1−p ⇒ entraîner une multitude de "
        "sous-réseaux. Test : utiliser tous les neurones pondérés par p"
    ),
    translation=(
        "Switch certain neurons off with probability 1-p: train a multitude of subnetworks. Test: "
        "use all neurons, weighted by p"
    ),
    compared=(
        "A perceptron with dropout in the deck's form (masked in training, weighted by p at test) "
        "beside the same perceptron in the inverted form of today's frameworks (masked and divided "
        "by p in training, untouched at test), on the same images, masks and batch order, in "
        "float64. The deck's weights after a mask start at the inverted form's divided by p, and "
        "take its learning rate divided by p²; or the same learning rate, as a user would give "
        "it. Besides, the mean of the logits over many masks against the logits weighted by p, in "
        "a net without and a net with ReLU."
    ),
    arms={
        "half": "p = 0.5 for the input and for hidden units: dividing by p is exact in binary",
        "usual": "p = 0.8 for the input and 0.5 for hidden units, as in the paper",
    },
    metrics={
        "matched": (
            "largest difference of the two forms' test logits along the training, relative to the "
            "largest logit; weights / p and learning rate / p²"
        ),
        "same_rate": (
            "largest difference of the two forms' test logits along the training, relative to the "
            "largest logit; weights / p and one learning rate for both forms"
        ),
        "linear_mean": (
            "distance of the mean over masks from weighting by p, in standard errors of that mean "
            "(root mean square over outputs; 1 is chance), in a linear net"
        ),
        "relu_mean": (
            "distance of the mean over masks from weighting by p, in standard errors of that mean, "
            "in a net with ReLU"
        ),
        "relu_shift": (
            "distance of the mean over masks from weighting by p, relative to the logits' size, in "
            "a net with ReLU"
        ),
    },
    hypotheses=(
        Hypothesis(
            name="matched, p = 0.5",
            statement="With the rate divided by p² both forms train to the same logits, p = 0.5.",
            rule=Bound("matched", "half", ROUNDING),
            setting="the forms in training, learning rate / p², p = 0.5",
        ),
        Hypothesis(
            name="matched, p = 0.8 and 0.5",
            statement="With the rate divided by p² both forms train to the same logits, usual p.",
            rule=Bound("matched", "usual", ROUNDING),
            setting="the forms in training, learning rate / p², p = 0.8 and 0.5",
        ),
        Hypothesis(
            name="same rate",
            statement="With one learning rate both forms train to the same logits.",
            rule=Bound("same_rate", "usual", ROUNDING),
            setting="the forms in training, one learning rate",
        ),
        Hypothesis(
            name="mean over masks, linear",
            statement="In a linear net weighting by p is the mean over masks, but for chance.",
            rule=Bound("linear_mean", "usual", CHANCE),
            setting="weighting by p as the mean over subnetworks, linear net",
        ),
        Hypothesis(
            name="mean over masks, ReLU",
            statement="In a net with ReLU weighting by p is the mean over masks, but for chance.",
            rule=Bound("relu_mean", "usual", CHANCE),
            setting="weighting by p as the mean over subnetworks, ReLU",
        ),
    ),
    budgets={
        "smoke": Budget((0,), 0, {**SETTINGS, "steps": 2, "masks": 500}),
        "standard": Budget((0, 1, 2), 0, {**SETTINGS, "steps": 60, "masks": 2000}),
        "extended": Budget(tuple(range(10)), 0, {**SETTINGS, "steps": 1000, "masks": 20_000}),
    },
    architectures=("mlp",),
    datasets=("mnist5k",),
    figures=(
        Figure(
            "trajectory",
            "Difference of the two forms' test logits while they train",
            y="difference",
            hue="rate",
            log="y",
        ),
    ),
    ranges={"masks": Range(CHUNK, math.inf, open_high=True)},
)


def net(arm: str, form: str, activation: str = "relu") -> Spec:
    keep_input, keep_hidden = KEEP[arm]
    return mlp.spec(
        widths=WIDTHS,
        activation=activation,
        dropout=form,
        keep_input=keep_input,
        keep_hidden=keep_hidden,
    )


def groups(spec: Spec) -> dict[str, float]:
    """Prefix of the weights that read masked units -> the p of those units."""
    keep: Mapping[str, float] = spec.options["keep"]
    readers = {"input": "fc1/weight", **{f"fc{n}": f"fc{n + 1}/weight" for n in range(1, 9)}}
    return {readers[name]: probability for name, probability in keep.items()}


def divided(state: State, readers: Mapping[str, float]) -> State:
    """The deck's weights: those of the inverted form, divided by p where masked units are read."""
    parameters = {name: array / readers.get(name, 1.0) for name, array in state.parameters.items()}
    return State(parameters=parameters)


def step(
    system: System, batch: Mapping[str, np.ndarray], rate: float, readers: Mapping[str, float]
) -> None:
    """One step of gradient descent with rate / p² for the readers and rate for the others.

    A system takes one rate a call: the gradients are asked for once and applied group by group.
    """
    asked = system.differentiate("all", system.stage(batch))
    for name in readers:
        system.apply(name, _only(asked, [name]), rate / readers[name] ** 2)
    others = [name for name in asked.gradients if name not in readers]
    system.apply("others", _only(asked, others), rate)


def _only(asked: Gradients, names: list[str]) -> Gradients:
    return dataclasses.replace(asked, gradients={name: asked.gradients[name] for name in names})


def system_of(job: Job, spec: Spec, readers: Mapping[str, float]) -> System:
    """With one update a group of weights that has a learning rate of its own."""
    others = tuple(name for name in spec.parameters if name not in readers)
    wrt = {"all": ("",), "others": others, **{name: (name,) for name in readers}}
    updates = {name: Update("cross_entropy", part, sgd()) for name, part in wrt.items()}
    return system_for(job, spec, updates, "float64")


def run(job: Job) -> Outcome:
    """One choice of p: three trainings side by side, then the mean over masks."""
    settings = job.settings
    data = training.prepared(job)
    images = data.test_x[:TEST_IMAGES]
    specs = {form: net(job.arm, form) for form in mlp.FORMS}
    readers = groups(specs["deck"])
    systems = {form: system_of(job, spec, readers) for form, spec in specs.items()}
    start = weights.initial(specs["inverted"], job.seed)
    ones = dict.fromkeys(readers, 1.0)
    plans = {  # name -> form, initial state, p by which the rates are divided
        "inverted": ("inverted", start, ones),
        "matched": ("deck", divided(start, readers), readers),
        "same_rate": ("deck", divided(start, readers), ones),
    }
    logits: dict[str, list[np.ndarray]] = {}
    for number, (name, (form, state, rates)) in enumerate(plans.items()):
        system = systems[form]
        system.load(state)
        staged = system.stage({"x": images})
        size, steps = settings["batch_size"], settings["steps"]
        given = training.batches(data, job.seed, size, steps, "float64")
        logits[name] = [system.evaluate("logits", staged, INFERENCE).outputs["logits"]]
        for batch in LEDGER.each(DATA, training.masked(specs[form], job.seed, given)):
            step(system, batch, settings["learning_rate"], rates)
            logits[name].append(system.evaluate("logits", staged, INFERENCE).outputs["logits"])
        job.report((number + 1) / (len(plans) + 2), name)
    apart = {name: differences(logits[name], logits["inverted"]) for name in list(plans)[1:]}
    linear, _ = mean_over_masks(job, "identity", images[:MEAN_IMAGES])
    relu, shift = mean_over_masks(job, "relu", images[:MEAN_IMAGES])
    thin = max(1, settings["steps"] // 100)
    rows = [
        {"rate": words, "step": number, "difference": max(apart[name][number], 1e-17)}
        for name, words in (("matched", "divided by p²"), ("same_rate", "the same"))
        for number in range(0, settings["steps"] + 1, thin)
    ]
    return Outcome(
        # np.max keeps a not-a-number, which max() may drop.
        metrics={name: float(np.max(values)) for name, values in apart.items()}
        | {"linear_mean": linear, "relu_mean": relu, "relu_shift": shift},
        series={"trajectory": rows},
    )


def differences(found: list[np.ndarray], expected: list[np.ndarray]) -> list[float]:
    """Largest difference of the logits after each step, relative to the largest of them."""
    return [
        float(np.abs(one - other).max() / np.abs(other).max())
        for one, other in zip(found, expected, strict=True)
    ]


def mean_over_masks(job: Job, activation: str, images: np.ndarray) -> tuple[float, float]:
    """How far the mean of the logits over masks lies from the logits weighted by p.

    In standard errors of the mean and relative to the logits, root mean squares over images and
    outputs: z^2 = mean[(m - w)^2 / (s^2 / M)] with mean m and deviation s over M masks. The net is
    the deck's form as it is initialized.
    """
    spec = net(job.arm, "deck", activation)
    update = {"all": Update("cross_entropy", ("",), sgd())}
    system = system_for(job, spec, update, "float64")
    system.load(weights.initial(spec, job.seed))
    weighted = system.evaluate("logits", system.stage({"x": images}), INFERENCE).outputs["logits"]
    masks, total, square = job.settings["masks"], np.zeros_like(weighted), np.zeros_like(weighted)
    for image in range(len(images)):
        for part in range(masks // CHUNK):
            draws = stream(job.seed, f"dropout_scaling/{activation}/{image}", part)
            batch = {"x": np.repeat(images[image : image + 1], CHUNK, axis=0)}
            for name, keep in spec.options["keep"].items():
                shape = (CHUNK, *spec.inputs[f"dropout/{name}"])
                batch[f"dropout/{name}"] = (draws.random(shape) < keep).astype(np.float64)
            asked = system.evaluate("logits", system.stage(batch), TRAINING).outputs["logits"]
            total[image] += asked.sum(axis=0)
            square[image] += ((asked - weighted[image]) ** 2).sum(axis=0)
    count = masks // CHUNK * CHUNK
    offset = total / count - weighted
    variance = square / count - offset**2
    z = np.sqrt(np.mean(offset**2 / (variance / count)))
    return float(z), float(np.sqrt(np.mean(offset**2) / np.mean(weighted**2)))
