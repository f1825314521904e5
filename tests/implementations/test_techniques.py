"""Every folder computes the same techniques: suite_techniques.py, one process a framework."""

from tests.conftest import run_suite


def test_techniques(framework: str) -> None:
    run_suite("tests/implementations/suite_techniques.py", framework)
