"""JAX's own layout of memory, in a process of JAX."""

import pytest

from tests.conftest import run_suite


@pytest.mark.parametrize("framework", ["jax"], indirect=True)
def test_memory(framework: str) -> None:
    run_suite("tests/implementations/suite_memory.py", framework)
