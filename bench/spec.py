"""What an architecture is, before any framework: names, shapes, and one pinned number.

A spec is the score that the four players read. It fixes canonical parameter names, shapes and
layouts, the names of the functions and objectives, the order in which activations are traced, and
the parameter count, which is written out as a number so that a change of shape cannot pass unseen.
"""

import functools
import importlib
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench import ranges
from bench.contract import Arrays, State, Update, check_names
from bench.errors import ContractError, UserError
from bench.initializers import Layout
from bench.ranges import Range


@dataclass(frozen=True)
class Parameter:
    """shape in canonical layout: convolution (height, width, in, out), dense (in, out), vector.

    Initial values are drawn by bench.weights: by an initializer of bench/initializers.py, or they
    are "zeros" or "ones".
    """

    shape: tuple[int, ...]
    layout: Layout
    initializer: str


@dataclass(frozen=True)
class Buffer:
    """A running statistic: state that no gradient moves. It starts at a constant."""

    shape: tuple[int, ...]
    initial: float


@dataclass(frozen=True)
class Spec:
    """Raises UserError for a parameter without a number, ContractError for another count of them
    than is pinned."""

    architecture: str  # the file's name, in bench/specs and in every folder's architectures
    parameters: Mapping[str, Parameter]
    parameter_count: int
    inputs: Mapping[str, tuple[int, ...]]  # batch entry -> shape of one example
    functions: tuple[str, ...]
    objectives: tuple[str, ...]
    activations: Mapping[str, tuple[int, ...]]  # in the order of the forward pass, of one example
    decisions: tuple[str, ...] = ()  # layers that choose: the pooling layers
    buffers: Mapping[str, Buffer] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)  # strides, widths: numbers and words
    ranges: Mapping[str, Range] = field(default_factory=dict)  # of batch entries that have one
    first_layers: tuple[str, ...] = ()  # before which nothing is learned; empty: the first alone
    positions: Mapping[str, int] = field(default_factory=dict)  # see applied()
    home: str = "implementations"  # the package that holds the framework folders

    def __post_init__(self) -> None:
        for name, parameter in self.parameters.items():
            if min(parameter.shape) < 1:
                raise UserError(
                    f"{self.architecture} needs channels, widths and classes of at least 1: "
                    f"{name} would be {parameter.shape}"
                )
        counted = count(self.parameters)
        if counted != self.parameter_count:
            raise ContractError(
                f"{self.architecture}: the shapes hold {counted} parameters, "
                f"the spec pins {self.parameter_count}"
            )

    def shapes(self) -> dict[str, tuple[int, ...]]:
        return {name: parameter.shape for name, parameter in self.parameters.items()}

    @functools.cached_property
    def sizes(self) -> dict[str, tuple[int, ...]]:
        """Of one example of the entries that every net has alike: images, labels and masks."""
        return {
            name: tuple(size)
            for name, size in self.inputs.items()
            if name in ("x", "y") or name.startswith("dropout/")
        }

    def buffer_shapes(self) -> dict[str, tuple[int, ...]]:
        return {name: buffer.shape for name, buffer in self.buffers.items()}

    def layers(self) -> dict[str, Parameter]:
        """The weights that inputs are multiplied with, by the name of their layer."""
        return {
            name.rpartition("/")[0]: parameter
            for name, parameter in self.parameters.items()
            if parameter.layout != "vector"
        }

    def output(self, layer: str) -> tuple[int, ...]:
        """What a layer makes of one example: the activation of its name, or else the last one."""
        return self.activations.get(layer) or [*self.activations.values()][-1]

    def applied(self, layer: str) -> int:
        """How often one example meets the layer's weights.

        Once in a dense layer, at each position of its output in a convolution, in every step where
        it goes through a sequence: all axes of its output but the last. `positions` says it where
        another number is true: those of its input in a transposed convolution.
        """
        return self.positions.get(layer, math.prod(self.output(layer)[:-1]))

    def players(self, framework: str) -> str:
        """The module that implements this architecture in a framework folder."""
        return f"{self.home}.{framework}.architectures.{self.architecture}"


def check_state(
    spec: Spec,
    updates: Mapping[str, Update],
    slots: Mapping[str, tuple[str, ...]],
    state: State,
) -> None:
    """Raise ContractError unless the state is that of a system, with nothing left over.

    slots: what each update rule remembers, the SLOTS of techniques/optimizers.py. Buffers,
    `optimizer`, the entry of one update in it and `step` may be empty: they start anew.
    """
    check_names("parameters", spec.shapes(), state.parameters)
    if state.buffers:
        check_names("buffers", spec.buffer_shapes(), state.buffers)
    check_names("carried", {}, state.carried)
    for what, named in (("optimizer", state.optimizer), ("step", state.step)):
        if named and named.keys() != updates.keys():
            raise ContractError(f"{what}: is of {sorted(named)}, the updates are {sorted(updates)}")
    for key, given in state.optimizer.items():
        expected = {
            f"{name}/{slot}": parameter.shape
            for name, parameter in spec.parameters.items()
            if updates[key].selects(name)
            for slot in slots[updates[key].optimizer.name]
        }
        if given:
            check_names(f"optimizer of {key}", expected, given)


