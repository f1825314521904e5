"""Update rules in TensorFlow, from the papers' formulas, one tensor at a time.

Each takes the parameter, its gradient, its slots (variables, which it assigns), the number of this
step counted from 1, the learning rate and the constants, and assigns the parameter. Step and
learning rate are float64 scalars, so that no function is traced anew when they change, and are
cast to the parameter's dtype after the corrections: 1 - 0.999 alone loses four digits in float32.
SLOTS names what each rule remembers.
"""

import tensorflow as tf

SLOTS: dict[str, tuple[str, ...]] = {
    "sgd": (),
    "momentum": ("velocity",),
    "adam": ("first_moment", "second_moment"),
}


def sgd(
    parameter: tf.Variable,
    gradient: tf.Tensor,
    slots: dict[str, tf.Variable],
    step: tf.Tensor,
    learning_rate: tf.Tensor,
) -> None:
    """p <- p - lr g."""
    parameter.assign_sub(tf.cast(learning_rate, parameter.dtype) * gradient)


def momentum(
    parameter: tf.Variable,
    gradient: tf.Tensor,
    slots: dict[str, tf.Variable],
    step: tf.Tensor,
    learning_rate: tf.Tensor,
    momentum: float,
) -> None:
    """v <- mu v + g, p <- p - lr v (Polyak, 1964). Keras folds the learning rate into v."""
    velocity = slots["velocity"].assign(momentum * slots["velocity"] + gradient)
    parameter.assign_sub(tf.cast(learning_rate, parameter.dtype) * velocity)


def adam(
    parameter: tf.Variable,
    gradient: tf.Tensor,
    slots: dict[str, tf.Variable],
    step: tf.Tensor,
    learning_rate: tf.Tensor,
    beta1: float,
    beta2: float,
    epsilon: float,
) -> None:
    """Algorithm 1 of Kingma and Ba (2015), "Adam: a method for stochastic optimization".

    m <- b1 m + (1 - b1) g             v <- b2 v + (1 - b2) g^2
    p <- p - lr (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + eps)

    Keras computes lr sqrt(1 - b2^t) / (1 - b1^t) m / (sqrt(v) + eps), which is not this.
    """
    dtype = parameter.dtype
    first = slots["first_moment"].assign(beta1 * slots["first_moment"] + (1 - beta1) * gradient)
    second = slots["second_moment"].assign(
        beta2 * slots["second_moment"] + (1 - beta2) * gradient * gradient
    )
    corrected_first = first / tf.cast(1 - tf.pow(tf.constant(beta1, tf.float64), step), dtype)
    corrected_second = second / tf.cast(1 - tf.pow(tf.constant(beta2, tf.float64), step), dtype)
    rate = tf.cast(learning_rate, dtype)
    parameter.assign_sub(rate * corrected_first / (tf.sqrt(corrected_second) + epsilon))


def clip_by_global_norm(gradients: dict[str, tf.Tensor], limit: float) -> dict[str, tf.Tensor]:
    """g <- g min(1, limit / ||g||), the norm over all tensors together (Pascanu et al., 2013)."""
    norm = tf.sqrt(tf.add_n([tf.reduce_sum(g * g) for g in gradients.values()]))
    scale = tf.minimum(limit / norm, tf.ones_like(norm))
    return {name: g * scale for name, g in gradients.items()}
