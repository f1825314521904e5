"""Operations counted from specs against the counter of a framework that has one: PyTorch."""

import pytest

from bench import packages
from tests.conftest import run_suite


def test_operations() -> None:
    if packages.installed("pytorch") is None:
        pytest.skip("PyTorch is not installed")
    run_suite("tests/implementations/suite_operations.py", "pytorch")
