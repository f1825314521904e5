"""What is written out agrees with the library's own: two suites, one process a framework."""

import pytest

from tests.conftest import run_suite

SUITES = ("suite_natives", "suite_native_nets")


def test_natives(framework: str) -> None:
    if framework == "numpy":
        pytest.skip("NumPy has no library of its own beside the reference")
    run_suite([f"tests/implementations/{suite}.py" for suite in SUITES], framework)
