"""JAX's own layout of memory, in a process of JAX."""

import pytest

from bench import packages
from tests.conftest import run_suite


def test_memory() -> None:
    if packages.installed("jax") is None:
        pytest.skip("jax is not installed")
    run_suite("tests/implementations/suite_memory.py", "jax")
