"""What an architecture is, before any framework: names, shapes, and one pinned number.

A spec is the score that the four players read. It fixes canonical parameter names, shapes and
layouts, the names of the functions and objectives, the order in which activations are traced, and
the parameter count, which is written out as a number so that a change of shape cannot pass unseen.
"""

import importlib
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from bench.errors import ContractError


@dataclass(frozen=True)
class Parameter:
    """shape in canonical layout: convolution (height, width, in, out), dense (in, out), vector.

    Initial values are drawn by bench.weights: "he_normal" N(0, 2 / fan_in), or "zeros".
    """

    shape: tuple[int, ...]
    layout: Literal["convolution", "dense", "vector"]
    initializer: Literal["he_normal", "zeros"]

    @property
    def fan_in(self) -> int:
        """Inputs that reach one unit: height x width x in for a kernel, in for a dense weight."""
        return math.prod(self.shape[:-1])


@dataclass(frozen=True)
class Spec:
    architecture: str  # the file's name, in bench/specs and in every folder's architectures
    parameters: Mapping[str, Parameter]
    parameter_count: int
    inputs: Mapping[str, tuple[int, ...]]  # batch entry -> shape of one example
    functions: tuple[str, ...]
    objectives: tuple[str, ...]
    activations: tuple[str, ...]  # in the order of the forward pass
    decisions: tuple[str, ...] = ()  # layers that choose: the pooling layers
    options: Mapping[str, Any] = field(default_factory=dict)  # strides, widths: numbers and words
    home: str = "implementations"  # the package that holds the framework folders

    def __post_init__(self) -> None:
        counted = sum(math.prod(p.shape) for p in self.parameters.values())
        if counted != self.parameter_count:
            raise ContractError(
                f"{self.architecture}: the shapes hold {counted} parameters, "
                f"the spec pins {self.parameter_count}"
            )

    def shapes(self) -> dict[str, tuple[int, ...]]:
        return {name: parameter.shape for name, parameter in self.parameters.items()}

    def players(self, framework: str) -> str:
        """The module that implements this architecture in a framework folder."""
        return f"{self.home}.{framework}.architectures.{self.architecture}"


def layer(name: str, shape: tuple[int, ...]) -> dict[str, Parameter]:
    """Weight and bias of a convolution (rank 4) or a dense layer (rank 2)."""
    layout = "convolution" if len(shape) == 4 else "dense"
    return {
        f"{name}/weight": Parameter(shape, layout, "he_normal"),
        f"{name}/bias": Parameter(shape[-1:], "vector", "zeros"),
    }


def names() -> list[str]:
    """The architectures, by listing bench/specs."""
    folder = Path(__file__).parent / "specs"
    return sorted(path.stem for path in folder.glob("*.py") if path.stem != "__init__")


def get(name: str) -> Spec:
    """The spec of an architecture with its default options."""
    return importlib.import_module(f"bench.specs.{name}").spec()
