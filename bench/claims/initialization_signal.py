"""Weights too small let the signal vanish, weights too large let it explode: by which law?

The law is exact in expectation. A net has one draw of its weights, by which the slope over 20
layers of 256 units strays from the law: by 0.002 (linear) to 0.03 (ReLU) doublings per layer in
a pilot (NumPy, seeds 100 to 102, which are not used again). A slope within 0.1 of the law is a
factor within 7 % per layer; at that margin 9 seeds give every rule a power of 1.
"""

from bench import initializers, weights
from bench.claim import AtLeast, Budget, Claim, Erratum, Figure, Hypothesis, Job, Outcome, Within
from bench.contract import Update, sgd
from bench.instruments import signal
from bench.randomness import stream
from bench.specs import mlp
from bench.systems import system_for

WIDTH, CLASSES = 256, 10
MARGIN, DEVIATION = 0.1, 0.03
ACTIVATIONS = {"linear": "identity", "relu": "relu", "tanh": "tanh"}
RULES = {
    "constant_small": "variance 0.0001 whatever the width: too small here",
    "constant_large": "variance 1 whatever the width: too large",
    "xavier": "the deck's Xavier, 1/n_in",
    "glorot_printed": "the deck's Glorot and Bengio as printed, 1/(n_in + n_out)",
    "glorot": "Glorot and Bengio as published, 2/(n_in + n_out)",
    "he": "He and others, 2/n_in",
}


def slope(activation: str, rule: str) -> float:
    """The law: doublings of the signal per layer."""
    variance = initializers.VARIANCES[rule](WIDTH, WIDTH)
    return signal.law(ACTIVATIONS[activation], WIDTH, variance)


def follows(arm: str, statement: str, setting: str, middle: float, **more: str) -> Hypothesis:
    """`forward` (or another metric) of an arm lies within the margin around a value."""
    rule = Within(
        more.get("metric", "forward"), arm, middle - MARGIN, middle + MARGIN, deviation=DEVIATION
    )
    role = "mended" if more.get("role") == "mended" else "claim"
    return Hypothesis(more["name"], statement, rule, role=role, setting=setting)


def law(activation: str, rule: str, name: str, statement: str) -> Hypothesis:
    expected = slope(activation, rule)
    return follows(
        f"{activation}_{rule}",
        f"{statement} (by the law {expected:+.2f} doublings per layer)",
        f"{activation}, {rule.replace('_', ' ')}",
        expected,
        name=name,
    )


def keeps(arm: str, name: str, statement: str, **more: str) -> Hypothesis:
    setting = f"{arm.replace('_', ' ', 1).replace('_', ' ')}, {more.get('metric', 'forward')}"
    return follows(arm, statement, setting, 0.0, name=name, **more)


HYPOTHESES = (
    law("linear", "constant_small", "linear, too small", "Without activation the signal vanishes."),
    law("relu", "constant_small", "ReLU, too small", "With ReLU the signal vanishes."),
    law("tanh", "constant_small", "tanh, too small", "With tanh the signal vanishes."),
    law("linear", "constant_large", "linear, too large", "Without activation the signal explodes."),
    law("relu", "constant_large", "ReLU, too large", "With ReLU the signal explodes."),
    Hypothesis(
        name="tanh, too large",
        statement="With tanh the signal grows by at least a tenth of a doubling per layer.",
        rule=AtLeast("forward", "tanh_constant_large", MARGIN, 0.1, deviation=DEVIATION),
        setting="tanh, too large",
    ),
    keeps("linear_xavier", "Xavier keeps", "Without activation Xavier keeps the signal's size."),
    keeps("relu_he", "He keeps", "With ReLU He's rule keeps the signal's size."),
    keeps(
        "linear_glorot_printed",
        "Glorot as printed keeps",
        "Without activation the variance 1/(n_in + n_out) keeps the signal's size.",
    ),
    keeps(
        "linear_glorot",
        "Glorot mended keeps",
        "Without activation the variance 2/(n_in + n_out) keeps the signal's size.",
        role="mended",
    ),
    keeps(
        "linear_xavier",
        "Xavier keeps the gradient",
        "Without activation Xavier keeps the gradient's size on its way back.",
        metric="backward",
    ),
    keeps(
        "relu_he",
        "He keeps the gradient",
        "With ReLU He's rule keeps the gradient's size on its way back.",
        metric="backward",
    ),
)

