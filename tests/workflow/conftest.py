"""One smoke reproduction in all frameworks, made once and looked at by several tests."""

import pytest

from tests.workflow.checkout import Checkout


@pytest.fixture(scope="session")
def reproduction(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """Not to be changed by a test; `said` is what the command printed."""
    checkout = Checkout(tmp_path_factory.mktemp("reproduction") / "quatuor")
    done = checkout.run(["budget=smoke"])
    assert done.returncode == 0, done.stdout[-6000:]
    checkout.said = done.stdout
    return checkout
