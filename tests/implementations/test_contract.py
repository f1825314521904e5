"""Every framework folder keeps the contract, and refuses what does not fit: suite_contract.py and
suite_refusals.py, one process a framework."""

from tests.conftest import run_suite


def test_contract(framework: str) -> None:
    suites = ("suite_contract.py", "suite_refusals.py")
    run_suite([f"tests/implementations/{suite}" for suite in suites], framework)
