"""Weights too small let the signal vanish, weights too large let it explode: by which law?

Where all layers are equally wide, Xavier's 1/n_in and the published 2/(n_in + n_out) are one
number. They part where widths alternate (bench/instruments/signal.py has the laws).

The laws are exact in expectation. A net has one draw of its weights, by which 20 layers stray from
them: slopes by 0.003 (linear) to 0.03 (ReLU) doublings per layer, swings by 0.01 to 0.05, in a
pilot (NumPy, seeds 100 to 171, which are not used again). A line through sizes that alternate adds
0.008 at most. A slope within 0.1 of the law is a factor within 7 % per layer; at that margin 9
seeds give every rule a power of 1.
"""

import math
from dataclasses import dataclass
from typing import Literal

from bench import initializers, weights
from bench.claim import Budget, Claim, Erratum, Figure, Job, Outcome
from bench.contract import Update
from bench.hypothesis import AtLeast, Hypothesis, Within
from bench.instruments import signal
from bench.optimizers import sgd
from bench.randomness import stream
from bench.ranges import Range
from bench.specs import mlp
from bench.systems import system_for

CLASSES, MARGIN = 10, 0.1
DEVIATION, OF_SWINGS = 0.03, 0.05
WIDTHS = {"equal": (256, 256), "alternating": (128, 512)}  # of the odd layers and the even ones
ACTIVATIONS = {"linear": "identity", "relu": "relu", "tanh": "tanh"}
RULES = {
    "constant_small": "variance 0.0001 whatever the width: too small here",
    "constant_large": "variance 1 whatever the width: too large",
    "xavier": "the deck's Xavier, 1/n_in",
    "glorot_printed": "the deck's Glorot and Bengio as printed, 1/(n_in + n_out)",
    "glorot": "Glorot and Bengio as published, 2/(n_in + n_out)",
    "he": "He and others, 2/n_in",
}
WORDS = {"linear": "no activation", "relu": "ReLU", "tanh": "tanh"}


@dataclass(frozen=True)
class Net:
    """What an arm is."""

    widths: str
    activation: str
    rule: str

    @property
    def series(self) -> str:
        return self.activation if self.widths == "equal" else f"{self.widths}_{self.activation}"

    @property
    def text(self) -> str:
        return f"{self.widths} widths, {WORDS[self.activation]}, {RULES[self.rule]}"


NETS = {
    # The published Glorot is left out: it is Xavier here, to the last bit.
    **{
        f"{activation}_{rule}": Net("equal", activation, rule)
        for activation in ACTIVATIONS
        for rule in RULES
        if rule != "glorot"
    },
    **{
        f"alternating_linear_{rule}": Net("alternating", "linear", rule)
        for rule in ("xavier", "glorot_printed", "glorot", "he")
    },
    "alternating_relu_he": Net("alternating", "relu", "he"),
}


def laws(net: Net) -> dict[str, float]:
    """Metric -> what it is by the law; for tanh, that of small signals."""
    variance = initializers.VARIANCES[net.rule]
    return signal.laws(ACTIVATIONS[net.activation], WIDTHS[net.widths], variance)


def near(
    arm: str,
    metric: str,
    name: str,
    statement: str,
    middle: float = 0.0,
    role: Literal["claim", "mended"] = "claim",
) -> Hypothesis:
    """A metric of an arm lies within the margin around a value."""
    deviation = OF_SWINGS if metric.endswith("swing") else DEVIATION
    rule = Within(metric, arm, middle - MARGIN, middle + MARGIN, deviation)
    return Hypothesis(name, statement, rule, role, f"{arm}, {metric}".replace("_", " "))


def law(arm: str, name: str, statement: str) -> Hypothesis:
    expected = laws(NETS[arm])["forward"]
    told = f"{statement} (by the law {expected:+.2f} doublings per layer)"
    return near(arm, "forward", name, told, expected)


