"""What counts as caught, in every framework, each in a process of its own.

That every bug of the catalogue is caught is asked of the smoke reproduction, which plants them all:
tests/workflow/test_reproduction.py.
"""

import pytest

from bench.conformance import players
from tests.conftest import run_suite


@pytest.mark.parametrize("framework", players.judged(), indirect=True)
def test_what_counts_as_caught(framework: str) -> None:
    run_suite("tests/meta/suite_mutants.py", framework)
