"""Learning-rate schedules: which step is the first of the new rate, and where a curve ends."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from implementations.atlas._descent import descend
from implementations.atlas.row import Answer, row

RATE = np.float64(0.1)  # of NumPy: Keras computes its schedules in the dtype of what it is given
STEPS = np.arange(16)


def rates(framework: str, make: Callable[..., Any], steps: int = len(STEPS)) -> np.ndarray:
    """The rate of each step. PyTorch's schedule is made of an optimizer, and stepped each time."""
    if framework != "pytorch":
        schedule = make()
        return np.array([float(np.asarray(schedule(step))) for step in range(steps)])
    import torch

    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], lr=float(RATE))
    scheduler, seen = make(optimizer), []
    for _ in range(steps):
        seen.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return np.array(seen)


def library(framework: str) -> Any:
    """The module of the schedules."""
    if framework == "pytorch":
        import torch

        return torch.optim.lr_scheduler
    if framework == "tensorflow":
        import keras

        return keras.optimizers.schedules
    import optax

    return optax


@row(
    "O17",
    "the first step at the new rate, counted from 0, of a boundary at 2",
    pinned={"pytorch": 2, "tensorflow": 3, "jax": 2},
    decimals=0,
    reference=lambda: np.where(STEPS < 2, 0.1, 0.05),
)
def boundary(framework: str) -> Answer:
    """Keras uses the old rate once more, at the boundary itself."""
    m = library(framework)
    if framework == "pytorch":
        make = aligned = partial(m.MultiStepLR, milestones=[2], gamma=0.5)
        recipe = "MultiStepLR(optimizer, [boundary])"
    elif framework == "tensorflow":
        make = partial(m.PiecewiseConstantDecay, [2], [RATE, RATE / 2])
        aligned = partial(m.PiecewiseConstantDecay, [1], [RATE, RATE / 2])
        recipe = "PiecewiseConstantDecay([boundary - 1], np.float64 values)"
    else:
        make = aligned = partial(m.piecewise_constant_schedule, RATE, {2: 0.5})
        recipe = "optax.piecewise_constant_schedule(rate, {boundary: factor})"
    first = int(np.argmax(rates(framework, make) < 0.09))
    return Answer(first, recipe, rates(framework, aligned))


@row(
    "O18",
    "rate of the fifth step of a schedule that halves, if only the optimizer is stepped",
    pinned={"pytorch": 0.125, "tensorflow": 0.007812, "jax": 0.007812},
    reference=lambda: 0.1 * 0.5**STEPS,
)
def unit(framework: str) -> Answer:
    """The user steps PyTorch's schedule, once an epoch by habit; the others count every update."""
    m, ones = library(framework), np.ones((5, 1))
    make: Callable[..., Any]
    if framework == "pytorch":
        import torch

        def attached(parameters: list[Any]) -> Any:
            optimizer = torch.optim.SGD(parameters, lr=0.125)
            m.ExponentialLR(optimizer, gamma=0.5)
            return optimizer

        make = attached
        aligned, recipe = partial(m.ExponentialLR, gamma=0.5), "scheduler.step() after every update"
    elif framework == "tensorflow":
        import keras

        make = partial(keras.optimizers.SGD, m.ExponentialDecay(0.125, 1, 0.5))
        aligned = partial(m.ExponentialDecay, RATE, 1, 0.5)
        recipe = "boundaries in updates: epochs * steps an epoch"
    else:
        make = partial(m.sgd, m.exponential_decay(0.125, 1, 0.5))
        aligned = partial(m.exponential_decay, RATE, 1, 0.5)
        recipe = "boundaries in updates: epochs * steps an epoch"
    four, five = (descend(framework, make, ones[:n], np.ones(1))[0] for n in (4, 5))
    return Answer(float(four - five), recipe, rates(framework, aligned))


