"""Max pooling hands its gradient to the maximum alone."""

import numpy as np

from bench import weights
from bench.claim import Budget, Claim, Job, Outcome
from bench.contract import Update
from bench.hypothesis import Bound, Hypothesis
from bench.optimizers import sgd
from bench.randomness import stream
from bench.specs import single_max_pool
from bench.systems import system_for

SHAPES = {"distinct": (2, 2), "tied": (2, 2), "overlapping": (3, 2)}  # arm -> window, stride

CLAIM = Claim(
    name="max_pool_gradient",
    title="Max pooling's gradient goes to the maximum alone",
    topic="pooling",
    deck=(
        "Max pooling : transmission du maximum sur une fenêtre donnée. Backward : transmission du "
        "gradient au maximum identifié, gradient nul sinon"
    ),
    translation=(
        "Max pooling: hand on the maximum of a given window. Backward: hand the gradient to the "
        "maximum that was identified, zero gradient otherwise"
    ),
    compared=(
        "The gradient that each framework's automatic differentiation sends to the input, against "
        "the deck's rule written out in NumPy: every output's gradient is added at the first "
        "maximum of its window (in row-major order), every other entry gets zero. Random float64 "
        "images of 8 x 8 pixels and 3 channels."
    ),
    arms={
        "distinct": "2x2 windows, stride 2, all entries distinct",
        "tied": "2x2 windows, stride 2, entries drawn from {0, 1, 2}: most windows have ties",
        "overlapping": "3x3 windows, stride 2: an entry can be the maximum of four windows",
    },
    metrics={
        "deviation": "largest absolute difference from the deck's rule, gradients of size 1",
        "routed": "share of the input's entries that receive a gradient",
    },
    hypotheses=(
        Hypothesis(
            name="distinct entries",
            statement="Without ties the gradient goes to the window's maximum, and to it alone.",
            rule=Bound("deviation", "distinct", 1e-12),
            setting="2x2 windows without ties",
        ),
        Hypothesis(
            name="ties",
            statement="Among equal maxima the first in row-major order receives all the gradient.",
            rule=Bound("deviation", "tied", 1e-12),
            setting="2x2 windows with ties",
        ),
        Hypothesis(
            name="overlapping windows",
            statement="An entry that is the maximum of several windows receives the sum.",
            rule=Bound("deviation", "overlapping", 1e-12),
            setting="overlapping windows",
        ),
    ),
    budgets={
        "smoke": Budget((0,), 0, {"images": 2}),
        "standard": Budget((0, 1, 2, 3, 4), 0, {"images": 20}),
        "extended": Budget(tuple(range(10)), 0, {"images": 200}),
    },
    architectures=("single_max_pool",),
)


def routed_gradient(x: np.ndarray, cotangent: np.ndarray, window: int, stride: int) -> np.ndarray:
    """The deck's rule. x (B, H, W, C), cotangent (B, H', W', C) -> gradient of x's shape."""
    rows, columns = cotangent.shape[1:3]
    entries = np.lib.stride_tricks.sliding_window_view(x, (window, window), axis=(1, 2))
    entries = entries[:, ::stride, ::stride][:, :rows, :columns]
    first = entries.reshape(*cotangent.shape, window * window).argmax(axis=-1)
    b, i, j, c = np.indices(cotangent.shape)
    gradient = np.zeros_like(x)
    np.add.at(
        gradient, (b, i * stride + first // window, j * stride + first % window, c), cotangent
    )
    return gradient


def run(job: Job) -> Outcome:
    """One arm, one seed: draw images and output gradients, ask the framework, compare."""
    window, stride = SHAPES[job.arm]
    spec = single_max_pool.spec(window=window, stride=stride)
    draws = stream(job.seed, f"max_pool_gradient/{job.arm}")
    size = (job.settings["images"], *spec.inputs["x"])
    x = draws.integers(0, 3, size).astype(float) if job.arm == "tied" else draws.normal(size=size)
    cotangent = draws.normal(size=(job.settings["images"], *spec.inputs["cotangent"]))
    system = system_for(job, spec, {"ask": Update("energy", ("input:x",), sgd())}, "float64")
    system.load(weights.initial(spec, job.seed))
    asked = system.differentiate("ask", system.stage({"x": x, "cotangent": cotangent}))
    found = asked.gradients["input:x"]
    expected = routed_gradient(x, cotangent, window, stride)
    return Outcome(
        metrics={
            "deviation": float(np.abs(found - expected).max()),
            "routed": float((found != 0).mean()),
        }
    )
