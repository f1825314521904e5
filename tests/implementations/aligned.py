"""Systems of given parameters, batches and the comparison, for the suites that stand a technique
beside the library's own (tests/natives)."""

from collections.abc import Mapping
from types import ModuleType
from typing import Any

import numpy as np

from bench.contract import Config, State, System, Update
from bench.randomness import stream
from bench.spec import Spec
from tests.implementations.systems import EXACT, close


def built(
    adapter: ModuleType,
    spec: Spec,
    parameters: Mapping[str, np.ndarray] | None = None,
    buffers: Mapping[str, np.ndarray] | None = None,
    **updates: Update,
) -> System:
    system: System = adapter.build(spec, updates, Config(dtype="float64"))
    system.load(State(parameters or {}, buffers or {}))
    return system


def drawn(spec: Spec, examples: int = 4) -> dict[str, np.ndarray]:
    draws = stream(0, "natives")
    return {name: draws.normal(size=(examples, *shape)) for name, shape in spec.inputs.items()}


def same(natives: ModuleType, technique: str, found: Any, expected: Any) -> None:
    """To 1e-12, or to what the library is excused with."""
    close(found, expected, natives.TOLERANCES.get(technique, EXACT))
