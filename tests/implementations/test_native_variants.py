"""The fast variant of every framework computes what the reference does: suite_native_variants.py,
one process a framework."""

from tests.conftest import run_suite


def test_native_variants(framework: str) -> None:
    run_suite("tests/implementations/suite_native_variants.py", framework)
