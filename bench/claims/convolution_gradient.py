"""The deck's formulas for a convolution and its gradients, against automatic differentiation."""

import numpy as np

from bench.claim import Budget, Claim, Erratum, Job, Outcome
from bench.contract import INFERENCE, State, Update
from bench.hypothesis import Bound, Hypothesis
from bench.optimizers import sgd
from bench.randomness import stream
from bench.specs import single_convolution
from bench.systems import system_for

# A formula is either right, and then off by rounding alone, or wrong by about its own size. The
# limits lie far from both: float64 rounds at 1e-16, float32 at 1e-7, sums have 49 terms.
FLOAT64, FLOAT32 = 1e-10, 1e-4

CLAIM = Claim(
    name="convolution_gradient",
    title="The convolution's gradient formulas",
    topic="convolution",
    deck=(
        "x_ij = Σ_a Σ_b ω_ab y_(i+a)(j+b) ;  ∂E/∂ω_ab = Σ ∂E/∂y_ij σ'(x_ij) y_ij ;  "
        "∂E/∂y_ij = Σ_a Σ_b ∂E/∂x_(i−a)(j−b) ω_ab"
    ),
    translation=(
        "Forward: the output x at (i, j) is the sum over the kernel of weight times shifted input. "
        "Gradient of a weight: the sum over all positions of the output's gradient, times the "
        "derivative of the activation, times the input. Gradient of an input: the sum over the "
        "kernel of the shifted output gradient times the weight."
    ),
    compared=(
        "One 3x3 convolution of a 9x9 image followed by a logistic activation, with random image, "
        "kernel and output gradient. Each framework's automatic differentiation against the deck's "
        "formulas evaluated in NumPy: as printed, and with the index that the forward formula "
        "implies. The error is the largest difference divided by the largest true entry."
    ),
    arms={
        "float64": "double precision, where rounding is 1e-16",
        "float32": "single precision, as in training",
    },
    metrics={
        "forward": "relative error of the forward formula",
        "forward_turned": (
            "relative error of the convolution of mathematics, Σ_a Σ_b ω_ab y_(i−a)(j−b) with the "
            "index moved to the same window, which turns the kernel by 180 degrees"
        ),
        "weight_printed": "relative error of the weight gradient as printed",
        "weight_mended": "relative error of the weight gradient with the input's index shifted",
        "input_printed": "relative error of the input gradient as printed",
    },
    hypotheses=(
        Hypothesis(
            name="forward",
            statement="The forward formula is what the frameworks call a convolution.",
            rule=Bound("forward", "float64", FLOAT64),
            setting="the forward formula",
        ),
        Hypothesis(
            name="a convolution by name",
            statement="What the layer computes is the convolution of mathematics.",
            rule=Bound("forward_turned", "float64", FLOAT64),
            setting="the name",
        ),
        Hypothesis(
            name="weight gradient as printed",
            statement="The printed weight gradient, with the unshifted input y_ij, is right.",
            rule=Bound("weight_printed", "float64", FLOAT64),
            setting="the gradient of the weights",
        ),
        Hypothesis(
            name="input gradient as printed",
            statement="The printed input gradient is right.",
            rule=Bound("input_printed", "float64", FLOAT64),
            setting="the gradient of the input",
        ),
        Hypothesis(
            name="input gradient in float32",
            statement="The printed input gradient is right in single precision.",
            rule=Bound("input_printed", "float32", FLOAT32),
            setting="the gradient of the input in single precision",
        ),
        Hypothesis(
            name="weight gradient mended",
            statement="With the shifted input y_(i+a)(j+b) the weight gradient is right.",
            rule=Bound("weight_mended", "float64", FLOAT64),
            role="mended",
        ),
        Hypothesis(
            name="weight gradient mended, in float32",
            statement="With the shifted input the weight gradient is right in single precision.",
            rule=Bound("weight_mended", "float32", FLOAT32),
            role="mended",
        ),
    ),
    budgets={
        "smoke": Budget((0,), 0, {"images": 1}),
        "standard": Budget((0, 1, 2, 3, 4), 0, {"images": 4}),
        "extended": Budget(tuple(range(10)), 0, {"images": 16}),
    },
    architectures=("single_convolution",),
    errata=(
        Erratum(
            printed="∂E/∂ω_ab = Σ_ij ∂E/∂y_ij σ'(x_ij) y_ij",
            mended="∂E/∂ω_ab = Σ_ij ∂E/∂y_ij σ'(x_ij) y_(i+a)(j+b)",
            why=(
                "As printed the right-hand side does not depend on a and b: all nine weights would "
                "get the same gradient. The forward formula multiplies ω_ab by y_(i+a)(j+b), so "
                "that is the input by which its derivative is weighted (y_ij on the left of the "
                "product is the layer's output, on the right its input)."
            ),
            refuted_by="weight gradient as printed",
            supported_by="weight gradient mended",
        ),
        Erratum(
            printed="convolution: x = ω ∗ y",
            mended="cross-correlation: x_ij = Σ_a Σ_b ω_ab y_(i+a)(j+b)",
            why=(
                "The deck's formula is right, its name is not: a convolution would take "
                "y_(i−a)(j−b). For a kernel that is learned it makes no difference, since the net "
                "learns the turned kernel; for one that is taken from elsewhere (a Gabor filter, "
                "np.convolve, weights of another program) it turns the picture upside down."
            ),
            refuted_by="a convolution by name",
            supported_by="forward",
        ),
    ),
)


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1.0 / (1.0 + np.exp(-x))


