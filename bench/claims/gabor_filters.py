"""Do the filters of a first convolution look like Gabor functions, once photographs trained them?

A gain of 0.1 in R^2 is the least that would make a filter look like a Gabor function rather than
like anything smooth: random filters that a Gaussian made smooth gain 0.04, independent components
of photographs, the control that shows what the instrument sees, 0.16 to 0.19. After 400, 600 and
2,500 steps a pilot's nets gained the same (NumPy, seeds 100 to 112, which are not used again), so
that the standard budget takes 400. Rate and momentum are the pilot's; nothing is searched, since
the arms are not compared with each other. For the pilot's deviations, rounded up, 9 seeds find
the smallest effects with a power of at least 0.9.
"""

import numpy as np
from sklearn.decomposition import FastICA

from bench import conventions, training, weights
from bench.claim import Budget, Claim, Figure, Job, Outcome
from bench.contract import State, Update
from bench.dataset import Prepared
from bench.hypothesis import AtLeast, Hypothesis
from bench.instruments import gabor
from bench.optimizers import momentum
from bench.randomness import stream
from bench.spec import Spec
from bench.specs import convnet
from bench.specs.convnet import Block
from bench.systems import system_for

FILTERS, SIDE = 16, 11
SMALL = "constant_small_normal"  # N(0, 0.01^2), as AlexNet's

CLAIM = Claim(
    name="gabor_filters",
    title="The first convolution learns Gabor filters",
    topic="convolutional nets",
    deck=(
        "Filtres de Gabor — exemple poids appris par la première couche de convolution d'AlexNet"
    ),
    translation="Gabor filters: for example the weights learned by AlexNet's first convolution",
    compared=(
        "A net learns from which of twelve photographs a patch of 32 x 32 gray pixels is. Its "
        f"first convolution has {FILTERS} filters of {SIDE} x {SIDE} pixels and stride 2, which "
        "start as AlexNet's did, at N(0, 0.01^2). A Gabor function is fitted to every filter, and "
        "to surrogates of it with the same spectrum and random phases. That control is needed: "
        "any smooth filter fits a Gabor function better than noise does, so that a good fit alone "
        "shows that training made the filters smooth. The gain of a filter is its R^2 minus the "
        "mean R^2 of its surrogates."
    ),
    arms={
        "supervised": "trained to name the photograph",
        "shuffled": "trained on shuffled names (extended budget; no rule is about it)",
        "ica": (
            "not a net: independent components of the same patches, known to look like Gabor "
            "functions; shows what the instrument sees (no rule is about it)"
        ),
    },
    metrics={
        "fit": "median R^2 of the filters, 1 being a Gabor function",
        "surrogate_fit": "median R^2 of the surrogates with the same spectra",
        "initial_fit": "median R^2 of the net's filters before training",
        "gain": "median over the filters of R^2 minus that of the filter's own surrogates",
        "learned": "median R^2 after training minus before",
    },
    hypotheses=(
        Hypothesis(
            name="more than before training",
            statement="Training raises the median R^2 of the fit by at least 0.1.",
            rule=AtLeast("learned", "supervised", 0.1, 0.1, deviation=0.08),
            setting="compared with the filters before training",
        ),
        Hypothesis(
            name="more than their spectrum",
            statement="A filter fits better than filters of its own spectrum, by at least 0.1.",
            rule=AtLeast("gain", "supervised", 0.1, 0.05, deviation=0.04),
            setting="compared with random filters of the same spectrum",
        ),
    ),
    budgets={
        "smoke": Budget(
            (0,),
            0,
            {"steps": 5, "batch_size": 50, "learning_rate": 0.02, "surrogates": 1},
            arms=("supervised",),
        ),
        "standard": Budget(
            (0,),
            2,
            {"steps": 400, "batch_size": 50, "learning_rate": 0.02, "surrogates": 3},
            arms=("supervised", "ica"),
        ),
        "extended": Budget(
            tuple(range(10)),
            0,
            {"steps": 10_000, "batch_size": 50, "learning_rate": 0.02, "surrogates": 20},
        ),
    },
    architectures=("convnet",),
    datasets=("photographs",),
    figures=(
        Figure(
            series="filters",
            caption="The filters of the first convolution after training.",
            kind="filters",
        ),
        Figure(
            series="initial",
            caption="The same filters before training.",
            kind="filters",
        ),
        Figure(
            series="surrogates",
            caption="A surrogate of each learned filter: the same spectrum, random phases.",
            kind="filters",
        ),
        Figure(series="training", caption="Training loss; log(12) = 2.48 is guessing."),
    ),
)


