"""Dropout in TensorFlow, in two forms that are the same net in expectation.

                in training            at inference
    deck        x mask                 keep x
    inverted    x mask / keep          x

mask is 1 with probability `keep`, else 0, and comes from outside. Srivastava, Hinton, Krizhevsky,
Sutskever and Salakhutdinov (2014), "Dropout: a simple way to prevent neural networks from
overfitting": the deck's form in section 4, the inverted one in section 10.
"""

import numpy as np
import tensorflow as tf

from bench import ranges
from bench.errors import ContractError

FORMS = ("deck", "inverted")


def dropout(
    x: tf.Tensor, mask: tf.Tensor | None, keep: float, form: str, training: bool
) -> tf.Tensor:
    """x and mask of one shape.

    Raises ContractError in training without a mask, UserError for another form or for a `keep`
    outside of (0, 1].
    """
    ranges.choice("form of dropout", form, FORMS)
    ranges.number("keep", keep, ranges.PROBABILITY)
    if not training:
        return keep * x if form == "deck" else x
    if mask is None:
        raise ContractError("dropout in training needs a mask")
    kept = x * tf.cast(mask, x.dtype)
    return kept if form == "deck" else kept / keep


def draw(shape: tuple[int, ...], keep: float, seed: int) -> np.ndarray:
    """A mask by TensorFlow's own generator. Raises UserError for a `keep` outside of (0, 1]."""
    ranges.number("keep", keep, ranges.PROBABILITY)
    uniform = tf.random.stateless_uniform(shape, seed=(seed, 0), dtype=tf.float64)
    return tf.cast(uniform < keep, tf.float64).numpy()
