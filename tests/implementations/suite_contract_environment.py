"""What a folder says it runs on, which device it refuses, and which gaps it admits.

pytest tests/implementations/suite_contract_environment.py --framework pytorch. Collected by
test_contract.py, one process a framework.
"""

import tomllib
from pathlib import Path
from types import ModuleType

import pytest

from bench.contract import Config
from bench.errors import UserError
from bench.specs import mlp


def test_environment_says_what_is_in_force(adapter: ModuleType, name: str) -> None:
    environment = adapter.environment(Config(device="cpu"))
    assert environment.framework == name
    assert environment.device == "cpu"
    assert environment.threads == 1
    assert "numpy" in environment.versions
    if "cuda" not in adapter.environment(Config(device="auto")).device.lower():
        fallen = adapter.environment(Config(device="auto"))
        assert fallen.device != "cpu" or any("cpu" in note for note in fallen.notes)


def test_a_device_that_is_not_there_is_refused(adapter: ModuleType, name: str) -> None:
    if name == "numpy" or adapter.environment(Config(device="auto")).device != "cpu":
        pytest.skip("there is nothing to refuse")
    for ask in (adapter.environment, lambda config: adapter.build(mlp.spec(), {}, config)):
        with pytest.raises(UserError, match="device cuda was asked for"):
            ask(Config(device="cuda"))


def test_known_gaps_are_still_gaps(adapter: ModuleType, name: str) -> None:
    """A gap that closed must be taken off the list."""
    path = Path(f"implementations/{name}/known_gaps.toml")
    for gap in tomllib.loads(path.read_text())["gap"]:
        assert gap["reason"]
        assert gap["capability"] == "cuda", "say here how to find out whether the gap has closed"
        assert adapter.environment(Config(device="cuda")).device == "cpu"
