"""Where did two computations part: the first step, then the first tensor, then the unit.

When the loss or a gradient differs, the forward pass is traced in both, in the order of the spec:
the first activation that differs is the first tensor. If all activations agree, the gradients by
them are followed backwards. What differs after the optimizer's step is named directly.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from bench.conformance.tolerances import Tolerance, deviation
from bench.contract import Arrays, System

UPDATE = "train"


@dataclass(frozen=True)
class Witness:
    """Everything that is known at one step, before any of the two has stepped."""

    comparison: Any
    step: int
    reference: System
    system: System
    staged: tuple[Any, Any]

    def explain(
        self, quantity: str, expected: Arrays, actual: Arrays, rule: Tolerance, floor: float
    ) -> dict[str, Any]:
        """A record and a sentence. Steps are counted from 1, as in the curves."""
        cause = None
        if quantity in ("loss", "gradient"):
            cause = self._first_activation(rule) or self._last_gradient(rule)
        if cause is None:
            cause = _first_tensor(quantity, expected, actual, rule, floor)
        what, tensor, reference, found = cause
        unit = _worst_unit(reference, found)
        values = _value(reference, unit), _value(found, unit)
        size = deviation(reference, found, rule.measure)
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
        pairs = zip(
            self.reference.trace(UPDATE, self.staged[0]),
            self.system.trace(UPDATE, self.staged[1]),
            strict=True,
        )
        return {ours[0]: (ours, theirs) for ours, theirs in pairs}

    def _first_activation(self, rule: Tolerance) -> Any:
        for name, (ours, theirs) in self._traces().items():
            if deviation(ours[1], theirs[1]) > rule.limit:
                return "activation", name, ours[1], theirs[1]
        return None

    def _last_gradient(self, rule: Tolerance) -> Any:
        for name, (ours, theirs) in reversed(self._traces().items()):
            gradients = ours[2], theirs[2]
            if gradients[0] is None or gradients[1] is None:
                continue
            if deviation(*gradients) > rule.limit:
                return "gradient by the activation", name, *gradients
        return None


def _first_tensor(
    quantity: str, expected: Arrays, actual: Arrays, rule: Tolerance, floor: float
) -> tuple[str, str, np.ndarray, np.ndarray]:
    for name, array in expected.items():
        other = actual.get(name, np.full_like(array, np.nan))
        if deviation(array, other, rule.measure, floor) > rule.limit:
            return quantity.replace("_", " "), name, array, other
    raise AssertionError("called although nothing differs")


def _worst_unit(reference: np.ndarray, found: np.ndarray) -> tuple[int, ...]:
    if reference.shape != found.shape:
        return ()
    difference = np.abs(np.asarray(found, np.float64) - np.asarray(reference, np.float64))
    worst = np.nan_to_num(difference, nan=np.inf).argmax()
    return tuple(int(i) for i in np.unravel_index(worst, reference.shape))


def _value(array: np.ndarray, unit: tuple[int, ...]) -> float | None:
    value = float(array[unit]) if unit or array.ndim == 0 else float("nan")
    return value if np.isfinite(value) else None
