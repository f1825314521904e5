"""What a user of each library writes trains as the reference does: suite_library.py, one process a
framework."""

import pytest

from tests.conftest import run_suite


def test_library(framework: str) -> None:
    if framework == "numpy":
        pytest.skip("NumPy has no layers of its own")
    run_suite("tests/implementations/suite_library.py", framework)
