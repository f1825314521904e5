"""What a row of the atlas is.

A row is one function with the decorator @row, in one of the files beside this one. It is called
with the name of a framework, in a process that has this framework alone, imports that framework
inside, and answers with what the installed library does by default (measured, not quoted), with the
same computation once more by the recipe that aligns the frameworks, and with the recipe's words.
JAX has its 64-bit numbers switched on when it is asked (bench/atlas.py).

The row is red for a framework when its default is no longer the one that is pinned in the decorator
(a new release changed it), or when the recipe's result is further from the NumPy reference than
rounding. A row without a reference has nothing to align: it only pins.
"""

import importlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import numpy as np

# What a row may import, the framework first: JAX leaves layers and optimizers to others.
MODULES = {
    "pytorch": ("torch",),
    "tensorflow": ("tensorflow", "keras"),
    "jax": ("jax", "flax", "optax"),
}
FRAMEWORKS = tuple(MODULES)
FLOAT64 = 1e-12  # rounding of float64 in sums of some dozen terms, relative to the largest entry
FLOAT32 = 1e-5  # of what a library computes in float32 whatever it is given

# None: the library has nothing of the kind.
Default = float | str | bool | None | Sequence[float] | np.ndarray


@dataclass(frozen=True)
class Answer:
    """default: what the library does when nobody says anything. aligned: by the recipe."""

    default: Default
    recipe: str
    aligned: np.ndarray | float | None = None


Question = Callable[[str], Answer]


@dataclass(frozen=True)
class Row:
    """`pinned`: the default of each framework at the versions in constraints.txt.

    `decimals`: to how many a measured default is pinned. `reference`: what the aligned computation
    must give, from NumPy; None for a row that only pins.
    """

    key: str  # B1, C2, ...: short and stable, so that pages and notes can link to it
    title: str
    topic: str  # the file's name
    why: str  # the function's docstring: what goes wrong for someone who does not know
    ask: Question
    pinned: Mapping[str, Default]
    decimals: int
    reference: Callable[[], np.ndarray | float] | None
    tolerance: float


def row(
    key: str,
    title: str,
    pinned: Mapping[str, Default],
    reference: Callable[[], np.ndarray | float] | None = None,
    decimals: int = 6,
    tolerance: float = FLOAT64,
) -> Callable[[Question], Row]:
    """Make a row of a function. Raises ValueError where a framework is not pinned."""
    if set(pinned) != set(FRAMEWORKS):
        raise ValueError(f"row {key} must pin {', '.join(FRAMEWORKS)}, it pins {list(pinned)}")

    def make(ask: Question) -> Row:
        topic = ask.__module__.rpartition(".")[2]
        why = " ".join((ask.__doc__ or "").split())
        return Row(key, title, topic, why, ask, dict(pinned), decimals, reference, tolerance)

    return make


def rows() -> list[Row]:
    """Every row, in the order of the files' names and of the functions in them."""
    names = sorted(path.stem for path in Path(__file__).parent.glob("[!_]*.py"))
    return collected(importlib.import_module(f"implementations.atlas.{name}") for name in names)


def collected(modules: Iterable[ModuleType]) -> list[Row]:
    """The rows of these modules. Raises ValueError for a key that two rows share."""
    found = [entry for m in modules for entry in vars(m).values() if isinstance(entry, Row)]
    keys = [entry.key for entry in found]
    if len(set(keys)) != len(keys):
        raise ValueError(f"keys stand twice: {sorted(k for k in set(keys) if keys.count(k) > 1)}")
    return found
