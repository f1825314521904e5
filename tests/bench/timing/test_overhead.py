"""Both loops train on the same batches; what is told of them is computed by hand."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from bench import dataset
from bench.specs import mlp
from bench.timing import overhead, ratios, turns
from bench.timing.overhead import Overhead
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
    ("low", "code"),
    [(0.051, 1), (0.05, 0), (-0.1, 0)],
)
def test_it_fails_where_the_whole_interval_is_above_what_is_allowed(
    low: float,
    code: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    """The median is above it in all three; a net before it that is fast enough changes nothing."""

    def measured(framework: str, adapter: object, bare: object, net: str, *_: object) -> Overhead:
        ends = {"mlp": (low, 0.09), "lenet": (0.0, 0.01)}[net]
        return Overhead(framework, net, 64, 20, 1.0, 1.08, 0.08, *ends, 0.0, 0.0, 0.0, 0.05)

    monkeypatch.setattr(overhead, "measured", measured)
    monkeypatch.setattr(overhead.threads, "pin", lambda number: None)
    written = tmp_path / "overhead.json"
    given = ["overhead", "--framework", "numpy", "--nets", "lenet", "mlp", "--json", str(written)]
    monkeypatch.setattr(sys, "argv", given)
    assert overhead.main() == code
    complaint = (
        "numpy, mlp: the suite's loop costs 8.0% over the bare one, at least 5.1%; allowed are 5%\n"
    )
    assert capsys.readouterr().err == (complaint if code else "")
    assert [row["net"] for row in json.loads(written.read_text())] == ["lenet", "mlp"]


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
