"""Ties and float32 in the fast variant of every framework: suite_native_edges.py, one process a
framework."""

from tests.conftest import run_suite


def test_native_edges(framework: str) -> None:
    run_suite("tests/implementations/suite_native_edges.py", framework)
