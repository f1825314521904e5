"""Both loops train on the same batches; what is told of them is computed by hand."""

import subprocess
import sys

import numpy as np
import pytest

from bench import dataset
from bench.specs import mlp
from bench.timing import overhead, ratios, turns
from implementations.numpy import adapter, bare
from tests.conftest import ROOT


def test_the_interval_of_a_median_goes_by_the_order_of_the_values() -> None:
    """Of ten rounds P(fewer than 2 heads) = 11/1024: from the second to the ninth."""
    assert ratios.median(np.arange(10.0)) == (4.5, 1.0, 8.0)
    assert ratios.median(np.array([5.0, 1.0, 9.0, 2.0, 8.0, 3.0])) == (4.0, 1.0, 9.0)


def test_the_overhead_is_paired_by_round(monkeypatch: pytest.MonkeyPatch) -> None:
    def measured(calls: dict, settle: object, rounds: int) -> dict[str, list[float]]:
        for call in calls.values():
            call()
        times = np.linspace(1.0, 2.0, rounds)
        return {"suite": list(1.5 * times), "bare": list(times), "bare again": list(times)}

    monkeypatch.setattr(turns, "measure", measured)
    monkeypatch.setitem(overhead.NETS, "small", (lambda: mlp.spec(widths=(3,)), 2, 0.05))
    row = overhead.measured("numpy", adapter, bare, "small", dataset.prepare("mnist5k", 0), 6)  # type: ignore[arg-type]
    assert (row.overhead, row.low, row.high) == pytest.approx((0.5, 0.5, 0.5))
    assert (row.control, row.control_low, row.control_high) == (0.0, 0.0, 0.0)
    assert row.bare_ms == pytest.approx(750.0)  # of two steps


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["--nets", "lennet"], "unknown net 'lennet'; did you mean lenet?"),
        (["--rounds", "5"], "rounds must be a number in [6, inf), got 5"),
    ],
)
def test_a_mistake_is_one_sentence(given: list[str], message: str) -> None:
    command = [sys.executable, "-m", "bench.timing.overhead", "--framework", "numpy", *given]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr
