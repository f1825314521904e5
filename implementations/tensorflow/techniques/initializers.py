"""Initial weights by Keras's own initializers, asked for untruncated normals.

    constant_small, constant_large    Var = 0.01^2, 1                 RandomNormal, RandomUniform
    xavier                            Var = 1 / fan_in                VarianceScaling(1, fan_in)
    glorot_printed                    Var = 1 / (fan_in + fan_out)    VarianceScaling(1/2, fan_avg)
    glorot                            Var = 2 / (fan_in + fan_out)    VarianceScaling(1, fan_avg)
    he                                Var = 2 / fan_in                VarianceScaling(2, fan_in)

_normal is N(0, Var); _uniform is U(-a, a) with a = sqrt(3 Var). Glorot and Bengio (2010),
"Understanding the difficulty of training deep feedforward neural networks"; He, Zhang, Ren and Sun
(2015), "Delving deep into rectifiers". HeNormal and its like cut their tails:
VarianceScaling draws the whole normal when asked.
"""

import math

import keras
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
DISTRIBUTIONS = {"normal": "untruncated_normal", "uniform": "uniform"}
NAMES = tuple(f"{rule}_{kind}" for rule in (*CONSTANTS, *SCALES) for kind in DISTRIBUTIONS)
RANKS = {"dense": 2, "convolution": 4, "recurrent": 3}


def draw(name: str, shape: tuple[int, ...], layout: str, seed: int) -> np.ndarray:
    """A weight in canonical layout: dense (in, out), convolution (height, width, in, out),
    recurrent (in, gates, out), of which each gate is a layer of its own.

    Raises UserError for an unknown name or layout, a shape of another layout, and a fan of zero.
    """
    ranges.choice("initializer", name, NAMES)
    ranges.choice("layout of a weight", layout, RANKS)
    if len(shape) != RANKS[layout] or min(shape) < 1:
        raise UserError(
            f"a weight of layout {layout} has {RANKS[layout]} axes of at least 1 each, got {shape}"
        )
    # A generator and not a number: an initializer with a seed draws the same at every call.
    initializer = _initializer(name, keras.random.SeedGenerator(seed))
    if layout == "recurrent":  # one gate at a time: Keras would count all gates into the fans
        gates = [_drawn(initializer, (shape[0], shape[2])) for _ in range(shape[1])]
        return np.stack(gates, axis=1)
    return _drawn(initializer, shape)


def _initializer(name: str, draws: keras.random.SeedGenerator) -> keras.initializers.Initializer:
    rule, _, kind = name.rpartition("_")
    if rule in SCALES:
        scale, mode = SCALES[rule]
        return keras.initializers.VarianceScaling(scale, mode, DISTRIBUTIONS[kind], draws)
    deviation = CONSTANTS[rule]
    if kind == "normal":
        return keras.initializers.RandomNormal(0.0, deviation, draws)
    bound = math.sqrt(3) * deviation
    return keras.initializers.RandomUniform(-bound, bound, draws)


def _drawn(initializer: keras.initializers.Initializer, shape: tuple[int, ...]) -> np.ndarray:
    return np.array(initializer(shape, dtype="float64"))
