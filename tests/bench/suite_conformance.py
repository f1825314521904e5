"""What the comparison must see in a real framework.

pytest tests/bench/suite_conformance.py --framework pytorch. Collected by
test_conformance_commands.py, one process a framework.
"""

from types import ModuleType

import pytest

from bench.conformance import lockstep, players
from bench.conformance.cases import Case
from tests.bench import tampering


@pytest.fixture(scope="module")
def both(request: pytest.FixtureRequest) -> tuple[ModuleType, ModuleType]:
    return players.adapters(str(request.config.getoption("--framework")))


def test_an_error_of_step_3_still_shows_at_step_200(both: tuple[ModuleType, ModuleType]) -> None:
    tampering.planted_error_persists(*both, tampering.PERSISTENT)


def test_the_explanation_names_step_layer_and_unit(both: tuple[ModuleType, ModuleType]) -> None:
    case = Case("lenet", "adam", "float64", 2, 2)
    tamper = tampering.shift("conv1/weight", (1, 2, 0, 7), 1e-3)
    found = lockstep.compare(*both, case, "player", disturb=tampering.at(2, tamper))
    assert found.divergence is not None
    named = {key: found.divergence[key] for key in ("step", "quantity", "what", "tensor")}
    assert named == {"step": 2, "quantity": "loss", "what": "activation", "tensor": "conv1"}
    assert found.divergence["unit"][-1] == 7


@pytest.mark.parametrize("case", [tampering.FLAT, tampering.FLAT_UNPOOLING], ids=lambda c: c.model)
def test_near_ties_are_handed_over(both: tuple[ModuleType, ModuleType], case: Case) -> None:
    disturb = tampering.jitter(1e-14)
    found = lockstep.compare(*both, case, "player", disturb=disturb)
    assert found.divergence is None
    assert found.near_ties > 50
    assert found.quantities["gradient"].largest == 0.0