def published(metric: str, statement: str) -> Hypothesis:
    """The published rule does what its law says, which is not what Xavier's says."""
    arm = "alternating_linear_glorot"
    expected = laws(NETS[arm])[metric]
    told = f"{statement} (by the law {expected:+.2f} doublings)"
    name = f"Glorot as published, {metric.replace('_', ' ')}"
    return near(arm, metric, name, told, expected, "mended")


PRINTED, PUBLISHED = "1/(n_in + n_out)", "2/(n_in + n_out)"
HYPOTHESES = (
    law("linear_constant_small", "linear, too small", "Without activation the signal vanishes."),
    law("relu_constant_small", "ReLU, too small", "With ReLU the signal vanishes."),
    law("tanh_constant_small", "tanh, too small", "With tanh the signal vanishes."),
    law("linear_constant_large", "linear, too large", "Without activation the signal explodes."),
    law("relu_constant_large", "ReLU, too large", "With ReLU the signal explodes."),
    Hypothesis(
        name="tanh, too large",
        statement="With tanh the signal grows by at least a tenth of a doubling per layer.",
        rule=AtLeast("forward", "tanh_constant_large", MARGIN, 0.1, deviation=DEVIATION),
        setting="tanh, too large",
    ),
    near("linear_xavier", "forward", "Xavier keeps", "Xavier keeps the signal's size."),
    near("relu_he", "forward", "He keeps", "With ReLU He's rule keeps the signal's size."),
    near(
        "linear_glorot_printed",
        "forward",
        "Glorot as printed keeps",
        f"The variance {PRINTED} keeps the signal's size.",
    ),
    near(
        "linear_xavier",
        "backward",
        "Xavier keeps the gradient",
        "Xavier keeps the gradient's size on its way back.",
    ),
    near(
        "relu_he",
        "backward",
        "He keeps the gradient",
        "With ReLU He's rule keeps the gradient's size on its way back.",
    ),
    *(
        near(arm, metric, f"{rule} {name}", f"Where widths alternate, {rule}'s rule {statement}.")
        for arm, rule in (("alternating_linear_xavier", "Xavier"), ("alternating_relu_he", "He"))
        for metric, name, statement in (
            ("forward", "keeps, alternating", "keeps the signal's size"),
            ("forward_swing", "keeps at every width", "keeps it at layers of either width"),
        )
    ),
    near(
        "alternating_linear_glorot_printed",
        "balance",
        "Glorot as printed balances",
        f"Where widths alternate, the variance {PRINTED} keeps the mean of both gains at 1.",
    ),
    near(
        "alternating_linear_glorot",
        "balance",
        "Glorot as published balances",
        f"Where widths alternate, the variance {PUBLISHED} keeps the mean of both gains at 1.",
        role="mended",
    ),
    published("forward", "Where widths alternate, the published rule lets the signal shrink"),
    published("backward", "Where widths alternate, it lets the gradient shrink as much"),
    published("forward_swing", "It weakens the signal where layers widen, against narrowing ones"),
    published("backward_swing", "It strengthens the gradient there as much"),
)

SIGNAL = "Size of the signal by layer (root mean square before the activation): "
SERIES = {
    **{activation: f"equal widths, {words}" for activation, words in WORDS.items()},
    "alternating_linear": "128 and 512 units by turns, no activation",
}
GRADIENT = "Size of the gradient by layer, read from right to left: "

