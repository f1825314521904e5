"""Dropout in PyTorch, in two forms that are the same net in expectation.

Srivastava, Hinton, Krizhevsky, Sutskever and Salakhutdinov (2014), "Dropout: a simple way to
prevent neural networks from overfitting": the deck's form in section 4, the inverted one in
section 10. `keep` is the probability that a unit stays.
"""

import numpy as np
import torch
from torch import Tensor

from bench import ranges
from bench.errors import ContractError

FORMS = ("deck", "inverted")


def dropout(x: Tensor, mask: Tensor | None, keep: float, form: str, training: bool) -> Tensor:
    """A unit is put out where its mask is 0; the expected output is the same in both modes.

                    in training        at inference
        deck        x mask             keep x
        inverted    x mask / keep      x

    mask has the shape of x. Raises UserError for a keep outside of (0, 1] or an unknown form,
    ContractError for training without a mask.
    """
    ranges.number("keep", keep, ranges.PROBABILITY)
    ranges.choice("form of dropout", form, FORMS)
    if not training:
        return keep * x if form == "deck" else x
    if mask is None:
        raise ContractError("dropout in training needs a mask")
    kept = x * mask.to(x.dtype)
    return kept if form == "deck" else kept / keep


def draw(shape: tuple[int, ...], keep: float, seed: int) -> np.ndarray:
    """A mask by PyTorch's own generator: 1 with probability keep, else 0.

    Raises UserError for a keep outside of (0, 1].
    """
    ranges.number("keep", keep, ranges.PROBABILITY)
    generator = torch.Generator().manual_seed(seed)
    return torch.empty(shape).bernoulli_(keep, generator=generator).numpy()
