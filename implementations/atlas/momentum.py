"""Momentum and the learning rate: what is remembered, in which unit, and what comes unasked."""

from functools import partial
from typing import Any

import numpy as np

from implementations.atlas._descent import (
    GRADIENTS,
    RATE,
    START,
    descend,
    first_step,
    library,
)
from implementations.atlas.row import Answer, row

DECAY = 0.875
RATES = [RATE, RATE, RATE / 8, RATE / 8, RATE / 8]  # it falls in the middle of the run


def reference(rates: list[float], nesterov: bool = False) -> np.ndarray:
    """v <- mu v + g, p <- p - lr v; Nesterov: p <- p - lr (mu v + g)."""
    point, velocity = START.copy(), np.zeros(2)
    for rate, gradient in zip(rates, GRADIENTS, strict=True):
        velocity = DECAY * velocity + gradient
        point = point - rate * (DECAY * velocity + gradient if nesterov else velocity)
    return point


@row(
    "O7",
    "momentum whose learning rate falls to an eighth after two steps",
    pinned={"pytorch": 0.805929, "tensorflow": 0.632187, "jax": 0.805929},
    reference=lambda: reference(RATES),
)
def changing_rate(framework: str) -> Answer:
    """Keras keeps the rate inside the velocity: after a drop it runs on at the old rate."""
    m = library(framework)
    if framework == "pytorch":

        def follow(step: int, optimizer: Any) -> None:
            optimizer.param_groups[0]["lr"] = RATES[step]

        make = partial(m.SGD, lr=RATE, momentum=DECAY)
        ended = aligned = descend(framework, make, before=follow)
        return Answer(float(ended[0]), "torch.optim.SGD", aligned)
    if framework == "tensorflow":

        def set_rate(step: int, optimizer: Any) -> None:
            optimizer.learning_rate = RATES[step]

        def rescale(step: int, optimizer: Any) -> None:
            velocity = optimizer.momentums[0]
            velocity.assign(velocity * (RATES[step] / RATES[max(step - 1, 0)]))
            optimizer.learning_rate = RATES[step]

        make = partial(m.SGD, RATE, DECAY)
        ended = descend(framework, make, before=set_rate)
        recipe = "when the rate goes from a to b, multiply optimizer.momentums by b / a"
        return Answer(float(ended[0]), recipe, descend(framework, make, before=rescale))
    schedule = m.piecewise_constant_schedule(RATE, {2: 1 / 8})
    ended = descend(framework, partial(m.sgd, schedule, DECAY))
    return Answer(float(ended[0]), "optax.sgd(schedule, momentum)", ended)


@row(
    "O8",
    "length of the first step at rate 1, gradient 1, momentum 0.9 and dampening 0.5",
    pinned={"pytorch": 1.0, "tensorflow": None, "jax": None},
    reference=lambda: reference([RATE * (1 - DECAY)] * 5),
)
def dampening(framework: str) -> Answer:
    """PyTorch does not damp the first gradient: the running mean is none for many steps."""
    m = library(framework)
    if framework == "pytorch":
        damped = partial(m.SGD, lr=1.0, momentum=0.9, dampening=0.5)
        length = first_step(framework, damped, 1.0)
        make = partial(m.SGD, lr=RATE * (1 - DECAY), momentum=DECAY)
    elif framework == "tensorflow":
        length, make = None, partial(m.SGD, RATE * (1 - DECAY), DECAY)
    else:
        length, make = None, partial(m.sgd, RATE * (1 - DECAY), DECAY)
    return Answer(length, "no dampening, the rate times (1 - dampening)", descend(framework, make))


@row(
    "O9",
    "Nesterov's momentum after five steps at one rate",
    pinned={"pytorch": 0.300684, "tensorflow": 0.300684, "jax": 0.300684},
    reference=lambda: reference([RATE] * 5, nesterov=True),
)
def nesterov(framework: str) -> Answer:
    """All take Bengio's form, in which the parameter is already the one ahead."""
    m = library(framework)
    if framework == "pytorch":
        make = partial(m.SGD, lr=RATE, momentum=DECAY, nesterov=True)
    elif framework == "tensorflow":
        make = partial(m.SGD, RATE, DECAY, nesterov=True)
    else:
        make = partial(m.sgd, RATE, DECAY, nesterov=True)
    ended = descend(framework, make)
    return Answer(float(ended[0]), "nesterov=True, and O7 where the rate changes", ended)


@row(
    "O22",
    "the learning rate of SGD that nobody set",
    pinned={"pytorch": 0.001, "tensorflow": 0.01, "jax": None},
    reference=lambda: reference([RATE] * 5),
)
def default_rate(framework: str) -> Answer:
    """A tenfold difference between two notebooks that both say nothing."""
    m = library(framework)
    if framework == "pytorch":
        rate = first_step(framework, m.SGD, 1.0)
        make, recipe = partial(m.SGD, lr=RATE, momentum=DECAY), "lr=rate"
    elif framework == "tensorflow":
        rate = first_step(framework, m.SGD, 1.0)
        make, recipe = partial(m.SGD, learning_rate=RATE, momentum=DECAY), "learning_rate=rate"
    else:
        rate, recipe = _refused(m.sgd), "optax.sgd(rate)"
        make = partial(m.sgd, learning_rate=RATE, momentum=DECAY)
    return Answer(rate, recipe, descend(framework, make))


