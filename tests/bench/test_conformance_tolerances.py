"""How far a number may lie from the reference's: deviations, and the rule for dead gradients."""

from typing import Any

import numpy as np
import pytest

from bench.conformance import tolerances


@pytest.mark.parametrize(
    ("reference", "found", "expected"),
    [
        ([1.0, -4.0], [1.0, -4.0], 0.0),
        ([1.0, -4.0], [1.0, -3.0], 0.25),
        ([0.0, 0.0], [0.0, 0.0], 0.0),
        ([0.0, 0.0], [0.0, 1e-300], np.inf),
        ([1.0, np.nan], [1.0, np.nan], np.inf),
        ([1.0, 2.0], [1.0, np.nan], np.inf),
        ([1.0, np.nan], [1.0, 2.0], np.inf),
        ([1.0, 2.0], [1.0, np.inf], np.inf),
        ([1.0, np.inf], [1.0, 2.0], np.inf),
        ([1.0, 2.0], [[1.0, 2.0]], np.inf),
        ([], [], 0.0),
    ],
)
def test_deviation(reference: Any, found: Any, expected: float) -> None:
    assert tolerances.deviation(np.array(reference), np.array(found)) == expected


def test_deviation_in_norm_and_in_share() -> None:
    reference, found = np.array([3.0, 4.0]), np.array([3.0, 4.5])
    assert tolerances.deviation(reference, found, "norm") == 0.1
    assert tolerances.deviation(reference, found, "share") == 0.5


@pytest.mark.parametrize(
    ("reference", "found", "agrees"),
    [
        (0.0, 0.0, True),
        (3e-16, -5e-15, True),  # dead: held to 1e-14 of the net's largest gradient
        (0.0, 5e-15, True),
        (3e-16, 3e-14, False),
        (0.0, np.nan, False),
        (1e-6, 1e-6 + 1e-20, True),
        (1e-6, 1e-6 + 1e-17, False),  # small, but alive: held to itself
    ],
)
def test_dead_gradients_alone_are_held_to_the_net(reference, found, agrees: bool) -> None:
    rule = tolerances.tolerance("float64", "gradient", "sgd", net=1.0)
    size = rule.deviation(np.array([reference]), np.array([found]))
    assert (size <= rule.limit) == agrees
