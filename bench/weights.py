"""Initial weights, drawn once in NumPy and handed to every framework."""

import numpy as np

from bench import initializers
from bench.contract import State
from bench.ledger import DATA, LEDGER
from bench.randomness import stream
from bench.spec import Spec


@LEDGER.counted(DATA)
def initial(spec: Spec, seed: int, initializer: str | None = None) -> State:
    """Draw the parameters of a spec in float64; every name has a stream of its own.

    `initializer` (bench/initializers.py) takes the place of the weights' own; what starts at a
    constant is left to the spec. Frameworks cast to their dtype on load, so that float32 runs start
    from the same rounded numbers.
    """
    parameters: dict[str, np.ndarray] = {}
    for name, parameter in spec.parameters.items():
        constant = {"zeros": 0.0, "ones": 1.0}.get(parameter.initializer)
        if constant is not None:
            parameters[name] = np.full(parameter.shape, constant)
        else:
            kind = initializer or parameter.initializer
            draws = stream(seed, f"weights/{name}")
            parameters[name] = initializers.draw(kind, parameter.shape, parameter.layout, draws)
    return State(parameters=parameters)
