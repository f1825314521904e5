"""What is written out agrees with the library's own: suite_natives.py, one process a framework."""

import pytest

from tests.conftest import run_suite


def test_natives(framework: str) -> None:
    if framework == "numpy":
        pytest.skip("NumPy has no library of its own beside the reference")
    run_suite("tests/implementations/suite_natives.py", framework)
