"""Weight decay, clipping and accumulation: what happens to a gradient before it is a step."""

from collections.abc import Callable
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
from implementations.atlas._tensors import functions, value
from implementations.atlas.row import Answer, row

MU, DECAY = 0.875, 0.125
BETAS = (np.float64(0.9), np.float64(0.999))  # Keras reads Python numbers through float32
PAIR = (np.array([3.0, 4.0]), np.array([0.0, 12.0]))  # norms 5 and 12, together 13


def coupled() -> np.ndarray:
    """g <- g + w p, v <- mu v + g, p <- p - lr v."""
    point, velocity = START.copy(), np.zeros(2)
    for gradient in GRADIENTS:
        velocity = MU * velocity + gradient + DECAY * point
        point = point - RATE * velocity
    return point


def adamw(start: np.ndarray = START, decay: float = DECAY) -> np.ndarray:
    """Algorithm 2 of Loshchilov and Hutter (2019), the decay multiplied by the rate; no epsilon."""
    point, first, second = start.copy(), np.zeros(2), np.zeros(2)
    for step, gradient in enumerate(GRADIENTS, start=1):
        first = 0.9 * first + 0.1 * gradient
        second = 0.999 * second + 0.001 * gradient**2
        corrected = first / (1 - 0.9**step) / np.sqrt(second / (1 - 0.999**step))
        point = point - RATE * decay * point - RATE * corrected
    return point


def adamw_maker(framework: str) -> Callable[..., Any]:
    """AdamW without epsilon, whose place is another matter (O1)."""
    m = library(framework)
    if framework == "pytorch":
        return partial(m.AdamW, lr=RATE, weight_decay=DECAY, eps=0)
    if framework == "tensorflow":
        return partial(m.AdamW, RATE, DECAY, *BETAS, epsilon=0.0)
    return partial(m.adamw, RATE, eps=0, weight_decay=DECAY)


@row(
    "O10",
    "momentum with a weight decay of 0.125 after five steps",
    pinned={"pytorch": 0.312515, "tensorflow": 0.420657, "jax": None},
    reference=coupled,
)
def momentum_decay(framework: str) -> Answer:
    """weight_decay is added to the gradient in PyTorch and passes through the momentum; in Keras it
    shrinks the weights beside it."""
    m = library(framework)
    if framework == "pytorch":
        make = partial(m.SGD, lr=RATE, momentum=MU, weight_decay=DECAY)
        ended = descend(framework, make)
        return Answer(float(ended[0]), "torch.optim.SGD(weight_decay=w)", ended)
    if framework == "tensorflow":
        ended = descend(framework, partial(m.SGD, RATE, MU, weight_decay=DECAY))

        import keras

        class Coupled(keras.optimizers.SGD):
            def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
                super().update_step(gradient + DECAY * variable, variable, learning_rate)

        recipe = "L2(w / 2) in the loss; or an update_step that adds w * variable to the gradient"
        return Answer(float(ended[0]), recipe, descend(framework, partial(Coupled, RATE, MU)))
    recipe = "optax.chain(add_decayed_weights(w), sgd(rate, momentum)): the order couples"
    chained = partial(m.chain, m.add_decayed_weights(DECAY), m.sgd(RATE, MU))
    return Answer(None, recipe, descend(framework, chained))


@row(
    "O24",
    "how far Adam's first step reaches on a weight of 1 without gradient, decay 0.125",
    pinned={"pytorch": 0.125, "tensorflow": 0.015625, "jax": None},
    reference=adamw,
)
def adam_decay(framework: str) -> Answer:
    """The penalty passes through Adam's normalization in PyTorch: every weight decays at full
    rate."""
    m = library(framework)
    if framework == "pytorch":
        length = first_step(framework, partial(m.Adam, lr=RATE, weight_decay=DECAY), 0.0)
        recipe = "torch.optim.AdamW(weight_decay=w)"
    elif framework == "tensorflow":
        length = first_step(framework, partial(m.Adam, RATE, weight_decay=DECAY), 0.0)
        recipe = "Adam(weight_decay=w) is AdamW"
    else:
        length, recipe = None, "optax.adamw(rate, weight_decay=w)"
    return Answer(length, recipe, descend(framework, adamw_maker(framework)))


