"""Whether what was timed computed the right thing.

A measurement of n steps begins at the initial weights, so that the NumPy reference can make the
same steps in float64, and what both led to can be compared: after the first step, and after all n
where that tells something. With the contestant's parameters p, the reference's r, the initial
weights o, and g the gradient at o of the first batch's loss,

    deviation = sum |g| |p - r| / sum |g| |r - o|

over all parameters: a share of the way that the steps went. Adam divides a gradient by its own
size, so that one that is nothing but rounding moves its parameter as far as any other, and to a
side that rounding chose; such parameters have no weight here, as they have none in the loss. A
layer that is not moved has its full weight. The running statistics of batch norm are compared
likewise, each with weight 1, where the contestant tells them: a library's loop does not, since
Keras and flax keep the biased variance. Of forward passes the outputs of the last are compared,

    deviation = sum |p - r| / sum |r|

How large rounding is depends on the net, so the tolerance is measured in the same run. It is the
larger of two answers to "what do ALLOWED roundings do?", and at most FARTHEST, by which a rate that
is wrong by a hundredth is seen:

    ALLOWED times what the reference deviates from itself where it computes in float32
    response: what the way of the reference in float64 deviates from itself where every weight
    begins ALLOWED roundings off, o (1 +- ALLOWED 2^-24)

They are one in a smooth net. ReLU and the maximum of a pooling are decisions: of millions some are
so near a tie that rounding flips them, and each sends its whole gradient elsewhere. Which share of
them flips grows with the size e of rounding, and as the contributions to a gradient nearly cancel,
the gradient changes by the root of that share. A deviation by sqrt(e) is not to be multiplied:
where float32 happens to flip none in the reference, the first answer is far too small.

The first step of Adam is the gradient's sign. It turns where the gradient is small, and has little
weight there: what flipped decisions do to the deviation is of second order, and the comparison of
rate and signs sharp. Later steps are of first order in it, and each begins at weights that differ,
which flips more. In VGG the reference in float64 that begins ALLOWED roundings off is .05 of the
way off after two steps and .12 after four, and a rate wrong by a hundredth leads .08 off: no
comparison there could tell one from the other. So the n steps are compared only where the response
is at most FARTHEST; where it is larger, they have to be finite. What only a second step shows, as
the memory of Adam, is seen in nets without that growth.

But Adam forgets how large a gradient was: a layer whose gradient is ten times too large makes the
same steps, however many. Its first moment after the first step is (1 - beta1) g, so that this is
compared too, with weight 1, again where the response is at most FARTHEST (VGG's is .02) and where
the contestant tells it, which a library's loop does not.
"""

import importlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from bench import systems, weights
from bench.contract import Arrays, Config, State
from bench.randomness import stream
from bench.timing.loops import CALLS, FIRST_MOMENT
from bench.timing.nets import NETS, UPDATE, batches
from bench.training import TRAIN

ALLOWED = 100.0
FARTHEST = 0.01
ROUNDOFF = 2.0**-24  # of float32, relative


@dataclass(frozen=True)
class Check:
    """One comparison, or the worst of several; steps: the most after which one was made."""

    deviation: float
    tolerance: float
    steps: int

    @property
    def correct(self) -> bool:
        """Not-a-number is not correct."""
        return self.deviation <= self.tolerance


