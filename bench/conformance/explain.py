"""Where did two computations part: the first step, then the first tensor, then the unit.

When the loss or a gradient differs, the forward pass is traced in both, in the order of the spec:
the first activation that differs is the first tensor. If all activations agree, the gradients by
them are followed backwards, then those of the parameters. What differs in a decision or after the
optimizer's step is named directly.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from bench.conformance.tolerances import Tolerance, deviation
from bench.contract import Arrays, System

UPDATE = "train"


@dataclass(frozen=True)
class Witness:
    """Everything that is known at one step, before any of the two has stepped."""

    step: int
    reference: System
    system: System
    staged: tuple[Any, Any]

    def explain(
        self, quantity: str, expected: Arrays, actual: Arrays, rule: Tolerance
    ) -> dict[str, Any]:
        """A record and a sentence. Steps are counted from 1, as in the curves."""
        cause = None
        if quantity in ("loss", "gradient"):
            cause = self._first_activation(rule) or self._last_gradient(rule)
        if cause is None:
            cause = _first_tensor(quantity, expected, actual, rule)
        what, tensor, reference, found, size = cause
        unit = _worst_unit(reference, found)
        values = _value(reference, unit), _value(found, unit)
        place = f"[{', '.join(map(str, unit))}]" if unit else ""
        return {
            "step": self.step + 1,
            "quantity": quantity,
            "what": what,
            "tensor": tensor,
            "unit": list(unit),
            "reference": values[0],
            "found": values[1],
            "deviation": size,
            "sentence": (
                f"step {self.step + 1}: the {quantity} left its tolerance of {rule.limit:g}. The "
                f"first tensor that differs is the {what} {tensor}, worst at unit {tensor}{place}: "
                f"{values[1]!r} instead of {values[0]!r} (relative deviation {size:.2e})"
            ),
        }

    def _traces(self) -> Mapping[str, tuple[Any, ...]]:
        both = zip(
            self.reference.trace(UPDATE, self.staged[0]),
            self.system.trace(UPDATE, self.staged[1]),
            strict=True,
        )
        return {ours[0]: (ours, theirs) for ours, theirs in both}

    def _first_activation(self, rule: Tolerance) -> Any:
        for name, (ours, theirs) in self._traces().items():
            size = deviation(ours[1], theirs[1])
            if size > rule.limit:
                return "activation", name, ours[1], theirs[1], size
        return None

    def _last_gradient(self, rule: Tolerance) -> Any:
        for name, (ours, theirs) in reversed(list(self._traces().items())):
            gradients = ours[2], theirs[2]
            size = deviation(*gradients)
            if size > rule.limit:
                return "gradient by the activation", name, *gradients, size
        return None


def pairs(expected: Arrays, actual: Arrays) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Name, ours, theirs; a tensor that one of the two lacks is not-a-number there."""
    lacking = np.full(1, np.nan)
    for name in {**expected, **actual}:
        yield name, expected.get(name, lacking), actual.get(name, lacking)


def _first_tensor(
    quantity: str, expected: Arrays, actual: Arrays, rule: Tolerance
) -> tuple[str, str, np.ndarray, np.ndarray, float]:
    both = list(pairs(expected, actual))
    # Gradients flow from the last layer to the first: a wrong one spoils those before it.
    for name, ours, theirs in reversed(both) if quantity == "gradient" else both:
        size = rule.deviation(ours, theirs)
        if size > rule.limit:
            return quantity.replace("_", " "), name, ours, theirs, size
    raise AssertionError("called although nothing differs")


def _worst_unit(reference: np.ndarray, found: np.ndarray) -> tuple[int, ...]:
    if reference.shape != found.shape:
        return ()
    difference = np.abs(np.asarray(found, np.float64) - np.asarray(reference, np.float64))
    worst = np.nan_to_num(difference, nan=np.inf).argmax()
    return tuple(int(i) for i in np.unravel_index(worst, reference.shape))


def _value(array: np.ndarray, unit: tuple[int, ...]) -> float:
    return float(array[unit]) if unit or array.ndim == 0 else float("nan")
