"""Optimizers: where epsilon stands, what momentum remembers, which constants come unasked."""

from functools import partial
from typing import Any

import numpy as np

from implementations.atlas._descent import GRADIENTS, RATE, START, descend, first_step, library
from implementations.atlas.row import Answer, row

# Keras reads the powers of a Python number through float32; a float64 of NumPy stays what it is.
BETAS = (np.float64(0.9), np.float64(0.999))


def adam(epsilon: float) -> np.ndarray:
    """Algorithm 1 of Kingma and Ba (2015)."""
    point, first, second = START.copy(), np.zeros(2), np.zeros(2)
    for step, gradient in enumerate(GRADIENTS, start=1):
        first = 0.9 * first + 0.1 * gradient
        second = 0.999 * second + 0.001 * gradient**2
        root = np.sqrt(second / (1 - 0.999**step))
        point = point - RATE * first / (1 - 0.9**step) / (root + epsilon)
    return point


def adagrad(inside: float) -> np.ndarray:
    point, total = START.copy(), np.zeros(2)
    for gradient in GRADIENTS:
        total = total + gradient**2
        point = point - RATE * gradient / np.sqrt(total + inside)
    return point


def rmsprop(outside: float) -> np.ndarray:
    point, second = START.copy(), np.zeros(2)
    for gradient in GRADIENTS:
        second = 0.9 * second + 0.1 * gradient**2
        point = point - RATE * gradient / (np.sqrt(second) + outside)
    return point


@row(
    "O1",
    "Adam after five steps with an epsilon of 0.01",
    pinned={"pytorch": 0.652973, "tensorflow": 0.752611, "jax": 0.652973},
    reference=lambda: adam(1e-2),
)
def adam_epsilon(framework: str) -> Answer:
    """Keras adds epsilon before the correction of the second moment: 30 times larger at step 1."""
    m = library(framework)
    if framework == "pytorch":
        make = partial(m.Adam, lr=RATE, eps=1e-2)
        ended = aligned = descend(framework, make)
        recipe = "torch.optim.Adam"
    elif framework == "tensorflow":
        ended = descend(framework, partial(m.Adam, RATE, epsilon=1e-2))

        def correct(step: int, optimizer: Any) -> None:
            optimizer.epsilon = 1e-2 * np.sqrt(1 - 0.999 ** (step + 1))

        aligned = descend(framework, partial(m.Adam, RATE, *BETAS), before=correct)
        recipe = "beta_2=np.float64(0.999), optimizer.epsilon = eps * sqrt(1 - beta_2**t) at step t"
    else:
        ended = aligned = descend(framework, partial(m.adam, RATE, eps=1e-2))
        recipe = "optax.adam"
    return Answer(float(ended[0]), recipe, aligned)


@row(
    "O2",
    "Adam's epsilon, in units of 1e-8",
    pinned={"pytorch": 1.0, "tensorflow": 10.0, "jax": 1.0},
    decimals=3,
    reference=lambda: adam(1e-8),
)
def adam_epsilon_default(framework: str) -> Answer:
    """With its place (O1), Keras's acts like 3e-6 at first: small gradients stand still."""
    m, tiny = library(framework), 1e-8
    # One step at rate 1 is g / (g + eps), in Keras's form g / (g + eps / sqrt(1 - beta2)).
    if framework == "pytorch":
        step, form = first_step(framework, partial(m.Adam, lr=1.0), tiny), 1.0
        make, recipe = partial(m.Adam, lr=RATE, eps=1e-8), "eps=1e-8"
    elif framework == "tensorflow":
        step, form = first_step(framework, partial(m.Adam, 1.0), tiny), np.sqrt(1 - 0.999)
        make, recipe = partial(m.Adam, RATE, *BETAS), "as in O1 with eps = 1e-8"
    else:
        step, form = first_step(framework, partial(m.adam, 1.0), tiny), 1.0
        make, recipe = partial(m.adam, RATE, eps=1e-8), "eps=1e-8"

    def correct(count: int, optimizer: Any) -> None:
        if framework == "tensorflow":
            optimizer.epsilon = 1e-8 * np.sqrt(1 - 0.999 ** (count + 1))

    epsilon = (tiny / step - tiny) * form / 1e-8
    return Answer(float(epsilon), recipe, descend(framework, make, before=correct))


