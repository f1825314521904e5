"""Adam, as in techniques/optimizers.py."""

import math

import numpy as np

from implementations.numpy.techniques import optimizers


def adam(
    parameter: np.ndarray,
    gradient: np.ndarray,
    slots: dict[str, np.ndarray],
    step: int,
    learning_rate: float,
    beta1: float,
    beta2: float,
    epsilon: float,
) -> None:
    """With numbers corrected in place of moments: lr and epsilon times sqrt(1 - b2^t)."""
    root = math.sqrt(1 - beta2**step)
    rate, offset = learning_rate * root / (1 - beta1**step), epsilon * root
    spare = np.empty(min(parameter.size, optimizers.BLOCK), parameter.dtype)
    moments = (slots["first_moment"], slots["second_moment"])
    for p, g, m, v in optimizers._blocks(parameter, gradient, *moments):
        here = np.subtract(g, m, out=spare[: len(p)])
        here *= 1 - beta1
        m += here
        np.multiply(g, g, out=here)
        here -= v
        here *= 1 - beta2
        v += here
        np.sqrt(v, out=here)
        here += offset
        np.divide(m, here, out=here)
        here *= rate
        p -= here
