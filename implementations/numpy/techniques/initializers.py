"""Initial weights in NumPy, drawn from the formulas.

    constant_small, constant_large    Var = 0.01^2, 1: whatever the fans
    xavier                            Var = 1 / fan_in
    glorot_printed                    Var = 1 / (fan_in + fan_out), as the deck prints it
    glorot                            Var = 2 / (fan_in + fan_out)
    he                                Var = 2 / fan_in

_normal is N(0, Var), untruncated; _uniform is U(-a, a) with a = sqrt(3 Var). Glorot and Bengio
(2010), "Understanding the difficulty of training deep feedforward neural networks"; He, Zhang, Ren
and Sun (2015), "Delving deep into rectifiers".
"""

import math
from collections.abc import Callable

import numpy as np

from bench import ranges
from bench.errors import UserError

VARIANCES: dict[str, Callable[[int, int], float]] = {
    "constant_small": lambda fan_in, fan_out: 0.01**2,
    "constant_large": lambda fan_in, fan_out: 1.0,
    "xavier": lambda fan_in, fan_out: 1 / fan_in,
    "glorot_printed": lambda fan_in, fan_out: 1 / (fan_in + fan_out),
    "glorot": lambda fan_in, fan_out: 2 / (fan_in + fan_out),
    "he": lambda fan_in, fan_out: 2 / fan_in,
}
NAMES = tuple(f"{rule}_{kind}" for rule in VARIANCES for kind in ("normal", "uniform"))
RANKS = {"dense": 2, "convolution": 4, "recurrent": 3}


def draw(name: str, shape: tuple[int, ...], layout: str, seed: int) -> np.ndarray:
    """A weight in canonical layout: dense (in, out), convolution (height, width, in, out),
    recurrent (in, gates, out), of which each gate is a layer of its own.

    Raises UserError for an unknown name or layout, a shape of another layout, and a fan of zero.
    """
    rule, _, kind = ranges.choice("initializer", name, NAMES).rpartition("_")
    deviation = math.sqrt(VARIANCES[rule](*_fans(shape, layout)))
    draws = np.random.default_rng(seed)
    if kind == "normal":
        return draws.normal(0, deviation, shape)
    limit = math.sqrt(3) * deviation
    return draws.uniform(-limit, limit, shape)


def _fans(shape: tuple[int, ...], layout: str) -> tuple[int, int]:
    """Inputs that reach one unit, and units that one input reaches."""
    ranges.choice("layout of a weight", layout, RANKS)
    if len(shape) != RANKS[layout] or min(shape) < 1:
        raise UserError(
            f"a weight of layout {layout} has {RANKS[layout]} axes of at least 1 each, got {shape}"
        )
    field = math.prod(shape[:2]) if layout == "convolution" else 1
    channels = shape[0] if layout == "recurrent" else shape[-2]
    return field * channels, field * shape[-1]