@row(
    "O3",
    "Adagrad after five steps, accumulator from 0, epsilon of 0.01",
    pinned={"pytorch": 0.782389, "tensorflow": 0.782187, "jax": 0.782187},
    reference=lambda: adagrad(1e-2),
)
def adagrad_epsilon(framework: str) -> Answer:
    """Inside the root 0.01 acts as 0.1 does outside: steps of small gradients are far shorter."""
    m = library(framework)
    if framework == "pytorch":
        ended = descend(framework, partial(m.Adagrad, lr=RATE, eps=1e-2))
        folded = partial(m.Adagrad, lr=RATE, eps=0, initial_accumulator_value=1e-2)
    elif framework == "tensorflow":
        ended = descend(framework, partial(m.Adagrad, RATE, 0.0, epsilon=1e-2))
        folded = partial(m.Adagrad, RATE, np.float64(1e-2), epsilon=0.0)
    else:
        ended = descend(framework, partial(m.adagrad, RATE, 0.0, 1e-2))
        folded = partial(m.adagrad, RATE, 1e-2, 0.0)
    recipe = "epsilon 0, and what stood inside the root added to the initial accumulator"
    return Answer(float(ended[0]), recipe, descend(framework, folded))


@row(
    "O4",
    "Adagrad's accumulator before the first step",
    pinned={"pytorch": 0.0, "tensorflow": 0.1, "jax": 0.1},
    reference=lambda: adagrad(1e-1),
)
def adagrad_accumulator(framework: str) -> Answer:
    """From 0 the first step has the length of the learning rate, however small the gradient."""
    m = library(framework)
    if framework == "pytorch":
        plain = partial(m.Adagrad, lr=1.0)
        named = partial(m.Adagrad, lr=RATE, eps=0, initial_accumulator_value=0.1)
        recipe = "initial_accumulator_value=a, eps=0"
    elif framework == "tensorflow":
        plain, named = (
            partial(m.Adagrad, 1.0),
            partial(m.Adagrad, RATE, np.float64(0.1), epsilon=0.0),
        )
        recipe = "initial_accumulator_value=np.float64(a), epsilon=0"
    else:
        plain, named = partial(m.adagrad, 1.0), partial(m.adagrad, RATE, 0.1, 0.0)
        recipe = "initial_accumulator_value=a, eps=0"
    accumulator = (0.5 / first_step(framework, plain, 0.5)) ** 2 - 0.25
    return Answer(accumulator, recipe, descend(framework, named))


@row(
    "O5",
    "RMSprop after five steps with decay 0.9 and an epsilon of 0.01",
    pinned={"pytorch": 0.320335, "tensorflow": 0.365344, "jax": 0.365344},
    reference=lambda: rmsprop(1e-2),
)
def rmsprop_epsilon(framework: str) -> Answer:
    """Outside the root in PyTorch, inside in Keras, either in optax, inside by default."""
    m = library(framework)
    if framework == "pytorch":
        ended = aligned = descend(framework, partial(m.RMSprop, lr=RATE, alpha=0.9, eps=1e-2))
        recipe = "torch.optim.RMSprop"
    elif framework == "tensorflow":
        import keras
        import tensorflow as tf

        class Outside(keras.optimizers.RMSprop):
            def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
                second = self._velocities[self._get_variable_index(variable)]
                self.assign(second, self.rho * second + (1 - self.rho) * gradient**2)
                rate = tf.cast(learning_rate, variable.dtype)
                self.assign_sub(variable, rate * gradient / (tf.sqrt(second) + self.epsilon))

        ended = descend(framework, partial(m.RMSprop, RATE, 0.9, epsilon=1e-2))
        aligned = descend(framework, partial(Outside, RATE, 0.9, epsilon=1e-2))
        recipe = "a subclass whose update_step divides by sqrt(v) + epsilon"
    else:
        ended = descend(framework, partial(m.rmsprop, RATE, 0.9, 1e-2))
        aligned = descend(framework, partial(m.rmsprop, RATE, 0.9, 1e-2, eps_in_sqrt=False))
        recipe = "optax.rmsprop(rate, eps_in_sqrt=False)"
    return Answer(float(ended[0]), recipe, aligned)


@row(
    "O6",
    "RMSprop's decay",
    pinned={"pytorch": 0.99, "tensorflow": 0.9, "jax": 0.9},
    reference=lambda: rmsprop(0.0),
)
def rmsprop_decay(framework: str) -> Answer:
    """A memory of a hundred steps or of ten, and a first step of 10 or 3 learning rates."""
    m = library(framework)
    if framework == "pytorch":
        plain, recipe = partial(m.RMSprop, lr=RATE), "alpha=0.9"
        named = partial(m.RMSprop, lr=RATE, alpha=0.9, eps=0)
    elif framework == "tensorflow":
        plain, recipe = partial(m.RMSprop, RATE), "rho=0.9"
        named = partial(m.RMSprop, RATE, 0.9, epsilon=0.0)
    else:
        plain, named = partial(m.rmsprop, RATE), partial(m.rmsprop, RATE, 0.9, 0.0)
        recipe = "decay=0.9"
    decay = 1 - (RATE / first_step(framework, plain, 1e3)) ** 2
    return Answer(decay, recipe, descend(framework, named))
