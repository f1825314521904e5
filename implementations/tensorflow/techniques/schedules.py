"""Learning rates by step, counted from 0, in TensorFlow. Numbers go in and a number comes out."""

from collections.abc import Sequence
from itertools import pairwise

import tensorflow as tf

from bench import ranges
from bench.errors import UserError


def piecewise_constant(step: int, boundaries: Sequence[int], rates: Sequence[float]) -> float:
    """rates[k], where k boundaries are <= step: a new rate is in force at its boundary.

    Raises UserError for boundaries that do not increase, rates that are not one more than the
    boundaries or not positive, and a negative step.
    """
    ranges.number("step", step, ranges.NOT_NEGATIVE)
    if any(before >= after for before, after in pairwise(boundaries)):
        raise UserError(f"boundaries must increase, got {list(boundaries)}")
    if len(rates) != len(boundaries) + 1:
        counts = f"{len(rates)} for {len(boundaries)} boundaries"
        raise UserError(f"rates must be one more than boundaries, got {counts}")
    for rate in rates:
        ranges.number("rate", rate, ranges.POSITIVE)
    passed = tf.reduce_sum(tf.cast(tf.constant(boundaries, tf.float64) <= step, tf.int32))
    return float(tf.constant(rates, tf.float64)[passed])


def exponential_decay(step: int, rate: float, decay: float, period: float) -> float:
    """rate decay^(step / period), at every step and not in stairs.

    Raises UserError for a rate or a period that is not positive, a decay outside of (0, 1] and a
    negative step.
    """
    ranges.number("step", step, ranges.NOT_NEGATIVE)
    ranges.number("rate", rate, ranges.POSITIVE)
    ranges.number("decay", decay, ranges.PROBABILITY)
    ranges.number("period", period, ranges.POSITIVE)
    return float(rate * tf.pow(tf.constant(decay, tf.float64), step / period))
