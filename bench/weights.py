"""Initial weights, drawn once in NumPy and handed to every framework."""

import math

import numpy as np

from bench.contract import State
from bench.randomness import stream
from bench.spec import Spec


def initial(spec: Spec, seed: int) -> State:
    """Draw the parameters of a spec in float64; every name has a stream of its own.

    he_normal: N(0, 2 / fan_in), untruncated (He et al., 2015, equation 10). Frameworks
    cast to their dtype on load, so that float32 runs start from the same rounded numbers.
    """
    parameters: dict[str, np.ndarray] = {}
    for name, parameter in spec.parameters.items():
        if parameter.initializer == "zeros":
            parameters[name] = np.zeros(parameter.shape)
        else:
            deviation = math.sqrt(2.0 / parameter.fan_in)
            draws = stream(seed, f"weights/{name}").standard_normal(parameter.shape)
            parameters[name] = deviation * draws
    return State(parameters=parameters)
