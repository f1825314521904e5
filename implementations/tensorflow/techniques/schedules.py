"""Learning rates in TensorFlow: functions of the number of the step, counted from 0."""

from collections.abc import Sequence
from itertools import pairwise

import tensorflow as tf

from bench import ranges
from bench.errors import UserError


def piecewise_constant(step: int, boundaries: Sequence[int], rates: Sequence[float]) -> float:
    """rates[k] with k the number of boundaries <= step: a new rate is in force at its boundary.

    Raises UserError for a negative step, boundaries that do not increase, rates that are not
    positive, or not one more of them than boundaries.
    """
    ranges.number("step", step, ranges.NOT_NEGATIVE)
    if any(after <= before for before, after in pairwise(boundaries)):
        raise UserError(f"boundaries must increase, got {list(boundaries)}")
    if len(rates) != len(boundaries) + 1:
        raise UserError(f"{len(boundaries)} boundaries need one rate more, got {len(rates)}")
    for rate in rates:
        ranges.number("rate", rate, ranges.POSITIVE)
    passed = tf.reduce_sum(tf.cast(tf.constant(boundaries, tf.float64) <= step, tf.int32))
    return float(tf.constant(rates, tf.float64)[passed])


def exponential_decay(step: int, rate: float, decay: float, period: float) -> float:
    """rate decay^(step / period), continuous: no staircase.

    Raises UserError for a negative step, a rate or a period that is not positive, a decay outside
    of (0, 1].
    """
    ranges.number("step", step, ranges.NOT_NEGATIVE)
    ranges.number("rate", rate, ranges.POSITIVE)
    ranges.number("decay", decay, ranges.PROBABILITY)
    ranges.number("period", period, ranges.POSITIVE)
    return float(rate * tf.pow(tf.constant(decay, tf.float64), step / period))
