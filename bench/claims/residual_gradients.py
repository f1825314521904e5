"""Does a shortcut let the gradient through, from the loss back to the first convolution?

The nets are those of the paper's family for small images, at full width, with He's weights and
before any training: He, Zhang, Ren and Sun (2016). What is measured is a ratio, the gradient by the
first convolution's output over the gradient by the logits, both root mean squares: the scale of the
loss, its mean over the batch and how sure the net is of itself leave it as it is. Between two
depths it changes by so many doublings per layer; within 0.1, a factor within 7 % per layer, it is
called kept, as in initialization_signal. Everything is in float64.

What is to be expected, of wide nets:

    plain, He's weights     0: they are made for that; a little less for the zeros around the maps
    plain, batch norm       log2 sqrt(pi / (pi - 1)) = +0.28, Yang, Pennington, Rao, Sohl-Dickstein
                            and Schoenholz (2019), "A mean field theory of batch normalization"
    residual                +0.25: a block of two layers adds a branch of the shortcut's size, which
                            doubles the mean square
    residual, batch norm    0 in the limit: the l-th block of a stage multiplies the mean square by
                            1 + 1/l or so, a power of the depth

A narrow net strays from them: with a quarter of the channels a plain one without batch norm lost
0.09 doublings per layer in a pilot, and 0.23 on images of 12 x 12. Slopes differ from seed to seed
by 0.02 (NumPy, seeds 100 to 103, which are not used again); nine seeds give every rule a power of
0.95 and more at a deviation of 0.03.
"""

import math
from typing import Literal

import numpy as np

from bench import conventions, training, weights
from bench.claim import Budget, Claim, Figure, Job, Outcome
from bench.contract import Update
from bench.errors import UserError
from bench.hypothesis import AtLeast, Difference, Hypothesis, Within
from bench.instruments import signal
from bench.optimizers import sgd
from bench.ranges import Range
from bench.spec import Spec
from bench.specs import resnet
from bench.systems import system_for

SIDE, MARGIN, DEVIATION = 32, 0.1, 0.03
KINDS = {"plain": "none", "residual": "identity"}  # kind -> shortcut
WORDS = {"": "without batch norm", "_norm": "with batch norm"}
ARMS = {f"{kind}{norm}": f"{kind} nets, {WORDS[norm]}" for norm in WORDS for kind in KINDS}


def better(norm: str) -> Hypothesis:
    """The deck's sentence: with shortcuts the gradient changes less on its way."""
    return Hypothesis(
        name=f"better, {WORDS[norm]}",
        statement=f"Nets {WORDS[norm]}: the gradient changes less with depth in residual ones.",
        rule=Difference("drift", f"residual{norm}", f"plain{norm}", "less", MARGIN, DEVIATION),
        setting=f"residual against plain nets, {WORDS[norm]}",
    )


def fate(kind: str, norm: str, what: Literal["kept", "vanishes", "explodes"]) -> Hypothesis:
    """What becomes of the gradient with depth, in one kind of net."""
    arm = f"{kind}{norm}"
    rule = (
        Within("growth", arm, -MARGIN, MARGIN, DEVIATION)
        if what == "kept"
        else AtLeast(
            {"vanishes": "shrinkage", "explodes": "growth"}[what], arm, MARGIN, MARGIN, DEVIATION
        )
    )
    told = {
        "kept": "is kept: it changes by less than 0.1 doublings per layer",
        "vanishes": "vanishes: it loses at least 0.1 doublings per layer",
        "explodes": "explodes: it gains at least 0.1 doublings per layer",
    }
    return Hypothesis(
        name=f"{kind}, {WORDS[norm]}, {what}",
        statement=f"In {kind} nets {WORDS[norm]} the gradient {told[what]}.",
        rule=rule,
        setting=f"{kind} nets, {WORDS[norm]}, the gradient {what if what != 'kept' else 'is kept'}",
    )


