"""The multilayer perceptron.

    x (28, 28, 1) -> flatten -> 784
    fc1  784 -> 128    relu1
    fc2  128 -> 64     relu2
    fc3  64 -> 10      logits
    loss = -(1/B) sum_b log softmax(logits_b)[y_b]

Rumelhart, Hinton and Williams (1986), "Learning representations by back-propagating errors".

That is the default. The techniques of the deck are options of the same net: other widths and
depths, another activation, batch norm between a dense layer and its activation (the dense layer
then has no bias), dropout of the input and after every activation. No widths at all make it a
linear classifier.
"""

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from bench import ranges
from bench.errors import UserError
from bench.spec import Buffer, Parameter, Spec, count, norm_constants, normalized

ACTIVATIONS = ("relu", "sigmoid", "tanh", "identity")
FORMS = ("deck", "inverted")
DEFAULT_COUNT = 109_386


def spec(
    inputs: tuple[int, ...] = (28, 28, 1),
    widths: Sequence[int] = (128, 64),
    classes: int = 10,
    activation: str = "relu",
    norm: Mapping[str, Any] | None = None,
    dropout: str | None = None,
    keep_input: float = 1.0,
    keep_hidden: float = 1.0,
) -> Spec:
    """norm: bench.conventions.BATCH_NORM, or other constants of batch norm; None: without.

    dropout: "deck" or "inverted" (techniques/dropout.py), None: without. keep_input and
    keep_hidden are the deck's p, the probability that a unit stays; 1 puts no mask there. Raises
    UserError for an unknown name or a probability outside of (0, 1].
    """
    ranges.choice("activation", activation, ACTIVATIONS)
    if not all(width >= 1 for width in (*widths, classes)):
        raise UserError(f"widths must be at least 1, got {list(widths)} and {classes} classes")
    sizes = [math.prod(inputs), *widths, classes]
    parameters: dict[str, Parameter] = {}
    buffers: dict[str, Buffer] = {}
    activations: dict[str, tuple[int, ...]] = {}
    for number, (before, after) in enumerate(pairwise(sizes), start=1):
        name, hidden = f"fc{number}", number <= len(widths)
        added = normalized(name, f"bn{number}", (before, after), norm if hidden else None)
        parameters |= added[0]
        buffers |= added[1]
        activations |= (
            {**added[2], f"{activation}{number}": (after,)} if hidden else {"logits": (after,)}
        )
    keep = _keep(dropout, keep_input, keep_hidden, len(widths))
    outputs = dict(zip(("input", *(f"fc{n}" for n in range(1, len(sizes)))), sizes, strict=True))
    default = (inputs, tuple(widths), classes, norm) == ((28, 28, 1), (128, 64), 10, None)
    return Spec(
        architecture="mlp",
        parameters=parameters,
        parameter_count=DEFAULT_COUNT if default else count(parameters),
        inputs={"x": inputs, "y": (), **{f"dropout/{name}": (outputs[name],) for name in keep}},
        functions=("logits",),
        objectives=("cross_entropy",),
        activations=activations,
        buffers=buffers,
        ranges={"y": ranges.labels(classes)},
        options={
            "layers": len(widths) + 1,
            "activation": activation,
            "norm": norm_constants(norm),
            "dropout": dropout,
            "keep": keep,
        },
    )


def _keep(form: str | None, keep_input: float, keep_hidden: float, hidden: int) -> dict[str, float]:
    """Probability of keeping by the layer whose outputs are masked; those of 1 are left out."""
    ranges.number("keep_input", keep_input, ranges.PROBABILITY)
    ranges.number("keep_hidden", keep_hidden, ranges.PROBABILITY)
    if form is None:
        return {}
    ranges.choice("form of dropout", form, FORMS)
    layers = {"input": keep_input, **{f"fc{n}": keep_hidden for n in range(1, hidden + 1)}}
    return {name: keep for name, keep in layers.items() if keep < 1}