def _refused(make: Any) -> float | None:
    """None where the optimizer cannot be made without a rate."""
    try:
        return first_step("jax", make, 1.0)
    except TypeError:
        return None


@row(
    "O13",
    "the first step of an Adadelta made by default, in units of 1e-6",
    pinned={"pytorch": 3162.26, "tensorflow": 1.41, "jax": 3162.26},
    decimals=2,
    reference=lambda: _adadelta(),
)
def adadelta(framework: str) -> Answer:
    """The paper has no learning rate; Keras multiplies by 0.001, and the net stands still."""
    m = library(framework)
    if framework == "pytorch":
        make, recipe = partial(m.Adadelta, lr=1.0, rho=0.9, eps=1e-6), "lr=1, rho=0.9, eps=1e-6"
        step = first_step(framework, m.Adadelta, 1.0)
    elif framework == "tensorflow":
        make, recipe = partial(m.Adadelta, 1.0, 0.9, 1e-6), "1.0, rho=0.9, epsilon=1e-6"
        step = first_step(framework, m.Adadelta, 1.0)
    else:
        make, recipe = partial(m.adadelta, 1.0, 0.9, 1e-6), "optax.adadelta(1.0, 0.9, 1e-6)"
        step = first_step(framework, m.adadelta, 1.0)
    return Answer(abs(step) / 1e-6, recipe, descend(framework, make))


def _adadelta() -> np.ndarray:
    """Algorithm 1 of Zeiler (2012)."""
    point, seen, moved = START.copy(), np.zeros(2), np.zeros(2)
    for gradient in GRADIENTS:
        seen = 0.9 * seen + 0.1 * gradient**2
        change = np.sqrt(moved + 1e-6) / np.sqrt(seen + 1e-6) * gradient
        moved = 0.9 * moved + 0.1 * change**2
        point = point - change
    return point


@row(
    "O14",
    "Nadam after five steps at one rate",
    pinned={"pytorch": 0.723489, "tensorflow": 0.730059, "jax": 0.597289},
    reference=lambda: _nadam(),
)
def nadam(framework: str) -> Answer:
    """PyTorch warms beta1 up by 1 - 0.96**(t / 250) / 2, Keras by 1 - 0.96**t / 2, optax never."""
    m = library(framework)
    if framework == "pytorch":
        ended = descend(framework, partial(m.NAdam, lr=RATE))
    elif framework == "tensorflow":
        ended = descend(framework, partial(m.Nadam, RATE, epsilon=1e-8))
    else:
        ended = descend(framework, partial(m.nadam, RATE))
    return Answer(float(ended[0]), "write the update out, without the warm-up", _by_hand(framework))


def _nadam(rate: Any = RATE, point: Any = START, gradients: Any = GRADIENTS) -> Any:
    """Dozat (2016) with a constant beta1: Adam whose first moment looks a step ahead."""
    first, second = 0 * point, 0 * point
    for step, gradient in enumerate(gradients, start=1):
        first = 0.9 * first + 0.1 * gradient
        second = 0.999 * second + 0.001 * gradient**2
        ahead = 0.9 * first / (1 - 0.9 ** (step + 1)) + 0.1 * gradient / (1 - 0.9**step)
        point = point - rate * ahead / ((second / (1 - 0.999**step)) ** 0.5 + 1e-8)
    return point


def _by_hand(framework: str) -> np.ndarray:
    """The same lines over the framework's tensors."""
    if framework == "pytorch":
        import torch

        return _nadam(RATE, torch.tensor(START), torch.tensor(GRADIENTS)).numpy()
    if framework == "tensorflow":
        import tensorflow as tf

        return np.asarray(_nadam(RATE, tf.constant(START), tf.constant(GRADIENTS)))
    import jax

    return np.asarray(jax.jit(lambda p, g: _nadam(RATE, p, g))(START, GRADIENTS))


@row(
    "O16",
    "what is added to a learning rate of 0.1, in units of 1e-9",
    pinned={"pytorch": 0.0, "tensorflow": 1.49, "jax": 0.0},
    decimals=2,
    reference=lambda: START - 0.1 * GRADIENTS[0],
)
def rate_dtype(framework: str) -> Answer:
    """Keras keeps the rate in float32: float64 runs part from the others at the ninth digit."""
    m, gradients = library(framework), GRADIENTS[:1]
    if framework == "tensorflow":
        import keras

        excess = first_step(framework, partial(m.SGD, 0.1), 1.0) - 0.1
        floatx = keras.config.floatx()
        keras.config.set_floatx("float64")
        aligned = descend(framework, partial(m.SGD, 0.1), gradients)
        keras.config.set_floatx(floatx)
        recipe = 'keras.config.set_floatx("float64") before the optimizer is made'
        return Answer(excess / 1e-9, recipe, aligned)
    make = partial(m.SGD, lr=0.1) if framework == "pytorch" else partial(m.sgd, 0.1)
    excess = first_step(framework, make, 1.0) - 0.1
    return Answer(excess / 1e-9, "nothing to do", descend(framework, make, gradients))
