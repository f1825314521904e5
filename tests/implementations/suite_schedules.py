"""Schedules of the learning rate against their formulas, and what they refuse.

pytest tests/implementations/suite_schedules.py --framework pytorch. Collected by
test_techniques.py, one process a framework.
"""

import pytest

from bench.errors import UserError


def test_piecewise_constant_changes_at_its_boundaries(technique) -> None:
    piecewise = technique("schedules").piecewise_constant
    rates = [piecewise(step, [2, 5], [0.1, 0.3, 0.01]) for step in range(8)]
    assert rates == [0.1, 0.1, 0.3, 0.3, 0.3, 0.01, 0.01, 0.01]
    assert all(type(rate) is float for rate in rates)
    assert piecewise(7, [], [0.1]) == 0.1
    assert piecewise(0, [0], [0.1, 0.2]) == 0.2
    assert piecewise(10_000_001, [10_000_001], [0.1, 0.2]) == 0.2


def test_exponential_decay_is_continuous(technique) -> None:
    decay = technique("schedules").exponential_decay
    for step in (0, 1, 99, 100, 101, 100_000):
        rate = decay(step, 0.1, 0.96, 100)
        assert type(rate) is float
        assert rate == pytest.approx(0.1 * 0.96 ** (step / 100), rel=1e-14)
    assert decay(100, 0.1, 0.5, 100) == pytest.approx(0.05, rel=1e-15)
    assert decay(7, 0.1, 1, 3) == 0.1


@pytest.mark.parametrize(
    ("function", "arguments", "message"),
    [
        ("piecewise_constant", (-1, [2], [1.0, 0.1]), r"step .*\[0, inf\).* -1"),
        ("piecewise_constant", (0, [2, 2], [1.0, 0.1, 0.1]), r"boundaries .*\[2, 2\]"),
        ("piecewise_constant", (0, [3, 2], [1.0, 0.1, 0.1]), r"boundaries .*\[3, 2\]"),
        ("piecewise_constant", (0, [2], [1.0]), "boundar.* 1"),
        ("piecewise_constant", (0, [2], [1.0, 0.0]), r"rate.*\(0, inf\).* 0.0"),
        ("exponential_decay", (-2, 0.1, 0.9, 5), r"step .*\[0, inf\).* -2"),
        ("exponential_decay", (0, -0.1, 0.9, 5), r"rate .*\(0, inf\).* -0.1"),
        ("exponential_decay", (0, 0.1, 0, 5), r"decay .*\(0, 1\].* 0"),
        ("exponential_decay", (0, 0.1, 1.5, 5), r"decay .*\(0, 1\].* 1.5"),
        ("exponential_decay", (0, 0.1, 0.9, 0), r"period .*\(0, inf\).* 0"),
    ],
)
def test_bad_input_is_refused(technique, function: str, arguments, message) -> None:
    """With the name and what is allowed."""
    with pytest.raises(UserError, match=message):
        getattr(technique("schedules"), function)(*arguments)
