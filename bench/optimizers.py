"""The update rules that the nets are trained by, and the constants that each of them takes.

Their equations are written out in implementations/<framework>/techniques/optimizers.py.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from bench import ranges
from bench.errors import UserError
from bench.ranges import FRACTION, NOT_NEGATIVE, Range


@dataclass(frozen=True)
class Optimizer:
    """An update rule of implementations/<framework>/techniques/optimizers.py and its constants.

    Raises UserError for a rule or a constant that is not known, or one outside of its range.
    """

    name: Literal["sgd", "momentum", "deck_momentum", "adagrad", "adam", "deck_adam"]
    constants: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        ranges.choice("optimizer", self.name, CONSTANTS)
        needed = CONSTANTS[self.name]
        if set(self.constants) != set(needed):
            raise UserError(f"{self.name} takes {list(needed)}, got {list(self.constants)}")
        for constant, allowed in needed.items():
            ranges.number(f"{constant} of {self.name}", self.constants[constant], allowed)


CONSTANTS: dict[str, dict[str, Range]] = {
    "sgd": {},
    "momentum": {"momentum": FRACTION},
    "deck_momentum": {"momentum": FRACTION},
    "adagrad": {"epsilon": NOT_NEGATIVE},
    "adam": {"beta1": FRACTION, "beta2": FRACTION, "epsilon": NOT_NEGATIVE},
    "deck_adam": {"beta1": FRACTION, "beta2": FRACTION, "epsilon": NOT_NEGATIVE},
}


def sgd() -> Optimizer:
    """p <- p - lr g."""
    return Optimizer("sgd")


def momentum(momentum: float) -> Optimizer:
    """v <- mu v + g, p <- p - lr v."""
    return Optimizer("momentum", {"momentum": momentum})


def deck_momentum(momentum: float) -> Optimizer:
    """v <- mu v + lr g, p <- p - v: the deck's form, which holds the rate of every past step."""
    return Optimizer("deck_momentum", {"momentum": momentum})


def adagrad(epsilon: float) -> Optimizer:
    """Duchi, Hazan and Singer (2011): G <- G + g^2, p <- p - lr g / (sqrt(G) + eps)."""
    return Optimizer("adagrad", {"epsilon": epsilon})


def adam(beta1: float, beta2: float, epsilon: float) -> Optimizer:
    """Algorithm 1 of Kingma and Ba (2015)."""
    return Optimizer("adam", {"beta1": beta1, "beta2": beta2, "epsilon": epsilon})


def deck_adam(beta1: float, beta2: float, epsilon: float) -> Optimizer:
    """Adam as the deck prints it, with epsilon inside the root: lr m / sqrt(v + eps)."""
    return Optimizer("deck_adam", {"beta1": beta1, "beta2": beta2, "epsilon": epsilon})
