"""Both variants of a net are measured by turns; what is told of them is computed by hand."""

import subprocess
import sys

import pytest

from bench.contract import Config
from bench.spec import Spec
from bench.specs import mlp
from bench.timing import variants
from bench.timing.variants import NETS, Row
from implementations.numpy import adapter
from tests.conftest import ROOT

TIMES = {
    "reference": [1.0, 2.0, 4.0, 1.0, 1.0],
    "native": [0.5, 1.0, 2.0, 0.6, 0.4],
    "control": [1.0, 2.0, 4.0, 1.1, 0.9],
}


def test_ratios_are_paired_by_round() -> None:
    row = Row("mlp", 64, "update", TIMES)
    assert row.ratios("native") == pytest.approx((0.5, 0.5, 0.5))
    assert row.ratios("control") == pytest.approx((1.0, 1.0, 1.0))
    assert row.milliseconds("reference") == 1000.0
    uneven = Row("mlp", 64, "update", {"reference": [2.0] * 5, "native": [1.0, 2.0, 3.0, 4.0, 5.0]})
    assert uneven.ratios("native") == pytest.approx((1.5, 1.0, 2.0))


@pytest.mark.parametrize("net", NETS)
def test_noise_is_a_batch_of_its_net(net: str) -> None:
    make, _ = NETS[net]
    spec = make()
    system = adapter.build(spec, {}, Config())
    batch = variants.noise(spec, 2)
    assert batch.keys() == spec.inputs.keys()
    system.stage(batch)
    for name, shape in spec.inputs.items():
        assert batch[name].shape == (2, *shape)


def test_a_step_and_a_forward_pass_of_both_are_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    def small() -> Spec:
        return mlp.spec((6,), (5,), 3)

    monkeypatch.setitem(NETS, "small", (small, 4))
    rows = list(variants.measured(adapter, "small", rounds=2, threads=1))  # type: ignore[arg-type]
    assert [(row.net, row.examples, row.call) for row in rows] == [
        ("small", 4, "update"),
        ("small", 4, "forward"),
    ]
    for row in rows:
        assert row.times.keys() == {"reference", "native", "control"}
        assert all(len(times) == 2 and min(times) > 0 for times in row.times.values())


def test_the_table_tells_each_row(capsys: pytest.CaptureFixture[str]) -> None:
    variants.show("numpy", [Row("mlp", 64, "update", TIMES)])
    shown = " ".join(capsys.readouterr().out.split())
    assert shown.endswith("mlp 64 update 1000.00 ms 600.00 ms 0.50 0.50 to 0.50 1.00")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["--nets", "lennet"], "unknown net 'lennet'; did you mean lenet?"),
        (["--rounds", "0"], "rounds must be a number in [1, inf), got 0"),
    ],
)
def test_a_mistake_is_one_sentence(given: list[str], message: str) -> None:
    command = [sys.executable, "-m", "bench.timing.variants", "--framework", "numpy", *given]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr
