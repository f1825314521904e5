"""Initial weights by JAX's own initializers, asked for untruncated normals.

    constant_small, constant_large    Var = 0.01^2, 1                 normal, uniform
    xavier                            Var = 1 / fan_in                variance_scaling(1, fan_in)
    glorot_printed                    Var = 1 / (fan_in + fan_out)    variance_scaling(1/2, fan_avg)
    glorot                            Var = 2 / (fan_in + fan_out)    variance_scaling(1, fan_avg)
    he                                Var = 2 / fan_in                variance_scaling(2, fan_in)

_normal is N(0, Var); _uniform is U(-a, a) with a = sqrt(3 Var). Glorot and Bengio (2010),
"Understanding the difficulty of training deep feedforward neural networks"; He, Zhang, Ren and Sun
(2015), "Delving deep into rectifiers". he_normal and its like cut their tails:
variance_scaling draws the whole normal when asked.
"""

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from bench import ranges
from bench.errors import UserError

CONSTANTS = {"constant_small": 0.01, "constant_large": 1.0}  # standard deviations
# Var = scale / fan, where fan_avg = (fan_in + fan_out) / 2.
SCALES = {
    "xavier": (1.0, "fan_in"),
    "glorot_printed": (0.5, "fan_avg"),
    "glorot": (1.0, "fan_avg"),
    "he": (2.0, "fan_in"),
}
DISTRIBUTIONS = ("normal", "uniform")
NAMES = tuple(f"{rule}_{kind}" for rule in (*CONSTANTS, *SCALES) for kind in DISTRIBUTIONS)
# Axes of inputs, of outputs, and those along which every layer is one of its own: gates.
AXES = {"dense": (0, 1, ()), "convolution": (2, 3, ()), "recurrent": (0, 2, (1,))}
RANKS = {"dense": 2, "convolution": 4, "recurrent": 3}


def draw(name: str, shape: tuple[int, ...], layout: str, seed: int) -> np.ndarray:
    """A weight in canonical layout: dense (in, out), convolution (height, width, in, out),
    recurrent (in, gates, out), of which each gate is a layer of its own.

    Raises UserError for an unknown name or layout, a shape of another layout, and a fan of zero.
    """
    ranges.choice("initializer", name, NAMES)
    ranges.choice("layout of a weight", layout, AXES)
    if len(shape) != RANKS[layout] or min(shape) < 1:
        raise UserError(
            f"a weight of layout {layout} has {RANKS[layout]} axes of at least 1 each, got {shape}"
        )
    rule, _, kind = name.rpartition("_")
    key = jax.random.key(seed)
    if rule not in CONSTANTS:
        scale, mode = SCALES[rule]
        words: Any = (mode, kind)  # typed as literals there
        rules = jax.nn.initializers.variance_scaling
        initializer = rules(scale, *words, *AXES[layout], dtype=jnp.float64)
        return np.array(initializer(key, shape))
    deviation = CONSTANTS[rule]
    if kind == "normal":
        return np.array(jax.nn.initializers.normal(deviation, jnp.float64)(key, shape))
    bound = math.sqrt(3) * deviation
    # jax.nn.initializers.uniform draws from [0, scale).
    return np.array(jax.nn.initializers.uniform(2 * bound, jnp.float64)(key, shape)) - bound
