"""Every framework folder keeps the contract: suite_contract.py, one process a framework."""

from tests.conftest import run_suite


def test_contract(framework: str) -> None:
    run_suite("tests/implementations/suite_contract.py", framework)
