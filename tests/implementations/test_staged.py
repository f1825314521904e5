"""How JAX stages a batch, in a process of JAX."""

import pytest

from tests.conftest import run_suite


@pytest.mark.parametrize("framework", ["jax"], indirect=True)
def test_staged(framework: str) -> None:
    run_suite("tests/implementations/suite_staged.py", framework)
