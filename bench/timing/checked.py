"""Whether what was timed computed the right thing.

A measurement of n steps begins at the initial weights, so that the NumPy reference can make the
same n steps in float64, and what both led to can be compared. With the contestant's parameters p,
the reference's r, the initial weights o, and g the gradient at o of the first batch's loss,

    deviation = sum |g| |p - r| / sum |g| |r - o|

over all parameters: a share of the way that the steps went. Adam divides a gradient by its own
size, so that one that is nothing but rounding moves its parameter as far as any other, and to a
side that rounding chose; such parameters have no weight here, as they have none in the loss. A
layer that is not moved has its full weight. Of forward passes the outputs of the last are compared,

    deviation = sum |p - r| / sum |r|

How large rounding is depends on the net and on n. So the tolerance is measured in the same run:
ALLOWED times what the reference deviates from itself where it computes in float32, and at most
FARTHEST: who moves nothing deviates by 1.
"""

import importlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from bench import systems, weights
from bench.contract import Arrays, Config, State
from bench.timing.loops import CALLS
from bench.timing.nets import NETS, UPDATE, batches
from bench.training import TRAIN

ALLOWED = 100.0
FARTHEST = 0.1


@dataclass(frozen=True)
class Check:
    deviation: float
    tolerance: float

    @property
    def correct(self) -> bool:
        """Not-a-number is not correct."""
        return self.deviation <= self.tolerance


@dataclass(frozen=True)
class Answers:
    """What the reference led to after so many steps, in float64 and in float32."""

    exact: Mapping[int, Arrays]
    rounded: Mapping[int, Arrays]
    begin: Arrays  # empty for forward passes
    gradient: Arrays

    def check(self, steps: int, found: Arrays) -> Check:
        """Raises KeyError for a number of steps that was not asked for."""
        rounding = self._deviation(steps, self.rounded[steps])
        return Check(self._deviation(steps, found), min(ALLOWED * rounding, FARTHEST))

    def _deviation(self, steps: int, found: Arrays) -> float:
        """Raises ValueError for other names than those of the reference."""
        exact = self.exact[steps]
        if found.keys() != exact.keys():
            raise ValueError(f"found {sorted(found)}, the reference has {sorted(exact)}")
        apart = way = 0.0
        for name, right in exact.items():
            weight = np.abs(self.gradient[name]) if self.gradient else 1.0
            begin = self.begin[name] if self.begin else 0.0
            apart += float((weight * np.abs(found[name] - right)).sum())
            way += float((weight * np.abs(right - begin)).sum())
        return apart / way


def answers(net: str, call: str, counts: Iterable[int]) -> Answers:
    """What is right after each of these numbers of steps."""
    adapter = importlib.import_module("implementations.numpy.adapter")
    spec = NETS[net].make()
    given = list(batches(spec, NETS[net].examples))
    begin = weights.initial(spec, 0)
    found: dict[str, dict[int, Arrays]] = {"float64": {}, "float32": {}}
    gradient: Arrays = {}
    for dtype, by_steps in found.items():
        system: Any = systems.build(adapter, spec, {TRAIN: UPDATE}, Config(dtype=dtype))  # type: ignore[arg-type]
        loop = CALLS[call](system)
        loop.stage(given)
        if call == "update" and not gradient:
            system.load(State(parameters=begin.parameters))
            gradient = system.differentiate(TRAIN, system.stage(given[0])).gradients
        made = 0
        loop.load(begin.parameters)
        for steps in sorted(set(counts)):
            loop.steps(steps - made)
            made, by_steps[steps] = steps, loop.found()
        loop.close()
    initial = begin.parameters if call == "update" else {}
    return Answers(found["float64"], found["float32"], initial, gradient)
