"""What the suites of one framework share; each runs in a process of its own."""

import importlib
from collections.abc import Callable
from types import ModuleType

import pytest


@pytest.fixture(scope="module")
def name(request: pytest.FixtureRequest) -> str:
    return str(request.config.getoption("--framework"))


@pytest.fixture(scope="module")
def adapter(name: str) -> ModuleType:
    return importlib.import_module(f"implementations.{name}.adapter")


@pytest.fixture(scope="module")
def reference() -> ModuleType:
    return importlib.import_module("implementations.numpy.adapter")


@pytest.fixture(scope="module")
def natives(name: str, adapter: ModuleType) -> ModuleType:
    """What the library has of its own. After the adapter, which settles precision and threads."""
    return importlib.import_module(f"tests.natives.{name}")


@pytest.fixture(scope="module")
def technique(name: str) -> Callable[[str], ModuleType]:
    """A file of the framework's techniques by its name."""
    return lambda file: importlib.import_module(f"implementations.{name}.techniques.{file}")
