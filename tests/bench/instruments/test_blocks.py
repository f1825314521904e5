"""Curves as means of blocks."""

from bench.instruments.blocks import means


def test_short_curves_stay_as_they_are() -> None:
    assert means([3.0, 1.0]) == [{"step": 1, "loss": 3.0}, {"step": 2, "loss": 1.0}]
    assert means([]) == []


def test_long_curves_become_means() -> None:
    assert means([1.0, 2.0, 3.0, 4.0, 5.0], points=2) == [
        {"step": 3, "loss": 2.0},
        {"step": 5, "loss": 4.5},
    ]
    assert len(means([0.0] * 1001, points=50)) <= 50
