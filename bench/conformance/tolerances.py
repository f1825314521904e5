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

# Float32 rounds at 6e-8. The loss is a mean of well-conditioned sums; gradients and moments lose
# more in cancellation; parameters under Adam are compared in norm, because single entries whose
# gradient is at rounding level move by the learning rate in either direction.
FLOAT32_LOSS = 5e-6
FLOAT32_GRADIENT = 1e-4
FLOAT32_PARAMETER_NORM = 5e-5

# A tensor whose gradient vanishes identically holds rounding only, and no ratio of it means
# anything: it is held to this part of the net's largest gradient.
DEAD_GRADIENT = 1e-14

# A maximum nearer than this to its runner-up may fall either way by rounding. Activations are of
# size 1 to 10 and are rounded at 1e-15 (1e-6 in float32): six orders of room, one in float32.
NEAR_TIE = {"float64": 1e-9, "float32": 1e-5}


@dataclass(frozen=True)
class Tolerance:
    limit: float
    measure: Literal["largest entry", "norm"] = "largest entry"


def tolerance(dtype: str, quantity: str, optimizer: str) -> Tolerance:
    """quantity: loss, gradient, parameter, or an optimizer's slot."""
    if dtype == "float64":
        adaptive = quantity == "parameter" and optimizer == "adam"
        return Tolerance(FLOAT64_ADAPTIVE_PARAMETER if adaptive else FLOAT64)
    if quantity == "loss":
        return Tolerance(FLOAT32_LOSS)
    if quantity == "parameter":
        return Tolerance(FLOAT32_PARAMETER_NORM, "norm")
    return Tolerance(FLOAT32_GRADIENT)


def deviation(
    reference: np.ndarray, found: np.ndarray, measure: str = "largest entry", floor: float = 0.0
) -> float:
    """How far `found` is from `reference`; 0/0 is equal, not-a-number is infinitely far.

    `floor` is a scale below which nothing is asked to agree relative to itself: a tensor whose
    largest entry is smaller is held to the floor instead.
    """
    reference, found = np.asarray(reference, np.float64), np.asarray(found, np.float64)
    if reference.shape != found.shape or not np.isfinite(found).all():
        return float("inf")
    difference = found - reference
    if measure == "norm":
        size, scale = float(np.linalg.norm(difference)), float(np.linalg.norm(reference))
    else:
        size = float(np.abs(difference).max(initial=0.0))
        scale = float(np.abs(reference).max(initial=0.0))
    scale = max(scale, floor)
    if size == 0.0:
        return 0.0
    return size / scale if scale > 0 and np.isfinite(scale) else float("inf")
