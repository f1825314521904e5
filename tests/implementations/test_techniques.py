"""Every folder computes the same techniques and nets: its suites, one process a framework."""

from tests.conftest import run_suite

SUITES = (
    *("batch_norm", "dropout", "activations", "optimizers", "schedules"),
    *("accumulation", "nets", "segmentation", "draws", "images"),
)


def test_techniques(framework: str) -> None:
    run_suite([f"tests/implementations/suite_{suite}.py" for suite in SUITES], framework)