@dataclass(frozen=True)
class Answers:
    """What the reference led to after so many steps."""

    exact: Mapping[int, Arrays]  # in float64
    rounded: Mapping[int, Arrays]  # in float32
    moved: Mapping[int, Arrays]  # in float64, the way from ALLOWED roundings off, laid at `begin`
    begin: Arrays  # where the ways begin; empty for forward passes
    gradient: Arrays  # of the parameters; empty for forward passes

    def check(self, steps: int, found: Mapping[int, Arrays]) -> Check:
        """The first comparison that fails, else the one nearest to its tolerance; its `steps` are
        the most that were compared.

        found: after one step and after `steps`. Raises KeyError for a number of steps that was not
        asked for, and ValueError for other names than those of the reference.
        """
        made = self._compared(1, found[1])
        last = self._compared(steps, found[steps])
        if self.tells(steps):
            made += last
        elif not all(np.isfinite(array).all() for array in found[steps].values()):
            made.append(Check(np.nan, FARTHEST, steps))
        wrong = (check for check in made if not check.correct)
        told = next(wrong, max(made, key=lambda check: check.deviation / check.tolerance))
        return replace(told, steps=max(check.steps for check in made))

    def tells(self, steps: int) -> bool:
        """Whether rounding leaves something to be compared after so many steps."""
        kinds = self._kinds(self.moved[steps])
        return all(self._response(steps, names) <= FARTHEST for names in kinds)

    def _compared(self, steps: int, found: Arrays) -> list[Check]:
        """One of the parameters, or the outputs, and one of the running statistics and of the first
        moments, if told."""
        needed = self.gradient or self.exact[steps]
        if not needed.keys() <= found.keys() <= self.exact[steps].keys():
            raise ValueError(
                f"found {sorted(found)}, the reference has {sorted(self.exact[steps])}"
            )
        checks: list[Check] = []
        kinds = self._kinds(found)
        moments = [name for name in found if name.endswith(FIRST_MOMENT)]
        if steps == 1 and moments and self._response(1, moments) <= FARTHEST:
            kinds.append(moments)
        for names in kinds:
            rounding = self._deviation(steps, self.rounded[steps], names)
            tolerance = min(max(ALLOWED * rounding, self._response(steps, names)), FARTHEST)
            checks.append(Check(self._deviation(steps, found, names), tolerance, steps))
        return checks

    def _kinds(self, found: Arrays) -> list[list[str]]:
        """The names by what they are compared with: those of parameters, and the others; but for
        first moments."""
        own = [name for name in found if name in self.gradient]
        others = [n for n in found if n not in self.gradient and not n.endswith(FIRST_MOMENT)]
        return [names for names in (own, others) if names]

    def _response(self, steps: int, names: Iterable[str]) -> float:
        """What the way deviates by that begins ALLOWED roundings off."""
        return self._deviation(steps, self.moved[steps], names)

    def _deviation(self, steps: int, found: Arrays, names: Iterable[str]) -> float:
        apart = way = 0.0
        for name in names:
            right = self.exact[steps][name]
            weight = np.abs(self.gradient.get(name, 1.0))
            begin = self.begin.get(name, 0.0)
            apart += float((weight * np.abs(found[name] - right)).sum())
            way += float((weight * np.abs(right - begin)).sum())
        return apart / way


def answers(net: str, call: str, counts: Iterable[int]) -> Answers:
    """What is right after one step and after each of these numbers of steps."""
    adapter = importlib.import_module("implementations.numpy.adapter")
    spec = NETS[net].make()
    given = list(batches(spec, NETS[net].examples))
    begin = weights.initial(spec, 0).parameters
    off = {name: _roundings_off(name, array) for name, array in begin.items()}
    gradient: Arrays = {}

    def led(dtype: Literal["float32", "float64"], parameters: Arrays) -> dict[int, Arrays]:
        nonlocal gradient
        system: Any = systems.build(adapter, spec, {TRAIN: UPDATE}, Config(dtype=dtype))
        loop = CALLS[call](system)
        loop.stage(given)
        if call == "update" and not gradient:
            system.load(State(parameters=parameters))
            gradient = system.differentiate(TRAIN, system.stage(given[0])).gradients
        loop.load(parameters)
        found: dict[int, Arrays] = {}
        for steps in sorted({1, *counts}):
            loop.steps(steps - max(found, default=0))
            found[steps] = loop.found()
        loop.close()
        return found

    exact, rounded, moved = led("float64", begin), led("float32", begin), led("float64", off)
    if call == "forward":
        return Answers(exact, rounded, moved, {}, {})
    back = {
        steps: {name: a - off[name] + begin[name] if name in off else a for name, a in to.items()}
        for steps, to in moved.items()
    }
    buffers = {name: np.full(b.shape, b.initial) for name, b in spec.buffers.items()}
    return Answers(exact, rounded, back, {**begin, **buffers}, gradient)


def _roundings_off(name: str, array: np.ndarray) -> np.ndarray:
    """Each entry ALLOWED roundings of float32 up or down."""
    up = stream(0, f"rounding/{name}").integers(0, 2, array.shape) * 2 - 1
    return array * (1 + ALLOWED * ROUNDOFF * up)
