"""Dropout in NumPy, in two forms that are the same net in expectation; the derivative by hand.

Srivastava, Hinton, Krizhevsky, Sutskever and Salakhutdinov (2014), "Dropout: a simple way to
prevent neural networks from overfitting": the deck's form in section 4, the inverted one in
section 10. `keep` is the probability that a unit stays.
"""

import numpy as np

from bench import ranges
from bench.errors import ContractError
from implementations.numpy.tape import Node

FORMS = ("deck", "inverted")


def dropout(x: Node, mask: np.ndarray | None, keep: float, form: str, training: bool) -> Node:
    """A unit is put out where its mask is 0; the expected output is the same in both modes.

                    in training        at inference
        deck        x mask             keep x
        inverted    x mask / keep      x

    mask has the shape of x. dE/dx = delta times what x was multiplied by. Raises UserError for a
    keep outside of (0, 1] or an unknown form, ContractError for training without a mask.
    """
    ranges.number("keep", keep, ranges.PROBABILITY)
    ranges.choice("form of dropout", form, FORMS)
    if training and mask is None:
        raise ContractError("dropout in training needs a mask")
    if not training or mask is None:
        factor = np.asarray(keep if form == "deck" else 1, x.value.dtype)
    else:
        factor = mask.astype(x.value.dtype) / (1 if form == "deck" else keep)

    def backward(delta: np.ndarray) -> None:
        x.add_gradient(delta * factor)

    return x.tape.output(x.value * factor, (x,), backward)


def draw(shape: tuple[int, ...], keep: float, seed: int) -> np.ndarray:
    """A mask by NumPy's own generator: 1 with probability keep, else 0.

    Raises UserError for a keep outside of (0, 1].
    """
    ranges.number("keep", keep, ranges.PROBABILITY)
    return np.random.default_rng(seed).binomial(1, keep, shape).astype(float)
