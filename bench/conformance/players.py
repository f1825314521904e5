"""The two that are compared: the NumPy reference and a framework beside it."""

import importlib
from types import ModuleType

import implementations
from bench.errors import UserError

REFERENCE = "numpy"


def judged() -> list[str]:
    """The framework folders that are compared with the reference."""
    return [name for name in implementations.names() if name != REFERENCE]


def reference() -> ModuleType:
    """The reference's adapter."""
    return importlib.import_module(f"implementations.{REFERENCE}.adapter")


def adapters(framework: str) -> tuple[ModuleType, ModuleType]:
    """The reference's adapter and the framework's. Raises UserError for a missing package."""
    try:
        return reference(), importlib.import_module(f"implementations.{framework}.adapter")
    except ModuleNotFoundError as error:
        raise UserError(
            f"{framework} cannot be compared: the package {error.name} is not installed "
            "(pip install '.[cpu]')"
        ) from error