def run(job: Job) -> Outcome:
    """Train or decompose, fit Gabor functions to the filters and to their surrogates."""
    data = training.prepared(job, "photographs")
    spec = net()
    state = initial(spec, job.seed)
    before = state.parameters["conv1/weight"][:, :, 0]
    record, series = {"data": data.record}, {}
    if job.arm == "ica":
        after = components(data, job.seed)
    else:
        after, accuracy, found = learned(job, spec, state, data)
        record |= {"accuracy": accuracy, "first_step_seconds": found.first_step_seconds}
        series = {"training": found.curve()[:: max(1, job.settings["steps"] // 100)]}
    job.report(0.9, "Gabor functions are fitted")
    draws = stream(job.seed, "gabor_filters/surrogates")
    drawn = [gabor.surrogates(after, draws) for _ in range(job.settings["surrogates"])]
    fit, start = gabor.quality(after), float(np.median(gabor.quality(before)))
    control = np.mean([gabor.quality(filters) for filters in drawn], axis=0)
    return Outcome(
        metrics={
            "fit": float(np.median(fit)),
            "surrogate_fit": float(np.median(control)),
            "initial_fit": start,
            "gain": float(np.median(fit - control)),
            "learned": float(np.median(fit)) - start,
        },
        series={
            **series,
            "filters": pixels(after),
            "initial": pixels(before),
            "surrogates": pixels(drawn[0]),
        },
        record=record,
    )


def net() -> Spec:
    blocks = (Block(FILTERS, SIDE, stride=2), Block(32, 3, padding=1))
    return convnet.spec((32, 32, 1), blocks, (64,), 12)


def initial(spec: Spec, seed: int) -> State:
    """He's weights, but for the first convolution."""
    state = weights.initial(spec, seed)
    small = weights.initial(spec, seed, SMALL).parameters["conv1/weight"]
    return State(parameters={**state.parameters, "conv1/weight": small})


def learned(
    job: Job, spec: Spec, state: State, data: Prepared
) -> tuple[np.ndarray, float, training.Fit]:
    """Filters (side, side, n) after training, accuracy on held-out patches, the training."""
    if job.arm == "shuffled":
        order = stream(job.seed, "gabor_filters/shuffled").permutation(len(data.train_y))
        data = Prepared(data.train_x, data.train_y[order], data.test_x, data.test_y, data.record)
    settings = job.settings
    update = Update("cross_entropy", ("",), momentum(conventions.MOMENTUM))
    system = system_for(job, spec, {training.TRAIN: update})
    system.load(state)
    found = training.fit(
        system,
        training.batches(data, job.seed, settings["batch_size"], settings["steps"]),
        settings["learning_rate"],
        lambda step: job.report(0.9 * step / settings["steps"], f"step {step}"),
    )
    accuracy, _ = training.test(system, data.test_x, data.test_y)
    filters = system.export().parameters["conv1/weight"][:, :, 0]
    return filters.astype(float), accuracy, found


def components(data: Prepared, seed: int) -> np.ndarray:
    """Independent components of patches of the filters' size, (side, side, n).

    Bell and Sejnowski (1997), "The independent components of natural scenes are edge filters".
    """
    draws = stream(seed, "gabor_filters/ica")
    place = draws.integers(0, 32 - SIDE + 1, (len(data.train_x), 2))
    patches = np.stack(
        [
            x[r : r + SIDE, c : c + SIDE, 0].ravel()
            for x, (r, c) in zip(data.train_x, place, strict=True)
        ]
    )
    patches = patches - patches.mean(axis=1, keepdims=True)
    found = FastICA(
        n_components=FILTERS,
        whiten="unit-variance",
        max_iter=500,
        tol=1e-3,
        random_state=int(draws.integers(2**31)),
    ).fit(patches)
    return found.components_.reshape(FILTERS, SIDE, SIDE).transpose(1, 2, 0)


def pixels(filters: np.ndarray) -> list[dict[str, float | str]]:
    return [
        {"filter": number, "row": row, "column": column, "value": float(value)}
        for (row, column, number), value in np.ndenumerate(filters)
    ]
