"""Every framework folder keeps the contract, and refuses what does not fit: its suites, one process
a framework."""

from tests.conftest import run_suite

SUITES = (
    *("contract_state", "contract_updates", "contract_answers", "contract_environment"),
    "refusals",
)


def test_contract(framework: str) -> None:
    run_suite([f"tests/implementations/suite_{suite}.py" for suite in SUITES], framework)
