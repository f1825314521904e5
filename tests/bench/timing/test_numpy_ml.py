"""The comparison with numpy-ml: refused without it, and with one that computes something else."""

from typing import Any

import numpy as np
import pytest

from bench.errors import UserError
from bench.timing import numpy_ml
from implementations.numpy import layers
from implementations.numpy.tape import Node, Tape


class Conv2D:
    """A layer as numpy-ml's, wrong by `factor`."""

    factor = 1.0

    def __init__(self, filters: int, kernel: tuple[int, int], padding: int) -> None:
        self.padding = padding
        self.parameters: dict[str, np.ndarray] = {}
        self.gradients: dict[str, np.ndarray] = {}

    def flush_gradients(self) -> None:
        self.gradients = {}

    def forward(self, x: np.ndarray, retain_derived: bool = True) -> Any:
        if not retain_derived:
            return None
        w, b = self.parameters["W"], self.parameters["b"].reshape(-1)
        tape = Tape()
        self.nodes = Node(x, tape, True), Node(w, tape, True), Node(b, tape, True)
        self.y = layers.convolution(*self.nodes, 1, self.padding)
        return self.y.value

    def backward(self, delta: np.ndarray) -> np.ndarray:
        self.y.gradient = delta.copy()
        self.y.tape.backward([])
        x, w, b = (node.found() for node in self.nodes)
        self.gradients = {"W": self.factor * w, "b": b}
        return x


class Wrong(Conv2D):
    factor = 1.001


def test_all_compute_the_same_before_they_are_timed() -> None:
    rows = numpy_ml.measured("conv2", Conv2D, 6)
    assert [row.variant for row in rows] == ["reference", "native"]
    assert all(0 < row.low <= row.ratio <= row.high for row in rows)
    with pytest.raises(UserError, match=r"conv2: weight of numpy-ml is 1\.0e-03 off"):
        numpy_ml.measured("conv2", Wrong, 6)


def test_without_it_the_command_tells_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(UserError, match="pip install --no-deps numpy-ml"):
        numpy_ml.imported()
