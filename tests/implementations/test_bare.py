"""The bare loop of every folder trains as its adapter does: suite_bare.py, one process a
framework."""

from tests.conftest import run_suite


def test_bare(framework: str) -> None:
    run_suite("tests/implementations/suite_bare.py", framework)