CLAIM = Claim(
    name="residual_gradients",
    title="Shortcuts let gradients through",
    topic="residual nets",
    deck="Court-circuit sur les convolutions ⇒ meilleure circulation des gradients",
    translation="Shortcut around the convolutions: gradients flow better",
    compared=(
        "Nets of 8 to 56 layers with 16, 32 and 64 channels, residual and plain, with batch norm "
        "and without, get one batch of digits in a frame of 32 x 32 and hand the gradient of the "
        "cross-entropy back, before any training and in float64. The size of the gradient at the "
        "first convolution, divided by its size at the logits, is followed from the shallowest net "
        "to the deepest: 0 doublings per layer keep it, 0.1 are a factor of 28 over 48 layers. "
        "What troubles deep nets is tested apart for each kind: a gradient that vanishes, or one "
        "that explodes."
    ),
    arms=ARMS,
    metrics={
        "growth": "doublings per layer of the gradient at the first convolution, by depth",
        "shrinkage": "halvings per layer of the gradient at the first convolution, by depth",
        "drift": "doublings or halvings per layer, whichever it is",
    },
    hypotheses=(
        better("_norm"),
        better(""),
        fate("residual", "_norm", "kept"),
        fate("residual", "", "kept"),
        fate("plain", "_norm", "explodes"),
        fate("plain", "", "vanishes"),
    ),
    budgets={
        "smoke": Budget(
            (0,),
            0,
            {"examples": 2, "shallowest": 8, "deepest": 8, "apart": 48},
            arms=("residual",),
        ),
        "standard": Budget((0,), 2, {"examples": 8, "shallowest": 8, "deepest": 56, "apart": 48}),
        "extended": Budget(
            tuple(range(10)), 0, {"examples": 32, "shallowest": 8, "deepest": 56, "apart": 12}
        ),
    },
    architectures=("resnet",),
    datasets=("mnist5k",),
    figures=(
        Figure(
            series="depths",
            caption="Gradient at the first convolution over gradient at the logits, by depth.",
            x="depth",
            y="gradient",
            log="y",
        ),
        Figure(
            series="layers",
            caption=(
                "Gradient at every convolution of the deepest net over gradient at the logits: "
                "read from right to left."
            ),
            x="layer",
            y="gradient",
            log="y",
        ),
    ),
    ranges={"examples": Range(1, math.inf, open_high=True)},
)


def net(arm: str, depth: int) -> Spec:
    kind, _, norm = arm.partition("_")
    constants = conventions.BATCH_NORM if norm else None
    return resnet.spec(depth, (SIDE, SIDE, 1), shortcut=KINDS[kind], norm=constants)


def framed(x: np.ndarray) -> np.ndarray:
    """Images (examples, 28, 28, 1) in the middle of 32 x 32 pixels of their background."""
    rim = (SIDE - x.shape[1]) // 2
    return np.pad(x, ((0, 0), (rim, rim), (rim, rim), (0, 0)), constant_values=x.min())


def run(job: Job) -> Outcome:
    """One kind of net at every depth: one batch there and back, and the slope of its gradient."""
    settings, data = job.settings, training.prepared(job)
    if settings["deepest"] < settings["shallowest"]:
        raise UserError(
            f"residual_gradients goes from the shallowest net to the deepest, got "
            f"{settings['shallowest']} and {settings['deepest']} layers"
        )
    depths = range(settings["shallowest"], settings["deepest"] + 1, settings["apart"])
    x = framed(data.train_x[: settings["examples"]])
    batch = {"x": x, "y": data.train_y[: settings["examples"]]}
    by_depth: dict[int, list[float]] = {}
    for depth in depths:
        job.report(len(by_depth) / len(depths), f"{depth} layers")
        spec = net(job.arm, depth)
        system = system_for(job, spec, {"ask": Update("cross_entropy", ("",), sgd())}, "float64")
        system.load(weights.initial(spec, job.seed))
        convolutions = [n for n in spec.activations if n.rpartition("/")[2].startswith("conv")]
        *below, logits = signal.levels(system, "ask", batch, [*convolutions, "logits"])
        by_depth[depth] = [level.backward / logits.backward for level in below]
    growth = per_layer({depth: sizes[0] for depth, sizes in by_depth.items()})
    return Outcome(
        metrics={"growth": growth, "shrinkage": -growth, "drift": abs(growth)},
        series={
            "depths": [
                {"arm": job.arm, "depth": depth, "gradient": sizes[0]}
                for depth, sizes in by_depth.items()
            ],
            "layers": [
                {"arm": job.arm, "layer": layer, "gradient": size}
                for layer, size in enumerate(by_depth[depths[-1]], start=1)
            ],
        },
        record={"data": data.record},
    )


def per_layer(sizes: dict[int, float]) -> float:
    """Doublings per layer from the shallowest net to the deepest, by depth; of one net 0.

    Not-a-number where one of the two has no gradient, or one that is not finite.
    """
    shallow, deep = min(sizes), max(sizes)
    if not all(0 < sizes[depth] < math.inf for depth in (shallow, deep)):
        return math.nan
    return math.log2(sizes[deep] / sizes[shallow]) / max(1, deep - shallow)
