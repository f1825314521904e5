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
    "adam": ("first_moment", "second_moment"),
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
    dtype = parameter.dtype
    first = beta1 * slots["first_moment"] + (1 - beta1) * gradient
    second = beta2 * slots["second_moment"] + (1 - beta2) * gradient * gradient
    corrected_first = first / (1 - jnp.power(beta1, step)).astype(dtype)
    corrected_second = second / (1 - jnp.power(beta2, step)).astype(dtype)
    rate = learning_rate.astype(dtype)
    updated = parameter - rate * corrected_first / (jnp.sqrt(corrected_second) + epsilon)
    return updated, {"first_moment": first, "second_moment": second}


def clip_by_global_norm(gradients: dict[str, Array], limit: float) -> dict[str, Array]:
    """g <- g min(1, limit / ||g||), the norm over all tensors together (Pascanu et al., 2013)."""
    norm = jnp.sqrt(sum(jnp.sum(g * g) for g in gradients.values()))
    scale = jnp.minimum(limit / norm, 1.0)
    return {name: g * scale for name, g in gradients.items()}