@row(
    "O11",
    "how far AdamW shrinks a weight of 1 at rate 0.125 and decay 0.125",
    pinned={"pytorch": 0.015625, "tensorflow": 0.015625, "jax": 0.015625},
    reference=adamw,
)
def decay_times_rate(framework: str) -> Answer:
    """All multiply by the learning rate, which the paper does not: a schedule scales the decay."""
    m = library(framework)
    if framework == "pytorch":
        make = partial(m.AdamW, lr=RATE, weight_decay=DECAY)
    elif framework == "tensorflow":
        make = partial(m.AdamW, RATE, DECAY)
    else:
        make = partial(m.adamw, RATE, weight_decay=DECAY)
    recipe = "weight_decay=w; the paper's is w / rate here"
    length = first_step(framework, make, 0.0)
    return Answer(length, recipe, descend(framework, adamw_maker(framework)))


@row(
    "O25",
    "the weight decay of AdamW that nobody set",
    pinned={"pytorch": 0.01, "tensorflow": 0.004, "jax": 0.0001},
    reference=adamw,
)
def default_decay(framework: str) -> Answer:
    """A hundredfold between PyTorch and optax."""
    m = library(framework)
    if framework == "pytorch":
        make, recipe = partial(m.AdamW, lr=1.0), "weight_decay=w"
    elif framework == "tensorflow":
        make, recipe = partial(m.AdamW, 1.0), "weight_decay=w"
    else:
        make, recipe = partial(m.adamw, 1.0), "weight_decay=w"
    length = first_step(framework, make, 0.0)
    return Answer(length, recipe, descend(framework, adamw_maker(framework)))


def decayed(framework: str, exempt: bool) -> np.ndarray:
    """A kernel and a bias of 1 after a step of AdamW without gradient; the bias may be exempt."""
    m = library(framework)
    if framework == "pytorch":
        import torch

        kernel, bias = (torch.nn.Parameter(torch.ones(1, dtype=torch.float64)) for _ in "kb")
        groups = [
            {"params": [kernel]},
            {"params": [bias], **({"weight_decay": 0.0} if exempt else {})},
        ]
        optimizer = m.AdamW(groups, lr=RATE, weight_decay=DECAY)
        kernel.grad, bias.grad = (torch.zeros_like(p) for p in (kernel, bias))
        optimizer.step()
        return np.array([kernel.item(), bias.item()])
    if framework == "tensorflow":
        import keras
        import tensorflow as tf

        pair = [
            keras.Variable(np.ones(1), dtype="float64", name=name) for name in ("kernel", "bias")
        ]
        optimizer = m.AdamW(RATE, DECAY)
        if exempt:
            optimizer.exclude_from_weight_decay(var_names=["bias"])
        optimizer.build(pair)
        optimizer.apply([tf.zeros(1, tf.float64)] * 2, pair)
        return np.array([float(np.asarray(variable)[0]) for variable in pair])
    parameters = {"kernel": np.ones(1), "bias": np.ones(1)}
    mask = {"kernel": True, "bias": False} if exempt else None
    optimizer = m.adamw(RATE, weight_decay=DECAY, mask=mask)
    nothing = {name: np.zeros(1) for name in parameters}
    change: Any = optimizer.update(nothing, optimizer.init(parameters), parameters)[0]
    return np.array([1 + float(change[name][0]) for name in parameters])


@row(
    "O12",
    "a bias of 1 after a step of AdamW without gradient, rate 0.125, decay 0.125",
    pinned=dict.fromkeys(("pytorch", "tensorflow", "jax"), 0.984375),
    reference=lambda: np.array([1 - RATE * DECAY, 1.0]),
)
def exempted(framework: str) -> Answer:
    """All decay biases and the scales of normalization too, which published recipes leave out."""
    recipe = {
        "pytorch": "a group of parameters of their own with weight_decay=0",
        "tensorflow": 'optimizer.exclude_from_weight_decay(var_names=["bias"]) before build',
        "jax": "adamw(..., mask=tree of booleans)",
    }[framework]
    return Answer(
        float(decayed(framework, exempt=False)[1]), recipe, decayed(framework, exempt=True)
    )


