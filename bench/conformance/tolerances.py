"""How far a framework may be from the reference, each with its reason. None moves for a result.

A deviation is the largest difference relative to the largest entry of the reference's tensor:
gradients hold entries of many sizes, and rounding scales with what was summed.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

# Sums of up to 12,544 products, in other orders, through four layers: rounding alone, 1e-16 each,
# grows to about 1e-14. A formula that differs, differs by far more than 1e-12.
FLOAT64 = 1e-12

# An adaptive optimizer divides by sqrt(v) + eps: where a gradient is itself at rounding level, the
# quotient is noise of size 1, times the learning rate. 1e-10 leaves room for that and nothing else.
FLOAT64_ADAPTIVE_PARAMETER = 1e-10
ADAPTIVE = ("adagrad", "adam", "deck_adam")

# Float32 rounds at 6e-8. The loss is a mean of well-conditioned sums; gradients and moments lose
# more in cancellation; parameters under Adam are compared in norm, because single entries whose
# gradient is at rounding level move by the learning rate in either direction.
FLOAT32_LOSS = 5e-6
FLOAT32_GRADIENT = 1e-4
FLOAT32_PARAMETER_NORM = 5e-5

# A tensor whose gradient vanishes identically holds rounding only, and no ratio of it means
# anything: when the reference's largest entry is not above this part of the net's largest gradient,
# the tensor is held to that part. Every other tensor, however small, is held to itself.
DEAD_GRADIENT = 1e-14

# What is counted, steps and decisions, is equal or is not. A count of one differs by more than this
# from any other, and so does a share of one entry in any tensor.
COUNTED = 1e-12

# A maximum nearer than this to its runner-up may fall either way by rounding. Activations are of
# size 1 to 10 and are rounded at 1e-15 (1e-6 in float32): six orders of room, one in float32.
NEAR_TIE = {"float64": 1e-9, "float32": 1e-5}


@dataclass(frozen=True)
class Tolerance:
    """`dead`: a tensor of the reference with no entry above it is held to it, not to itself."""

    limit: float
    measure: Literal["largest entry", "norm", "share"] = "largest entry"
    dead: float = 0.0

    def deviation(self, reference: np.ndarray, found: np.ndarray) -> float:
        """How far `found` is from `reference`; above `limit` it is too far."""
        if self.dead > 0 and largest(reference) <= self.dead:
            return deviation(reference, found, scale=self.dead / self.limit)
        return deviation(reference, found, self.measure)


def largest(array: np.ndarray) -> float:
    """max |a|: 0 of no entries, not-a-number where one is.

    Without an array of absolute values, which costs more than all else in a comparison.
    """
    if not array.size:
        return 0.0
    return max(
        float(np.maximum.reduce(array, axis=None)), -float(np.minimum.reduce(array, axis=None))
    )


def tolerance(dtype: str, quantity: str, optimizer: str, net: float = 0.0) -> Tolerance:
    """quantity: loss, decision, gradient, rate, parameter, buffer, step, or an optimizer's slot.

    `net` is the largest gradient of the whole net, by which dead gradients are told.
    """
    if quantity in ("decision", "step"):
        return Tolerance(COUNTED, "share" if quantity == "decision" else "largest entry")
    dead = net * DEAD_GRADIENT if quantity == "gradient" else 0.0
    if dtype == "float64":
        adaptive = quantity == "parameter" and optimizer in ADAPTIVE
        return Tolerance(FLOAT64_ADAPTIVE_PARAMETER if adaptive else FLOAT64, dead=dead)
    if quantity == "loss":
        return Tolerance(FLOAT32_LOSS)
    if quantity == "parameter":
        return Tolerance(FLOAT32_PARAMETER_NORM, "norm")
    return Tolerance(FLOAT32_GRADIENT, dead=dead)


def deviation(
    reference: np.ndarray,
    found: np.ndarray,
    measure: str = "largest entry",
    scale: float | None = None,
) -> float:
    """How far `found` is from `reference`; 0/0 is equal, not-a-number is infinitely far.

    largest entry   max |found - reference| / max |reference|, or over `scale` where it is given
    norm            ||found - reference|| / ||reference||
    share           how many entries differ, of all

    Another shape is infinitely far too.
    """
    reference, found = np.asarray(reference, np.float64), np.asarray(found, np.float64)
    if reference.shape != found.shape or not np.isfinite(found).all():
        return float("inf")
    difference = found - reference
    if measure == "norm":
        size, own = float(np.linalg.norm(difference)), float(np.linalg.norm(reference))
    elif measure == "share":
        size, own = float(np.count_nonzero(difference)), float(difference.size)
    else:
        size, own = largest(difference), largest(reference)
    if size == 0.0:
        return 0.0
    own = own if scale is None else scale
    return size / own if own > 0 and np.isfinite(own) else float("inf")
