"""Central differences, to hold the reference's hand-derived gradients against, in float64.

(E(x + h) - E(x - h)) / 2h is off by h^2 E'''/6 and by rounding, 1e-16 E / h: at h = 1e-5 both are
about 1e-10, three orders below the tolerance. Inputs stay clear of kinks by more than h.
"""

from collections.abc import Callable

import numpy as np

from bench import weights
from bench.contract import TRAINING, Config, Mode, State, Update
from bench.optimizers import sgd
from bench.randomness import stream
from bench.spec import Spec
from implementations.numpy import adapter

STEP = 1e-5
TOLERANCE = 1e-7  # of the largest entry of the gradient
ENTRIES = 40  # differences a tensor: an error of a formula is in all of them


def differences(
    energy: Callable[[np.ndarray], float], x: np.ndarray, entries: int = ENTRIES
) -> tuple[np.ndarray, np.ndarray]:
    """Flat positions, and the central differences of `energy` there."""
    chosen = stream(0, "entries").permutation(x.size)[:entries]
    slopes = []
    for position in chosen:
        shifted = [x.copy(), x.copy()]
        for copy, sign in zip(shifted, (1, -1), strict=True):
            copy.reshape(-1)[position] += sign * STEP
        slopes.append((energy(shifted[0]) - energy(shifted[1])) / (2 * STEP))
    return chosen, np.array(slopes)


def agrees(gradient: np.ndarray, energy: Callable[[np.ndarray], float], x: np.ndarray) -> bool:
    chosen, slopes = differences(energy, x)
    off = np.abs(gradient.reshape(-1)[chosen] - slopes).max()
    return bool(off <= TOLERANCE * np.abs(gradient).max())


def ask(
    spec: Spec,
    wrt: tuple[str, ...],
    objective: str,
    batch: dict[str, np.ndarray],
    state: State,
    mode: Mode = TRAINING,
):
    """Gradients, and a function that evaluates the objective with one array replaced."""
    update = Update(objective, wrt, sgd(), mode)
    system = adapter.build(spec, {"ask": update}, Config(dtype="float64"))
    system.load(state)
    gradients = system.differentiate("ask", system.stage(batch)).gradients

    def energy(name: str) -> Callable[[np.ndarray], float]:
        def evaluate(array: np.ndarray) -> float:
            arrays = dict(batch)
            parameters = dict(state.parameters)
            if name.startswith("input:"):
                arrays[name.removeprefix("input:")] = array
            else:
                parameters[name] = array
            system.load(State(parameters, state.buffers))
            return sum(system.differentiate("ask", system.stage(arrays)).terms.values())

        return evaluate

    return gradients, energy


def random_state(spec: Spec) -> State:
    """Weights and biases, none of them zero."""
    draws = stream(1, "biases")
    parameters = weights.initial(spec, 1).parameters
    return State({n: a + 0.1 * draws.normal(size=a.shape) for n, a in parameters.items()})


def everything(
    spec: Spec, objective: str, batch: dict[str, np.ndarray], mode: Mode = TRAINING
) -> None:
    """All gradients of a small spec, its input's too. The running statistics are not 0 and 1."""
    draws = stream(6, "buffers")
    buffers = {name: draws.uniform(0.5, 2, b.shape) for name, b in spec.buffers.items()}
    state = State(random_state(spec).parameters, buffers)
    gradients, energy = ask(spec, ("", "input:x"), objective, batch, state, mode)
    arrays = {**state.parameters, "input:x": batch["x"]}
    assert gradients.keys() == arrays.keys()
    for name, gradient in gradients.items():
        assert np.abs(gradient).max() > 1e-3, name
        assert agrees(gradient, energy(name), arrays[name]), name