def formulas(y: np.ndarray, weight: np.ndarray, cotangent: np.ndarray) -> dict[str, np.ndarray]:
    """The deck's formulas. y (B, H, W), weight (k, k), cotangent dE/dy_out (B, H', W').

    Out-of-range terms of the input gradient are zero: dE/dx is padded by k - 1.
    """
    kernel = weight.shape[0]
    rows, columns = cotangent.shape[1:]
    taps = [(a, b) for a in range(kernel) for b in range(kernel)]
    shifted = {(a, b): y[:, a : a + rows, b : b + columns] for a, b in taps}
    x = np.add.reduce([weight[tap] * shifted[tap] for tap in taps])
    turned = np.add.reduce([weight[::-1, ::-1][tap] * shifted[tap] for tap in taps])
    slope = sigmoid(x) * (1.0 - sigmoid(x))
    delta = cotangent * slope  # dE/dx
    unshifted = float((delta * shifted[0, 0]).sum())
    mended = np.array([(delta * shifted[tap]).sum() for tap in taps]).reshape(kernel, kernel)
    edge = kernel - 1
    padded = np.pad(delta, ((0, 0), (edge, edge), (edge, edge)))
    height, width = y.shape[1:]
    by_input = np.add.reduce(
        [
            weight[a, b] * padded[:, edge - a : edge - a + height, edge - b : edge - b + width]
            for a, b in taps
        ]
    )
    return {
        "forward": sigmoid(x),
        "forward_turned": sigmoid(turned),
        "weight_printed": np.full((kernel, kernel), unshifted),
        "weight_mended": mended,
        "input_printed": by_input,
    }


def run(job: Job) -> Outcome:
    """One arm, one seed: draw, ask the framework, compare each formula with its answer."""
    spec = single_convolution.spec()
    draws = stream(job.seed, "convolution_gradient")
    images = job.settings["images"]
    batch = {
        "x": draws.normal(size=(images, *spec.inputs["x"])),
        "cotangent": draws.normal(size=(images, *spec.inputs["cotangent"])),
    }
    parameters = {"conv/weight": draws.normal(size=(3, 3, 1, 1)), "conv/bias": np.zeros(1)}
    updates = {"ask": Update("energy", ("", "input:x"), sgd())}
    system = system_for(job, spec, updates, "float64" if job.arm == "float64" else "float32")
    system.load(State(parameters=parameters))
    staged = system.stage(batch)
    gradients = system.differentiate("ask", staged).gradients
    response = system.evaluate("response", staged, INFERENCE).outputs["response"]
    found = {
        "forward": response[..., 0],
        "forward_turned": response[..., 0],
        "weight_printed": gradients["conv/weight"][..., 0, 0],
        "weight_mended": gradients["conv/weight"][..., 0, 0],
        "input_printed": gradients["input:x"][..., 0],
    }
    weight = parameters["conv/weight"][..., 0, 0]
    deck = formulas(batch["x"][..., 0], weight, batch["cotangent"][..., 0])
    return Outcome(
        metrics={
            name: float(np.abs(deck[name] - found[name]).max() / np.abs(found[name]).max())
            for name in deck
        }
    )