@row(
    "O19",
    "rate at step 5 of an exponential decay by a half, from 0.1, ten steps each",
    pinned={"pytorch": 0.003125, "tensorflow": 0.070711, "jax": 0.070711},
    reference=lambda: 0.1 * 0.5 ** (STEPS / 10),
)
def exponential(framework: str) -> Answer:
    """gamma is the factor of one call, decay_rate that of decay_steps, and smooth between them."""
    m = library(framework)
    if framework == "pytorch":
        make, recipe = (
            partial(m.ExponentialLR, gamma=0.5),
            "gamma = decay_rate ** (1 / decay_steps)",
        )
        aligned = partial(m.ExponentialLR, gamma=0.5**0.1)
    elif framework == "tensorflow":
        make = aligned = partial(m.ExponentialDecay, RATE, 10, 0.5)
        recipe = "np.float64 rate; staircase=True is PyTorch's StepLR"
    else:
        make = aligned = partial(m.exponential_decay, RATE, 10, 0.5)
        recipe = "as it is; staircase=True is PyTorch's StepLR"
    return Answer(float(rates(framework, make)[5]), recipe, rates(framework, aligned))


def cosine() -> np.ndarray:
    return 0.01 + 0.09 * (1 + np.cos(np.pi * np.minimum(STEPS / 10, 1))) / 2


def cosine_rates(framework: str) -> tuple[str, np.ndarray]:
    """Recipe and rates of a cosine from 0.1 to 0.01 in ten steps that stays there."""
    m = library(framework)
    if framework == "pytorch":

        def factor(step: int) -> float:
            return float(0.1 + 0.9 * (1 + np.cos(np.pi * min(step / 10, 1))) / 2)

        recipe = "LambdaLR with 0.5 * (1 + cos(pi * min(step / n, 1)))"
        return recipe, rates(framework, partial(m.LambdaLR, lr_lambda=factor))
    if framework == "tensorflow":
        recipe = "CosineDecay(np.float64(rate), n, alpha=end / rate)"
        return recipe, rates(framework, partial(m.CosineDecay, RATE, 10, np.float64(0.1)))
    recipe = "optax.cosine_decay_schedule(rate, n, alpha=end / rate)"
    return recipe, rates(framework, partial(m.cosine_decay_schedule, RATE, 10, 0.1))


@row(
    "O21",
    "where a cosine from 0.1 ends whose last argument is 0.01",
    pinned={"pytorch": 0.01, "tensorflow": 0.001, "jax": 0.001},
    reference=cosine,
)
def cosine_end(framework: str) -> Answer:
    """eta_min is a rate, alpha a fraction of the first rate."""
    m = library(framework)
    if framework == "pytorch":
        make = partial(m.CosineAnnealingLR, T_max=10, eta_min=0.01)
    elif framework == "tensorflow":
        make = partial(m.CosineDecay, RATE, 10, 0.01)
    else:
        make = partial(m.cosine_decay_schedule, RATE, 10, 0.01)
    return Answer(float(rates(framework, make)[10]), *cosine_rates(framework))


@row(
    "O30",
    "rate of a cosine over ten steps at step 15",
    pinned={"pytorch": 0.05, "tensorflow": 0.0, "jax": 0.0},
    reference=cosine,
)
def cosine_after(framework: str) -> Answer:
    """PyTorch's comes back up: an epoch too many undoes the annealing."""
    m = library(framework)
    if framework == "pytorch":
        make = partial(m.CosineAnnealingLR, T_max=10)
    elif framework == "tensorflow":
        make = partial(m.CosineDecay, RATE, 10)
    else:
        make = partial(m.cosine_decay_schedule, RATE, 10)
    return Answer(float(rates(framework, make)[15]), *cosine_rates(framework))


@row(
    "O31",
    "where a linear decay from 0.1 ends if no end is named",
    pinned={"pytorch": 0.0, "tensorflow": 0.0001, "jax": None},
    reference=lambda: 0.1 * (1 - np.minimum(STEPS / 10, 1)),
)
def linear_end(framework: str) -> Answer:
    """Keras goes on training at 1e-4 for ever."""
    m = library(framework)
    if framework == "pytorch":
        make = aligned = partial(m.PolynomialLR, total_iters=10)
        recipe = "PolynomialLR(optimizer, n)"
    elif framework == "tensorflow":
        make = partial(m.PolynomialDecay, RATE, 10)
        aligned = partial(m.PolynomialDecay, RATE, 10, 0.0)
        recipe = "PolynomialDecay(np.float64(rate), n, end_learning_rate=0)"
    else:
        recipe = "optax.linear_schedule(rate, 0, n)"
        return Answer(None, recipe, rates(framework, partial(m.linear_schedule, RATE, 0.0, 10)))
    return Answer(float(rates(framework, make)[15]), recipe, rates(framework, aligned))