def clipped(framework: str, limit: float, each: bool = False) -> np.ndarray:
    """The first of PAIR after the library's clipping by norm: the optimizer's own in Keras."""
    if framework == "pytorch":
        import torch

        parameters = [torch.nn.Parameter(torch.zeros(2, dtype=torch.float64)) for _ in PAIR]
        for parameter, gradient in zip(parameters, PAIR, strict=True):
            parameter.grad = torch.tensor(gradient)
        torch.nn.utils.clip_grad_norm_(parameters, limit)
        return np.asarray(parameters[0].grad)
    if framework == "tensorflow":
        import keras
        import tensorflow as tf

        variables = [keras.Variable(np.zeros(2), dtype="float64") for _ in PAIR]
        word = "clipnorm" if each else "global_clipnorm"
        named: dict[str, Any] = {word: limit}
        optimizer = keras.optimizers.SGD(1.0, **named)
        optimizer.build(variables)
        optimizer.apply([tf.constant(gradient) for gradient in PAIR], variables)
        return -np.asarray(variables[0])
    import optax

    clip, pair = optax.clip_by_global_norm(limit), {"first": PAIR[0], "second": PAIR[1]}
    scaled: Any = clip.update(pair, clip.init(pair))[0]
    return np.asarray(scaled["first"])


def globally(framework: str) -> np.ndarray:
    """g <- g min(1, 1 / ||g||) over the framework's tensors, the norm over both."""
    m = functions(framework)

    def clip(first: Any, second: Any) -> Any:
        norm = m.sqrt(m.sum(first * first) + m.sum(second * second))
        return first * m.where(norm > 1, 1 / norm, m.ones_like(norm))

    return value(framework, clip, *PAIR)


@row(
    "O15",
    "what a norm of 13 clipped to 1 lacks, in units of 1e-8",
    pinned={"pytorch": 7.69, "tensorflow": 0.0, "jax": 0.0},
    decimals=2,
    reference=lambda: PAIR[0] / 13,
)
def clipping(framework: str) -> Answer:
    """PyTorch divides by norm + 1e-6: float64 runs that clip part at the seventh digit."""
    lack = (1 - clipped(framework, 1.0) / (PAIR[0] / 13)).max() / 1e-8
    recipe = "g * limit / norm where norm > limit, norm over all tensors, written out"
    return Answer(float(lack), recipe, globally(framework))


@row(
    "O26",
    "norm of a gradient of norm 5, beside one of 12, clipped to 6.5 by the optimizer's option",
    pinned={"pytorch": 2.5, "tensorflow": 5.0, "jax": 2.5},
    reference=lambda: PAIR[0] / 13,
)
def clipped_each(framework: str) -> Answer:
    """Keras's clipnorm clips each tensor by itself, which turns the direction of the step."""
    norm = float(np.linalg.norm(clipped(framework, 6.5, each=True)))
    recipe = "global_clipnorm in Keras" if framework == "tensorflow" else "global as it is"
    return Answer(norm, f"{recipe}; exact as in O15", globally(framework))


@row(
    "O28",
    "the step at rate 1 after gradients of 1 and 3 were accumulated",
    pinned={"pytorch": 4.0, "tensorflow": 2.0, "jax": 2.0},
    reference=lambda: 1 - RATE * np.array([2.0]),
)
def accumulation(framework: str) -> Answer:
    """backward() twice is a sum; Keras and optax take the mean: the rate differs by the count."""
    m, twice = library(framework), np.array([[1.0], [3.0]])
    one, mean = np.ones(1), np.array([[2.0]])
    if framework == "pytorch":
        import torch

        weight = torch.nn.Parameter(torch.ones(1, dtype=torch.float64))
        for gradient in twice:
            (weight * torch.tensor(gradient)).sum().backward()
        step = float(np.asarray(weight.grad)[0])
        aligned = descend(framework, partial(m.SGD, lr=RATE), mean, one)
        return Answer(step, "divide each loss by the number of parts", aligned)
    if framework == "tensorflow":
        unit = partial(m.SGD, 1.0, gradient_accumulation_steps=2)
        make = partial(m.SGD, RATE, gradient_accumulation_steps=2)
        recipe = "SGD(rate, gradient_accumulation_steps=n)"
    else:
        unit, make = (partial(m.MultiSteps, m.sgd(rate), 2) for rate in (1.0, RATE))
        recipe = "optax.MultiSteps(optimizer, n)"
    step = 1 - float(descend(framework, unit, twice, one)[0])
    return Answer(step, recipe, descend(framework, make, twice, one))
