"""What is written out agrees with the library's own: its suites, one process a framework."""

import pytest

from tests.conftest import run_suite

SUITES = ("layers", "steps", "images", "nets")


def test_natives(framework: str) -> None:
    if framework == "numpy":
        pytest.skip("NumPy has no library of its own beside the reference")
    run_suite([f"tests/implementations/suite_natives_{suite}.py" for suite in SUITES], framework)
