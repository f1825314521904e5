"""Update rules in TensorFlow, from the papers' formulas, one tensor at a time.

Each takes the parameter, its gradient, its slots (variables, which it assigns), the number of this
step counted from 1, the learning rate and the constants, and assigns the parameter. Step and
learning rate are float64 scalars, so that no function is traced anew when they change, and are
cast to the parameter's dtype after the corrections: 1 - 0.999 alone loses four digits in float32.
SLOTS names what each rule remembers.
"""

import tensorflow as tf

from implementations.exchange import exchangeable

SLOTS: dict[str, tuple[str, ...]] = {
    "sgd": (),
    "momentum": ("velocity",),
    "deck_momentum": ("velocity",),
    "adagrad": ("accumulator",),
    "adam": ("first_moment", "second_moment"),
    "deck_adam": ("first_moment", "second_moment"),
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


@exchangeable
def momentum(
    parameter: tf.Variable,
    gradient: tf.Tensor,
    slots: dict[str, tf.Variable],
    step: tf.Tensor,
    learning_rate: tf.Tensor,
    momentum: float,
) -> None:
    """v <- mu v + g, p <- p - lr v (Polyak, 1964; the learning rate stays outside the velocity,
    into which Keras folds it).
    """
    velocity = slots["velocity"].assign(momentum * slots["velocity"] + gradient)
    parameter.assign_sub(tf.cast(learning_rate, parameter.dtype) * velocity)


def deck_momentum(
    parameter: tf.Variable,
    gradient: tf.Tensor,
    slots: dict[str, tf.Variable],
    step: tf.Tensor,
    learning_rate: tf.Tensor,
    momentum: float,
) -> None:
    """v <- mu v + lr g, p <- p - v: as the deck prints it. v holds the rate of every past step."""
    rate = tf.cast(learning_rate, parameter.dtype)
    velocity = slots["velocity"].assign(momentum * slots["velocity"] + rate * gradient)
    parameter.assign_sub(velocity)


@exchangeable
def adagrad(
    parameter: tf.Variable,
    gradient: tf.Tensor,
    slots: dict[str, tf.Variable],
    step: tf.Tensor,
    learning_rate: tf.Tensor,
    epsilon: float,
) -> None:
    """G <- G + g^2, p <- p - lr g / (sqrt(G) + eps).

    Duchi, Hazan and Singer (2011), "Adaptive subgradient methods for online learning and stochastic
    optimization". G starts from 0; Keras starts from 0.1 and puts eps inside the root.
    """
    accumulator = slots["accumulator"].assign_add(gradient * gradient)
    rate = tf.cast(learning_rate, parameter.dtype)
    parameter.assign_sub(rate * gradient / (tf.sqrt(accumulator) + epsilon))


@exchangeable
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
    first, second = _moments(gradient, slots, step, beta1, beta2)
    rate = tf.cast(learning_rate, parameter.dtype)
    parameter.assign_sub(rate * first / (tf.sqrt(second) + epsilon))


def deck_adam(
    parameter: tf.Variable,
    gradient: tf.Tensor,
    slots: dict[str, tf.Variable],
    step: tf.Tensor,
    learning_rate: tf.Tensor,
    beta1: float,
    beta2: float,
    epsilon: float,
) -> None:
    """Adam as the deck prints it, with epsilon inside the root.

    p <- p - lr (m / (1 - b1^t)) / sqrt(v / (1 - b2^t) + eps), m and v as in adam
    """
    first, second = _moments(gradient, slots, step, beta1, beta2)
    rate = tf.cast(learning_rate, parameter.dtype)
    parameter.assign_sub(rate * first / tf.sqrt(second + epsilon))


def clip_by_global_norm(gradients: dict[str, tf.Tensor], limit: float) -> dict[str, tf.Tensor]:
    """g <- g min(1, limit / ||g||), the norm over all tensors together.

    Pascanu, Mikolov and Bengio (2013), "On the difficulty of training recurrent neural networks".
    Divided by max(||g||, limit), which is never 0.
    """
    norm = tf.sqrt(tf.add_n([tf.reduce_sum(g * g) for g in gradients.values()]))
    scale = limit / tf.maximum(norm, limit)
    return {name: g * scale for name, g in gradients.items()}


def _moments(
    gradient: tf.Tensor, slots: dict[str, tf.Variable], step: tf.Tensor, beta1: float, beta2: float
) -> tuple[tf.Tensor, tf.Tensor]:
    """Move Adam's moments; both, corrected for their start at 0."""
    first = slots["first_moment"].assign(beta1 * slots["first_moment"] + (1 - beta1) * gradient)
    second = slots["second_moment"].assign(
        beta2 * slots["second_moment"] + (1 - beta2) * gradient * gradient
    )
    start1, start2 = (1 - tf.pow(tf.constant(b, tf.float64), step) for b in (beta1, beta2))
    return first / tf.cast(start1, gradient.dtype), second / tf.cast(start2, gradient.dtype)
