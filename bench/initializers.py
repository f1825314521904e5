"""How large initial weights are: variances by name, fans, and draws.

The deck prints Var = 1/n_in (Xavier), Var = 1/(n_in + n_out) for Glorot and Bengio, who published
2/(n_in + n_out), and Var = 2/n_in (He). Beside them two constants that know nothing of n: one too
small, one too large for the widths that are used here (64 to 1024).

    normal     N(0, Var), untruncated
    uniform    U(-a, a) with a = sqrt(3 Var), which has the same variance

Glorot and Bengio (2010), "Understanding the difficulty of training deep feedforward neural
networks", equation 12; He, Zhang, Ren and Sun (2015), "Delving deep into rectifiers", equation 10.
"""

import math
from collections.abc import Callable
from typing import Literal

import numpy as np

from bench import ranges
from bench.errors import UserError

Layout = Literal["convolution", "dense", "recurrent", "vector"]

VARIANCES: dict[str, Callable[[int, int], float]] = {
    "constant_small": lambda fan_in, fan_out: 0.01**2,
    "constant_large": lambda fan_in, fan_out: 1.0,
    "xavier": lambda fan_in, fan_out: 1 / fan_in,
    "glorot_printed": lambda fan_in, fan_out: 1 / (fan_in + fan_out),
    "glorot": lambda fan_in, fan_out: 2 / (fan_in + fan_out),
    "he": lambda fan_in, fan_out: 2 / fan_in,
}
DISTRIBUTIONS = ("normal", "uniform")
NAMES = tuple(f"{rule}_{kind}" for rule in VARIANCES for kind in DISTRIBUTIONS)


def fans(shape: tuple[int, ...], layout: Layout) -> tuple[int, int]:
    """Inputs that reach one unit, and units that one input reaches.

    dense        (in, out)                       in, out
    convolution  (height, width, in, out)        height width in, height width out
    recurrent    (in, gates, out)                in, out: every gate is a layer of its own

    Raises UserError for a fan of zero, or a shape that the layout does not have.
    """
    rank = {"dense": 2, "convolution": 4, "recurrent": 3}.get(layout)
    if rank is None or len(shape) != rank:
        raise UserError(f"a weight of layout {layout} and shape {shape} has no fans")
    if layout == "recurrent":
        fan_in, fan_out = shape[0], shape[2]
    else:
        field = math.prod(shape[:-2])
        fan_in, fan_out = field * shape[-2], field * shape[-1]
    if fan_in < 1 or fan_out < 1:
        raise UserError(f"fan in and fan out must be at least 1, got {fan_in} and {fan_out}")
    return fan_in, fan_out


def variance(name: str, shape: tuple[int, ...], layout: Layout) -> float:
    """Of a weight by an initializer of NAMES. Raises UserError for another name."""
    rule = ranges.choice("initializer", name, NAMES).rpartition("_")[0]
    return VARIANCES[rule](*fans(shape, layout))


def draw(
    name: str, shape: tuple[int, ...], layout: Layout, draws: np.random.Generator
) -> np.ndarray:
    """A weight in float64. Raises UserError for an unknown name or a fan of zero."""
    deviation = math.sqrt(variance(name, shape, layout))
    if name.endswith("_normal"):
        return deviation * draws.standard_normal(shape)
    return deviation * math.sqrt(3) * draws.uniform(-1, 1, shape)
