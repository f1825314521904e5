"""Two ways of NumPy's through one convolution: what each answers, and how far they are apart."""

from collections.abc import Callable
from typing import Any

import numpy as np

from bench.randomness import stream
from implementations.numpy.tape import Node, Tape

Shape = tuple[int, ...]
Wanted = tuple[bool, bool, bool]  # of x, weight, bias
Answers = list[Any]  # arrays, and None for a gradient that nobody wants

WANTED: list[Wanted] = [
    (True, True, True),
    (False, True, True),
    (True, False, True),
    (True, False, False),
]


def answers(
    way: Callable[[Node, Node, Node], Node],
    image: Shape,
    kernel: Shape,
    wanted: Wanted = WANTED[0],
    dtype: str = "float64",
) -> Answers:
    """The value, and the gradients of what is wanted of x, weight, bias."""
    draws = stream(0, "convolution")
    arrays = [draws.normal(size=s).astype(dtype) for s in (image, kernel, kernel[3:])]
    tape = Tape()
    x, weight, bias = (Node(a, tape, want) for a, want in zip(arrays, wanted, strict=True))
    y = way(x, weight, bias)
    tape.backward([y.dot(draws.normal(size=y.value.shape).astype(dtype))])
    return [y.value.copy(), *(node.gradient for node in (x, weight, bias))]


def largest_error(found: Answers, expected: Answers) -> float:
    """Relative to the largest entry of each."""
    errors: list[float] = []
    for one, two in zip(found, expected, strict=True):
        assert (one is None) == (two is None)
        if two is not None:
            errors.append(np.abs(one - two).max() / np.abs(two).max())
    return max(errors)