CLAIM = Claim(
    name="initialization_signal",
    title="Initial weights decide what becomes of the signal",
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
        "Random inputs go through 20 layers with fresh normal weights, in float64, and the "
        "gradient of a cross-entropy comes back. The size of both at every layer is compared with "
        "the law sqrt(gain)^depth, where the gain is n_in Var for the signal and n_out Var for the "
        "gradient, and half of it with ReLU. Slopes are in doublings per layer: -1 halves the "
        "signal at every layer, 0 keeps it. tanh has no such law: it is linear while the signal is "
        "small, and cuts it off at 1. Layers of 256 units are equally wide, where 1/n_in and the "
        "published 2/(n_in + n_out) are one number. They part in the nets whose layers have 128 "
        "and 512 units by turns: there Xavier keeps the signal and lets the gradient swing, and "
        "what the published rule keeps is the mean of both gains at every layer."
    ),
    arms={arm: net.text for arm, net in NETS.items()},
    metrics={
        "forward": "doublings of the signal's size per layer",
        "backward": "doublings of the gradient's size per layer, going back",
        "forward_swing": "the signal's doublings across even layers, less those across odd ones",
        "backward_swing": "the gradient's doublings across even layers, less those across odd ones",
        "balance": "log2 of the root of the mean gain, signal and gradient together; 0: gain 1",
        "forward_gap": "forward minus the law (of small signals for tanh)",
        "total": "log2 of the signal's size at the last hidden layer over that at the first",
        "dead": "share of the last layer's units that no example moves",
    },
    hypotheses=HYPOTHESES,
    ranges={"depth": Range(3, math.inf, open_high=True)},
    budgets={
        "smoke": Budget((0,), 0, {"depth": 20, "examples": 8}),
        "standard": Budget((0,), 2, {"depth": 20, "examples": 64}),
        "extended": Budget(tuple(range(10)), 0, {"depth": 20, "examples": 256}),
    },
    architectures=("mlp",),
    errata=(
        Erratum(
            printed="Glorot et Bengio : Var = 1/(n_in + n_out)",
            mended="Glorot and Bengio (2010), equation 12: Var = 2/(n_in + n_out)",
            why=(
                "Keeping the signal asks for n_in Var = 1, keeping the gradient for n_out Var = 1. "
                "Where widths differ no variance does both; the mean of the two, "
                "(n_in + n_out) Var / 2 = 1, is what Glorot and Bengio ask for. The printed form "
                "drops the 2: the mean gain is 1/2, and where widths are equal the signal shrinks "
                "by 1/√2 at every layer, to a thousandth after 20."
            ),
            refuted_by="Glorot as printed balances",
            supported_by="Glorot as published balances",
        ),
    ),
    figures=tuple(
        Figure(
            series=series,
            caption=f"{text}{words}, a line for each rule.",
            x="layer",
            y=quantity,
            hue="rule",
            log="y",
        )
        for quantity, text in (("forward", SIGNAL), ("backward", GRADIENT))
        for series, words in SERIES.items()
    ),
)


def run(job: Job) -> Outcome:
    """One net: draw weights and inputs, trace once, fit two lines and compare the layers' gains."""
    net = NETS[job.arm]
    depth, examples = job.settings["depth"], job.settings["examples"]
    odd, even = WIDTHS[net.widths]
    widths = [odd if layer % 2 else even for layer in range(1, depth + 1)]
    spec = mlp.spec((even,), widths, CLASSES, ACTIVATIONS[net.activation])
    system = system_for(job, spec, {"ask": Update("cross_entropy", ("",), sgd())}, "float64")
    system.load(weights.initial(spec, job.seed, f"{net.rule}_normal"))
    draws = stream(job.seed, "initialization_signal")
    batch = {
        "x": draws.standard_normal((examples, even)),
        "y": draws.integers(0, CLASSES, examples),
    }
    hidden = [f"fc{layer}" for layer in range(1, depth + 1)]
    levels = signal.levels(system, "ask", batch, hidden)
    sizes, gradients = ([getattr(x, way) for x in levels] for way in ("forward", "backward"))
    forward = signal.doublings_per_layer(sizes)
    return Outcome(
        metrics={
            "forward": forward,
            "backward": -signal.doublings_per_layer(gradients),
            "forward_swing": signal.swing(sizes),
            "backward_swing": -signal.swing(gradients),
            "balance": signal.balance(levels),
            "forward_gap": forward - laws(net)["forward"],
            "total": signal.doublings(sizes[0], sizes[-1]),
            "dead": levels[-1].dead,
        },
        series={net.series: [level.row(rule=net.rule) for level in levels]},
    )