def check_batch(spec: Spec, batch: Arrays) -> None:
    """Raise UserError for images, labels or masks that are not as large as the spec says, or not
    one for each example; for labels that are not whole numbers; and for an entry with a number
    outside of the range that the spec gives it."""
    sizes, examples, alike = spec.sizes, None, True
    for name, array in batch.items():
        if name not in sizes:
            continue
        shape = array.shape
        if not shape or shape[1:] != sizes[name]:
            wanted = ", ".join(map(str, ("examples", *sizes[name])))
            raise UserError(f"{name} of {spec.architecture} is {shape}, must be ({wanted})")
        if examples is None:
            examples = shape[0]
        elif shape[0] != examples:
            alike = False
        if name == "y" and array.dtype.kind not in "iu":
            raise UserError(f"labels of {spec.architecture} must be whole, y is {array.dtype}")
    if not alike:
        told = ", ".join(f"{len(batch[name])} of {name}" for name in batch if name in sizes)
        raise UserError(f"{spec.architecture} needs as many examples of every entry, got {told}")
    for name, allowed in spec.ranges.items():
        if name in batch:
            ranges.entries(f"{name} of {spec.architecture}", batch[name], allowed)


def layer(name: str, shape: tuple[int, ...], bias: bool = True) -> dict[str, Parameter]:
    """Weight and bias of a convolution (rank 4) or a dense layer (rank 2).

    Before batch norm there is no bias: the mean takes it away again, and its gradient vanishes.
    """
    layout = "convolution" if len(shape) == 4 else "dense"
    weight = {f"{name}/weight": Parameter(shape, layout, "he_normal")}
    return weight | ({f"{name}/bias": Parameter(shape[-1:], "vector", "zeros")} if bias else {})


def norm_constants(norm: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """The constants of batch norm: decay, epsilon, unbiased. Raises UserError for what is none."""
    if norm is None:
        return None
    if set(norm) != {"decay", "epsilon", "unbiased"}:
        raise UserError(f"batch norm takes decay, epsilon and unbiased, got {sorted(norm)}")
    ranges.number("decay of batch norm", norm["decay"], ranges.FRACTION)
    ranges.number("epsilon of batch norm", norm["epsilon"], ranges.POSITIVE)
    return dict(norm)


def batch_norm(name: str, width: int) -> dict[str, Parameter]:
    """The learned scale (gamma, from 1) and shift (beta, from 0) of a batch norm layer."""
    return {
        f"{name}/scale": Parameter((width,), "vector", "ones"),
        f"{name}/shift": Parameter((width,), "vector", "zeros"),
    }


def running_statistics(name: str, width: int) -> dict[str, Buffer]:
    """What a batch norm layer remembers for inference."""
    return {
        f"{name}/running_mean": Buffer((width,), 0.0),
        f"{name}/running_variance": Buffer((width,), 1.0),
    }


def normalized(
    name: str,
    norm_name: str,
    shape: tuple[int, ...],
    norm: Mapping[str, Any] | None,
    size: tuple[int, ...] = (),
) -> tuple[dict[str, Parameter], dict[str, Buffer], dict[str, tuple[int, ...]]]:
    """A layer with the batch norm behind it, where there is one: parameters, buffers, activations.

    Without batch norm the layer has a bias. size: rows and columns of the images that a convolution
    makes.
    """
    parameters, made = layer(name, shape, bias=not norm), (*size, shape[-1])
    if not norm:
        return parameters, {}, {name: made}
    parameters |= batch_norm(norm_name, shape[-1])
    return parameters, running_statistics(norm_name, shape[-1]), {name: made, norm_name: made}


def scaled(channels: int, width: float) -> int:
    """So many channels times the width. Raises UserError unless that is a whole number, 1 or more.

    A product that is whole but for rounding is whole.
    """
    ranges.number("width", width, ranges.POSITIVE)
    found = channels * width
    if round(found) < 1 or abs(found - round(found)) > 1e-9 * found:
        raise UserError(f"a width of {width:g} leaves {found:g} of {channels} channels")
    return round(found)


def count(parameters: Mapping[str, Parameter]) -> int:
    """Numbers that are learned. For specs with options, whose count is no constant."""
    return sum(math.prod(parameter.shape) for parameter in parameters.values())


def names() -> list[str]:
    """The architectures, by listing bench/specs."""
    folder = Path(__file__).parent / "specs"
    return sorted(path.stem for path in folder.glob("*.py") if path.stem != "__init__")


def get(name: str) -> Spec:
    """The spec of an architecture with its default options."""
    return importlib.import_module(f"bench.specs.{name}").spec()
