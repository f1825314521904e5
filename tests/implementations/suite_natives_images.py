"""What is done to images before a net sees them, against the library's own in tests/natives.

pytest tests/implementations/suite_natives_images.py --framework pytorch. Collected by
test_natives.py, one process a framework.
"""

import importlib
from types import ModuleType

import numpy as np
import pytest

from bench.contract import INFERENCE
from bench.randomness import stream
from bench.specs import preprocessing
from tests.implementations.aligned import built, same


def test_standardize(name: str, adapter: ModuleType, natives: ModuleType) -> None:
    normalization = importlib.import_module(f"implementations.{name}.techniques.normalization")
    spec = preprocessing.spec((5, 6, 3))
    system, x = built(adapter, spec), 3 + 2 * stream(6, "natives").normal(size=(4, 5, 6, 3))
    mean, deviation = normalization.statistics(system.stage({"x": x})["x"])
    batch = system.stage({"x": x, "mean": np.asarray(mean), "deviation": np.asarray(deviation)})
    found = system.evaluate("standardized", batch, INFERENCE).outputs["x"]
    same(natives, "standardize", found, natives.standardize(x))


@pytest.mark.parametrize("change", ["affine", "elastic"])
def test_augmentation(adapter: ModuleType, natives: ModuleType, change: str) -> None:
    spec, draws = preprocessing.spec((8, 7, 2)), stream(7, "natives")
    given = {
        "x": draws.normal(size=(4, 8, 7, 2)),
        "angle": draws.uniform(-3, 3, 4),
        "scale": draws.uniform(0.5, 2, 4),
        "shift": draws.uniform(-3, 3, (4, 2)),
    }
    if change == "elastic":
        given = {"x": given["x"], "displacement": draws.uniform(-3, 3, (4, 8, 7, 2))}
    system = built(adapter, spec)
    found = system.evaluate(change, system.stage(given), INFERENCE).outputs["x"]
    same(natives, change, found, getattr(natives, change)(**given))
