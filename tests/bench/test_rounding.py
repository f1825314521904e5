"""The study of rounding: what is moved, and that what comes of it is told."""

import sys

import numpy as np
import pytest

from bench.conformance import rounding
from bench.conformance.cases import Case
from bench.contract import Config
from implementations.numpy import adapter

CASE = Case("batch norm", "momentum", "float64", 3, 8)


def test_rounding_grows_from_a_unit_in_the_last_place() -> None:
    """And only from there: one of the two is moved, by no more than that."""
    case = Case("batch norm", "momentum", "float64", 3, 8)
    found, again, other = (rounding.grown(case, seed) for seed in (0, 0, 1))
    assert 1e-17 < found["parameter"].largest < 1e-13
    assert found["gradient"].largest == again["gradient"].largest != other["gradient"].largest
    assert all(quantity.excess < 1 for quantity in found.values())


def test_every_parameter_moves_by_its_last_place() -> None:
    system = adapter.build(CASE.spec(), {}, Config(dtype="float64"))
    system.load(CASE.initial())
    before = system.export().parameters["fc1/weight"]
    for step in (0, 1):  # before the first step, and never again
        rounding.one_unit_away(0)(step, system)
    after = system.export().parameters["fc1/weight"]
    units = (after - before) / np.spacing(np.abs(before))
    assert set(np.unique(np.abs(units))) <= {1.0, 2.0}
    assert {-1, 1} == set(np.unique(np.sign(units)))


def test_the_command_tells_every_quantity(monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    words = ["rounding", "--model", "mlp", "--optimizer", "adam", "--steps", "2"]
    monkeypatch.setattr(sys, "argv", [*words, "--batch-size", "4"])
    monkeypatch.setattr(rounding.threads, "pin", lambda number: None)
    assert rounding.main() == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == [
        *("loss", "gradient", "first_moment", "second_moment", "parameter", "step"),
    ]
    assert "of 1e-10" in lines[4]
