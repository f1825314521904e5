"""What JAX alone has: staged batches, and programs for another platform than the one that it runs
on."""

import pytest

from tests.conftest import run_suite

SUITES = ("staged", "platforms")


@pytest.mark.parametrize("framework", ["jax"], indirect=True)
def test_jax_alone(framework: str) -> None:
    run_suite([f"tests/implementations/suite_{suite}.py" for suite in SUITES], framework)
