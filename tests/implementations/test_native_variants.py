"""The fast variant of every framework computes what the reference does, in whatever order it is
called: its suites, one process a framework."""

from tests.conftest import run_suite

SUITES = ("variants", "turns")


def test_native_variants(framework: str) -> None:
    run_suite([f"tests/implementations/suite_native_{suite}.py" for suite in SUITES], framework)