SIGNAL = "Size of the signal by layer (root mean square before the activation): "
GRADIENT = "Size of the gradient by layer, read from right to left: "
WORDS = {"linear": "no activation", "relu": "ReLU", "tanh": "tanh"}

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
        f"Random inputs go through 20 layers of {WIDTH} units with fresh normal weights, in "
        "float64, and the gradient of a cross-entropy comes back. The size of both at every layer "
        "is compared with the law sqrt(gain)^depth, where the gain is n Var without activation and "
        "n Var / 2 with ReLU. Slopes are in doublings per layer: -1 halves the signal at every "
        "layer, 0 keeps it. tanh has no such law: it is linear while the signal is small, and cuts "
        "it off at 1. All layers are equally wide, where 1/n_in and the published 2/(n_in + n_out) "
        "are one number: what is tested of Glorot's rule is the factor 2 that the deck drops."
    ),
    arms={
        f"{activation}_{rule}": f"{WORDS[activation]}, {text}"
        for activation in ACTIVATIONS
        for rule, text in RULES.items()
    },
    metrics={
        "forward": "doublings of the signal's size per layer",
        "backward": "doublings of the gradient's size per layer, going back",
        "forward_gap": "forward minus the law (of small signals for tanh)",
        "total": "log2 of the signal's size at the last hidden layer over that at the first",
        "dead": "share of the last layer's units that no example moves",
    },
    hypotheses=HYPOTHESES,
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
                "Keeping the signal asks for n_in Var = 1, keeping the gradient for n_out Var = 1; "
                "the mean of both is (n_in + n_out) Var / 2 = 1. The printed form drops the 2, "
                "halves the variance, and shrinks the signal by 1/√2 at every layer: to a "
                "thousandth after 20 layers, where Xavier and the published form keep it."
            ),
            refuted_by="Glorot as printed keeps",
            supported_by="Glorot mended keeps",
        ),
    ),
    figures=tuple(
        Figure(
            series=activation,
            caption=f"{text}{WORDS[activation]}, a line for each rule.",
            x="layer",
            y=quantity,
            hue="rule",
            log="y",
        )
        for quantity, text in (("forward", SIGNAL), ("backward", GRADIENT))
        for activation in ACTIVATIONS
    ),
)


def run(job: Job) -> Outcome:
    """One activation and rule: draw weights and inputs, trace once, fit two lines."""
    activation, _, rule = job.arm.partition("_")
    depth, examples = job.settings["depth"], job.settings["examples"]
    spec = mlp.spec((WIDTH,), (WIDTH,) * depth, CLASSES, ACTIVATIONS[activation])
    system = system_for(job, spec, {"ask": Update("cross_entropy", ("",), sgd())}, "float64")
    system.load(weights.initial(spec, job.seed, f"{rule}_normal"))
    draws = stream(job.seed, "initialization_signal")
    batch = {
        "x": draws.standard_normal((examples, WIDTH)),
        "y": draws.integers(0, CLASSES, examples),
    }
    hidden = [f"fc{layer}" for layer in range(1, depth + 1)]
    levels = signal.levels(system, "ask", batch, hidden)
    sizes = [level.forward for level in levels]
    forward = signal.doublings_per_layer(sizes)
    return Outcome(
        metrics={
            "forward": forward,
            "backward": -signal.doublings_per_layer([level.backward for level in levels]),
            "forward_gap": forward - slope(activation, rule),
            "total": signal.doublings(sizes[0], sizes[-1]),
            "dead": levels[-1].dead,
        },
        series={activation: [level.row(rule=rule) for level in levels]},
    )
