"""Update rules in JAX, from the papers' formulas, one tensor at a time.

Each takes the parameter, its gradient, its slots, the number of this step counted from 1, the
learning rate and the constants, and returns the new parameter and the new slots. Step and learning
rate are float64 scalars, so that nothing is compiled anew when they change, and are cast to the
parameter's dtype after the corrections: 1 - 0.999 alone loses four digits in float32.
SLOTS names what each rule remembers.
"""

import jax.numpy as jnp
from jax import Array

SLOTS: dict[str, tuple[str, ...]] = {
    "sgd": (),
    "momentum": ("velocity",),
    "deck_momentum": ("velocity",),
    "adagrad": ("accumulator",),
    "adam": ("first_moment", "second_moment"),
    "deck_adam": ("first_moment", "second_moment"),
}


def sgd(
    parameter: Array, gradient: Array, slots: dict[str, Array], step: Array, learning_rate: Array
) -> tuple[Array, dict[str, Array]]:
    """p <- p - lr g."""
    return parameter - learning_rate.astype(parameter.dtype) * gradient, slots


def momentum(
    parameter: Array,
    gradient: Array,
    slots: dict[str, Array],
    step: Array,
    learning_rate: Array,
    momentum: float,
) -> tuple[Array, dict[str, Array]]:
    """v <- mu v + g, p <- p - lr v (Polyak, 1964; the learning rate stays outside the velocity)."""
    velocity = momentum * slots["velocity"] + gradient
    updated = parameter - learning_rate.astype(parameter.dtype) * velocity
    return updated, {"velocity": velocity}


def deck_momentum(
    parameter: Array,
    gradient: Array,
    slots: dict[str, Array],
    step: Array,
    learning_rate: Array,
    momentum: float,
) -> tuple[Array, dict[str, Array]]:
    """v <- mu v + lr g, p <- p - v: as the deck prints it. v holds the rate of every past step."""
    rate = learning_rate.astype(parameter.dtype)
    velocity = momentum * slots["velocity"] + rate * gradient
    return parameter - velocity, {"velocity": velocity}


def adagrad(
    parameter: Array,
    gradient: Array,
    slots: dict[str, Array],
    step: Array,
    learning_rate: Array,
    epsilon: float,
) -> tuple[Array, dict[str, Array]]:
    """G <- G + g^2, p <- p - lr g / (sqrt(G) + eps).

    Duchi, Hazan and Singer (2011), "Adaptive subgradient methods for online learning and stochastic
    optimization". G starts from 0; optax starts from 0.1 and puts eps inside the root.
    """
    accumulator = slots["accumulator"] + gradient * gradient
    rate = learning_rate.astype(parameter.dtype)
    updated = parameter - rate * gradient / (jnp.sqrt(accumulator) + epsilon)
    return updated, {"accumulator": accumulator}


def adam(
    parameter: Array,
    gradient: Array,
    slots: dict[str, Array],
    step: Array,
    learning_rate: Array,
    beta1: float,
    beta2: float,
    epsilon: float,
) -> tuple[Array, dict[str, Array]]:
    """Algorithm 1 of Kingma and Ba (2015), "Adam: a method for stochastic optimization".

    m <- b1 m + (1 - b1) g             v <- b2 v + (1 - b2) g^2
    p <- p - lr (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + eps)
    """
    first, second, slots = _moments(gradient, slots, step, beta1, beta2)
    rate = learning_rate.astype(parameter.dtype)
    return parameter - rate * first / (jnp.sqrt(second) + epsilon), slots


def deck_adam(
    parameter: Array,
    gradient: Array,
    slots: dict[str, Array],
    step: Array,
    learning_rate: Array,
    beta1: float,
    beta2: float,
    epsilon: float,
) -> tuple[Array, dict[str, Array]]:
    """Adam as the deck prints it, with epsilon inside the root.

    p <- p - lr (m / (1 - b1^t)) / sqrt(v / (1 - b2^t) + eps), m and v as in adam
    """
    first, second, slots = _moments(gradient, slots, step, beta1, beta2)
    rate = learning_rate.astype(parameter.dtype)
    return parameter - rate * first / jnp.sqrt(second + epsilon), slots


def clip_by_global_norm(gradients: dict[str, Array], limit: float) -> dict[str, Array]:
    """g <- g min(1, limit / ||g||), the norm over all tensors together.

    Pascanu, Mikolov and Bengio (2013), "On the difficulty of training recurrent neural networks".
    Divided by max(||g||, limit), which is never 0.
    """
    norm = jnp.sqrt(sum(jnp.sum(g * g) for g in gradients.values()))
    scale = limit / jnp.maximum(norm, limit)
    return {name: g * scale for name, g in gradients.items()}


def _moments(
    gradient: Array, slots: dict[str, Array], step: Array, beta1: float, beta2: float
) -> tuple[Array, Array, dict[str, Array]]:
    """Adam's moments, corrected for their start at 0, and the slots that hold them uncorrected."""
    first = beta1 * slots["first_moment"] + (1 - beta1) * gradient
    second = beta2 * slots["second_moment"] + (1 - beta2) * gradient * gradient
    return (
        first / (1 - jnp.power(beta1, step)).astype(gradient.dtype),
        second / (1 - jnp.power(beta2, step)).astype(gradient.dtype),
        {"first_moment": first, "second_moment": second},
    )
