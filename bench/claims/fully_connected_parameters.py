"""Parameters are counted in nets that the frameworks have built: nothing is trained or drawn.

Every count is exact, so that one seed is enough and every rule is a bound.
"""

import math
from collections.abc import Mapping

from bench.claim import Budget, Claim, Figure, Job, Outcome
from bench.hypothesis import Bound, Hypothesis
from bench.instruments.parameters import counted
from bench.specs import convnet, lenet, mlp
from bench.specs.convnet import Block

SIDES = (28, 64, 128, 224)
HIDDEN, CLASSES = 256, 10
DECK = (Block(64, 3, padding=1), Block(128, 3, padding=1))  # the convolutions of the deck's LeNet
CONVOLUTIONS = 3 * 3 * 1 * 64 + 64 + 3 * 3 * 64 * 128 + 128
ARMS = {f"side_{side}": f"gray images of {side} x {side} pixels" for side in SIDES[:3]}


def hypotheses() -> tuple[Hypothesis, ...]:
    each = [
        Hypothesis(
            name=f"exact count at {side}",
            statement=(
                f"Fully connected on {side} x {side} pixels, {HIDDEN} hidden units and {CLASSES} "
                f"classes make {side**2} x {HIDDEN} + {HIDDEN} + {HIDDEN} x {CLASSES} + {CLASSES} "
                f"= {closed_form(side):,} parameters in every framework."
            ),
            rule=Bound("fully_connected_error", f"side_{side}", 0),
            setting=f"the count at side {side}",
        )
        for side in SIDES[:3]
    ]
    return (
        *each,
        Hypothesis(
            name="grows with the square of the side",
            statement="Doubling the side multiplies the fully connected net's parameters by four.",
            rule=Bound("fully_connected_excess", "side_128", 0.02),
            setting="the growth of fully connected layers",
        ),
        Hypothesis(
            name="convolutions do not grow",
            statement="Doubling the side leaves the parameters of the convolutions as they are.",
            rule=Bound("convolution_doublings", "side_128", 0),
            setting="the growth of convolutions",
        ),
        Hypothesis(
            name="most of LeNet is fully connected",
            statement="In the deck's LeNet the convolutions hold less than half of the parameters.",
            rule=Bound("convolution_share", "side_28", 0.5),
            setting="the deck's LeNet",
        ),
    )


def closed_form(side: int) -> int:
    """S^2 h + h + h k + k: weights and biases of both fully connected layers."""
    return side**2 * HIDDEN + HIDDEN + HIDDEN * CLASSES + CLASSES


CLAIM = Claim(
    name="fully_connected_parameters",
    title="Fully connected layers on large inputs have many parameters",
    topic="convolutional nets",
    deck="Si dimension d'entrée grande, beaucoup de paramètres",
    translation="If the input's dimension is large, many parameters",
    compared=(
        "Nets are built in every framework, and the numbers in their parameters are counted. Fully "
        f"connected: all pixels to {HIDDEN} units to {CLASSES} classes. Convolutional: the two "
        "convolutions of the deck's LeNet (3x3, 64 and 128 filters), which see the same images. "
        "Each net is built for a side and for twice that side: how much it grows is told in "
        "doublings, the base-2 logarithm of the ratio. 2 means with the square of the side. A "
        "caution: the claim is about growth. At 28 pixels the deck's own LeNet has eight times "
        "more parameters than the fully connected net, and 95.6 % of them in its fully connected "
        "layers; a convolutional net that ends in such a layer grows with the image too."
    ),
    arms=ARMS
    | {"side_224": "the images of AlexNet and VGG (extended budget; no rule is about it)"},
    metrics={
        "fully_connected": "parameters of the fully connected net",
        "convolutions": "parameters of the two convolutions",
        "fully_connected_error": "parameters of the net, built minus closed form, absolute",
        "convolutions_error": "parameters of the convolutions, built minus closed form, absolute",
        "fully_connected_doublings": "log2 of the parameters at twice the side over those here",
        "fully_connected_excess": "distance of log2(parameters at twice the side / here) from 2",
        "convolution_doublings": "|log2(parameters at twice the side / here)| of the convolutions",
        "convolution_share": "share of the convolutions in the deck's LeNet at this side",
    },
    hypotheses=hypotheses(),
    budgets={
        "smoke": Budget((0,), 0, arms=("side_28",)),
        "standard": Budget((0,), 0, arms=tuple(ARMS)),
        "extended": Budget((0,), 0),
    },
    architectures=("mlp", "convnet", "lenet"),
    figures=(
        Figure(
            series="counts",
            caption=(
                "Parameters by the side of the image, both on logarithmic axes: a slope of 2 for "
                "the fully connected net, none for the convolutions."
            ),
            x="side",
            y="parameters",
            hue="layers",
            log="xy",
        ),
    ),
)


def run(job: Job) -> Outcome:
    """Build each net for this side and twice this side, and count."""
    side = int(job.arm.removeprefix("side_"))
    dense, convolutions = {}, {}
    for number, image in enumerate((side, 2 * side)):
        job.report(number / 3, f"{image} x {image} pixels")
        built = counted(job, mlp.spec((image, image, 1), (HIDDEN,), CLASSES))
        dense[image] = sum(built.values())
        built = counted(job, convnet.spec((image, image, 1), DECK, (), CLASSES))
        convolutions[image] = of_convolutions(built)
    deck = lenet.spec() if side == 28 else convnet.spec((side, side, 1), DECK, (HIDDEN,), CLASSES)
    built = counted(job, deck)
    doublings = math.log2(dense[2 * side] / dense[side])
    return Outcome(
        metrics={
            "fully_connected": dense[side],
            "convolutions": convolutions[side],
            "fully_connected_error": abs(dense[side] - closed_form(side)),
            "convolutions_error": abs(convolutions[side] - CONVOLUTIONS),
            "fully_connected_doublings": doublings,
            "fully_connected_excess": abs(doublings - 2),
            "convolution_doublings": abs(math.log2(convolutions[2 * side] / convolutions[side])),
            "convolution_share": of_convolutions(built) / sum(built.values()),
        },
        series={
            "counts": [
                {"layers": layers, "side": image, "parameters": counted}
                for layers, by_side in (("fully connected", dense), ("convolutions", convolutions))
                for image, counted in by_side.items()
            ]
        },
    )


def of_convolutions(sizes: Mapping[str, int]) -> int:
    return sum(size for name, size in sizes.items() if name.startswith("conv"))
