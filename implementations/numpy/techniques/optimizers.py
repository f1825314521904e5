"""Update rules in NumPy, from the papers' formulas, one tensor at a time.

Each takes the parameter, its gradient, its slots, the number of this step counted from 1, the
learning rate and the constants, and changes the parameter and the slots in place. They go through
the tensors in blocks that stay in the cache: Adam alone reads and writes a dozen arrays.
SLOTS names what each rule remembers.
"""

from collections.abc import Iterator

import numpy as np

from implementations.exchange import exchangeable

SLOTS: dict[str, tuple[str, ...]] = {
    "sgd": (),
    "momentum": ("velocity",),
    "deck_momentum": ("velocity",),
    "adagrad": ("accumulator",),
    "adam": ("first_moment", "second_moment"),
    "deck_adam": ("first_moment", "second_moment"),
}
BLOCK = 16_384  # entries: five arrays of float64 fit a second-level cache


def sgd(
    parameter: np.ndarray,
    gradient: np.ndarray,
    slots: dict[str, np.ndarray],
    step: int,
    learning_rate: float,
) -> None:
    """p <- p - lr g."""
    for p, g in _blocks(parameter, gradient):
        p -= learning_rate * g


def momentum(
    parameter: np.ndarray,
    gradient: np.ndarray,
    slots: dict[str, np.ndarray],
    step: int,
    learning_rate: float,
    momentum: float,
) -> None:
    """v <- mu v + g, p <- p - lr v (Polyak, 1964; the learning rate stays outside the velocity)."""
    for p, g, v in _blocks(parameter, gradient, slots["velocity"]):
        v *= momentum
        v += g
        p -= learning_rate * v


def deck_momentum(
    parameter: np.ndarray,
    gradient: np.ndarray,
    slots: dict[str, np.ndarray],
    step: int,
    learning_rate: float,
    momentum: float,
) -> None:
    """v <- mu v + lr g, p <- p - v: as the deck prints it. v holds the rate of every past step."""
    for p, g, v in _blocks(parameter, gradient, slots["velocity"]):
        v *= momentum
        v += learning_rate * g
        p -= v


def adagrad(
    parameter: np.ndarray,
    gradient: np.ndarray,
    slots: dict[str, np.ndarray],
    step: int,
    learning_rate: float,
    epsilon: float,
) -> None:
    """G <- G + g^2, p <- p - lr g / (sqrt(G) + eps).

    Duchi, Hazan and Singer (2011), "Adaptive subgradient methods for online learning and stochastic
    optimization". G starts from 0.
    """
    for p, g, total in _blocks(parameter, gradient, slots["accumulator"]):
        total += g * g
        size = np.sqrt(total)
        size += epsilon
        p -= learning_rate * g / size


@exchangeable
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
    """Algorithm 1 of Kingma and Ba (2015), "Adam: a method for stochastic optimization".

    m <- b1 m + (1 - b1) g             v <- b2 v + (1 - b2) g^2
    p <- p - lr (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + eps)
    """
    moments = (slots["first_moment"], slots["second_moment"])
    for p, g, m, v in _blocks(parameter, gradient, *moments):
        first, second = _moments(g, m, v, step, beta1, beta2)
        np.sqrt(second, out=second)
        second += epsilon
        p -= learning_rate * first / second


def deck_adam(
    parameter: np.ndarray,
    gradient: np.ndarray,
    slots: dict[str, np.ndarray],
    step: int,
    learning_rate: float,
    beta1: float,
    beta2: float,
    epsilon: float,
) -> None:
    """Adam as the deck prints it, with epsilon inside the root.

    p <- p - lr (m / (1 - b1^t)) / sqrt(v / (1 - b2^t) + eps), m and v as in adam
    """
    moments = (slots["first_moment"], slots["second_moment"])
    for p, g, m, v in _blocks(parameter, gradient, *moments):
        first, second = _moments(g, m, v, step, beta1, beta2)
        second += epsilon
        np.sqrt(second, out=second)
        p -= learning_rate * first / second


def clip_by_global_norm(gradients: dict[str, np.ndarray], limit: float) -> dict[str, np.ndarray]:
    """g <- g min(1, limit / ||g||), the norm over all tensors together.

    Pascanu, Mikolov and Bengio (2013), "On the difficulty of training recurrent neural networks".
    Divided by max(||g||, limit), which is never 0.
    """
    norm = np.sqrt(sum((g * g).sum() for g in gradients.values()))
    scale = limit / np.maximum(norm, limit)
    return {name: g * scale for name, g in gradients.items()}


def _moments(
    gradient: np.ndarray, m: np.ndarray, v: np.ndarray, step: int, beta1: float, beta2: float
) -> tuple[np.ndarray, np.ndarray]:
    """Move Adam's moments of one block; both, corrected for their start at 0."""
    m *= beta1
    m += (1 - beta1) * gradient
    v *= beta2
    v += (1 - beta2) * (gradient * gradient)
    return m / (1 - beta1**step), v / (1 - beta2**step)


def _blocks(*arrays: np.ndarray) -> Iterator[tuple[np.ndarray, ...]]:
    """Matching flat pieces of contiguous arrays."""
    flat = [array.reshape(-1) for array in arrays]
    for start in range(0, flat[0].size, BLOCK):
        yield tuple(array[start : start + BLOCK] for array in flat)
