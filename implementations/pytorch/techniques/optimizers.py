"""Update rules in PyTorch, from the papers' formulas, one tensor at a time.

Each takes the parameter, its gradient, its slots (which it changes in place), the number of this
step counted from 1, the learning rate and the constants, and changes the parameter in place.
SLOTS names what each rule remembers.
"""

import torch
from torch import Tensor

from implementations.exchange import exchangeable

SLOTS: dict[str, tuple[str, ...]] = {
    "sgd": (),
    "momentum": ("velocity",),
    "deck_momentum": ("velocity",),
    "adagrad": ("accumulator",),
    "adam": ("first_moment", "second_moment"),
    "deck_adam": ("first_moment", "second_moment"),
}


@torch.no_grad()
def sgd(
    parameter: Tensor, gradient: Tensor, slots: dict[str, Tensor], step: int, learning_rate: float
) -> None:
    """p <- p - lr g."""
    parameter.sub_(learning_rate * gradient)


@torch.no_grad()
def momentum(
    parameter: Tensor,
    gradient: Tensor,
    slots: dict[str, Tensor],
    step: int,
    learning_rate: float,
    momentum: float,
) -> None:
    """v <- mu v + g, p <- p - lr v (Polyak, 1964; the learning rate stays outside the velocity)."""
    velocity = slots["velocity"].mul_(momentum).add_(gradient)
    parameter.sub_(learning_rate * velocity)


@torch.no_grad()
def deck_momentum(
    parameter: Tensor,
    gradient: Tensor,
    slots: dict[str, Tensor],
    step: int,
    learning_rate: float,
    momentum: float,
) -> None:
    """v <- mu v + lr g, p <- p - v: as the deck prints it. v holds the rate of every past step."""
    parameter.sub_(slots["velocity"].mul_(momentum).add_(learning_rate * gradient))


@torch.no_grad()
def adagrad(
    parameter: Tensor,
    gradient: Tensor,
    slots: dict[str, Tensor],
    step: int,
    learning_rate: float,
    epsilon: float,
) -> None:
    """G <- G + g^2, p <- p - lr g / (sqrt(G) + eps).

    Duchi, Hazan and Singer (2011), "Adaptive subgradient methods for online learning and stochastic
    optimization". G starts from 0.
    """
    total = slots["accumulator"].addcmul_(gradient, gradient)
    parameter.sub_(learning_rate * gradient / (total.sqrt() + epsilon))


@torch.no_grad()
def adam(
    parameter: Tensor,
    gradient: Tensor,
    slots: dict[str, Tensor],
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
    first, second = _moments(gradient, slots, step, beta1, beta2)
    parameter.sub_(learning_rate * first / (second.sqrt() + epsilon))


@torch.no_grad()
def deck_adam(
    parameter: Tensor,
    gradient: Tensor,
    slots: dict[str, Tensor],
    step: int,
    learning_rate: float,
    beta1: float,
    beta2: float,
    epsilon: float,
) -> None:
    """Adam as the deck prints it, with epsilon inside the root.

    p <- p - lr (m / (1 - b1^t)) / sqrt(v / (1 - b2^t) + eps), m and v as in adam
    """
    first, second = _moments(gradient, slots, step, beta1, beta2)
    parameter.sub_(learning_rate * first / (second + epsilon).sqrt())


@exchangeable
def clip_by_global_norm(gradients: dict[str, Tensor], limit: float) -> dict[str, Tensor]:
    """g <- g min(1, limit / ||g||), the norm over all tensors together.

    Pascanu, Mikolov and Bengio (2013), "On the difficulty of training recurrent neural networks".
    Divided by max(||g||, limit), which is never 0.
    """
    norm = torch.stack([(g * g).sum() for g in gradients.values()]).sum().sqrt()
    scale = limit / torch.clamp(norm, min=limit)
    return {name: g * scale for name, g in gradients.items()}


def _moments(
    gradient: Tensor, slots: dict[str, Tensor], step: int, beta1: float, beta2: float
) -> tuple[Tensor, Tensor]:
    """Move Adam's moments; both, corrected for their start at 0."""
    first = slots["first_moment"].mul_(beta1).add_(gradient, alpha=1 - beta1)
    second = slots["second_moment"].mul_(beta2).addcmul_(gradient, gradient, value=1 - beta2)
    return first / (1 - beta1**step), second / (1 - beta2**step)
