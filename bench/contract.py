"""The contract of a framework folder.

A folder implementations/<framework>/ offers, in its adapter.py,

    environment(config) -> Environment        versions, BLAS, device and threads in force
    build(spec, updates, config) -> System    a net with its updates, compiled once per shape

A system is named parameters, named pure functions and named updates. Nothing else differs between a
perceptron and a detector: the alternation of a GAN is a loop over two updates, searching a latent
code is an update with respect to an input, Monte-Carlo dropout is a mode of a function. So loops
live in bench/, nets live in the folders, and the folders stay parallel.

The rules that a folder keeps:

* Everything that crosses the border is a NumPy array under its canonical name ("conv1/weight") in
  its canonical layout: images (batch, height, width, channels), convolution kernels (height, width,
  in, out), dense weights (in, out). Framework tensors never leave the folder.
* Everything random or masked is an entry of the batch. Everything that lasts is in the state.
* load() is exact: a name that is missing or left over, or a shape that differs, is a ContractError,
  raised before anything is taken (check_state of bench/spec.py).
* A gradient that the objective does not depend on is zero, and is answered like any other.
* The learning rate is a number per call; changing it compiles nothing anew.
* What is timed is update(), and forward() where it is a forward pass alone. update() is the whole
  training step (forward, loss, backward, optimizer), may return before the device is done, and
  never synchronizes; nor does forward(). Synchronizing belongs to the harness, which calls
  synchronize() once at the end of what it times. stage() puts a batch on the device outside the
  clock; read(), collect(), evaluate() and export() are outside it too. The first update() of a
  shape contains the compilation and is reported apart.
* update() computes what apply(differentiate()) computes. A test says so for every folder.
* Two variants, chosen by Config.variant. The reference is written out from the equations. The
  native one is the fastest idiomatic form that the framework offers: its update() and forward()
  take the library's fused layers, another layout of memory, a compiled step, and compute the same
  within the same tolerances. Every other question is answered as the reference answers it, so that
  the rule above is what a native variant is tested by. Throughput is quoted for it.
* The parts of a batch, each differentiated at the same state, step as the batch: average() makes of
  their answers, by the folder's techniques/accumulation.py, what apply() takes. It changes nothing.
* Buffers, the running statistics of batch norm, are state that no gradient moves. A function in a
  mode with batch statistics answers with the buffers as they would be after it; update() and
  apply() commit them, everything else leaves them as they are.
* Dropout is a mask in the batch: "dropout/<layer>" holds 1 for a unit that stays and 0 for one
  that is put out, and is read when the mode has dropout on.
* techniques/ holds the techniques one file each. What bench calls there directly (schedules, the
  framework's own initializers and dropout masks) takes and returns numbers and NumPy arrays.
* Near ties: a maximum over a window is a decision. `decisions` holds, for each named pooling layer,
  the position of the maximum in its window, counted in row-major order, shape (batch, height,
  width, channels) of the layer's output; `margins` the distance to the runner-up. They cost time,
  so they are noted only when a caller passes `decisions`, be it an empty mapping; what it holds
  is handed in, entries of -1 leaving the choice to the framework. What takes a pooling back by its
  indices goes where its decision went, be it its own or handed in. bench/conformance/lockstep.py
  uses them.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import numpy as np

from bench import ranges
from bench.errors import ContractError
from bench.optimizers import Optimizer
from bench.ranges import POSITIVE

Arrays = Mapping[str, np.ndarray]
Batch = Any  # whatever the framework's stage() returned; opaque to bench


@dataclass(frozen=True)
class Mode:
    """Two flags, not one: Monte-Carlo dropout needs dropout on and batch norm frozen."""

    batch_statistics: bool
    dropout: bool


TRAINING = Mode(batch_statistics=True, dropout=True)
INFERENCE = Mode(batch_statistics=False, dropout=False)
VARIANTS = ("reference", "native")


@dataclass(frozen=True)
class Update:
    """One way to change the state.

    `objective` names a scalar function of the spec, the sum of its reported terms. `wrt` lists
    prefixes of parameter names ("generator/"; "" is every parameter) or inputs ("input:z").
    An update with wrt=() only moves buffers.

    What the objective's gradient becomes before the rule: clipped first, then g + w p for the
    parameters that the update moves. So the limit is one of what the data say, as where PyTorch
    clips before its optimizer decays. Neither is in what differentiate() answers; apply() does it.

    Raises UserError for a limit or a decay that is not positive.
    """

    objective: str
    wrt: tuple[str, ...]
    optimizer: Optimizer
    mode: Mode = TRAINING
    clip_global_norm: float | None = None
    weight_decay: float | None = None

    def __post_init__(self) -> None:
        if self.clip_global_norm is not None:
            ranges.number("clip_global_norm", self.clip_global_norm, POSITIVE)
        if self.weight_decay is not None:
            ranges.number("weight_decay", self.weight_decay, POSITIVE)

    def selects(self, parameter: str) -> bool:
        """Whether this update moves the parameter of that canonical name."""
        return any(
            parameter.startswith(prefix) for prefix in self.wrt if not prefix.startswith("input:")
        )

    def inputs(self) -> tuple[str, ...]:
        """The batch entries this update is a gradient of, without their "input:"."""
        return tuple(name.removeprefix("input:") for name in self.wrt if name.startswith("input:"))


@dataclass(frozen=True)
class Config:
    """What a system is built for. Raises UserError for a variant that is not known."""

    dtype: Literal["float32", "float64"] = "float32"
    device: Literal["auto", "cpu", "cuda"] = "cpu"
    threads: int = 1
    variant: Literal["reference", "native"] = "reference"

    def __post_init__(self) -> None:
        ranges.choice("variant", self.variant, VARIANTS)


@dataclass(frozen=True)
class Environment:
    framework: str
    versions: Mapping[str, str]
    blas: str
    device: str  # the device in force, after a fallback
    threads: int
    notes: tuple[str, ...] = ()  # a fallback from cuda to cpu, for instance


@dataclass(frozen=True)
class State:
    """All that lasts. optimizer[update] holds "<parameter>/<slot>", step[update] counts from 0."""

    parameters: Arrays
    buffers: Arrays = field(default_factory=dict)
    optimizer: Mapping[str, Arrays] = field(default_factory=dict)
    carried: Arrays = field(default_factory=dict)
    step: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Evaluation:
    outputs: Arrays
    decisions: Arrays = field(default_factory=dict)
    margins: Arrays = field(default_factory=dict)
    buffers: Arrays = field(default_factory=dict)
    carried: Arrays = field(default_factory=dict)


@dataclass(frozen=True)
class Gradients:
    """terms: the objective's reported terms; gradients: by parameter name or "input:<entry>"."""

    terms: Mapping[str, float]
    gradients: Arrays
    evaluation: Evaluation

    def by_parameters(self) -> Arrays:
        """Those that can be applied: the gradients of inputs are left out."""
        return {n: array for n, array in self.gradients.items() if not n.startswith("input:")}


class System(Protocol):
    def load(self, state: State) -> None:
        """Take parameters (all of them); buffers, the optimizer's state and the steps, or their
        initial values where they are empty."""
        ...

    def export(self) -> State:
        """A deep copy of the state, in canonical names and layouts."""
        ...

    def stage(self, batch: Arrays) -> Batch:
        """Put a batch on the device in the framework's layout and the system's dtype.

        What is staged may go on reading the arrays of the batch: they are not to be changed.
        Raises UserError for images, labels or masks of another size or number than the spec says,
        and for a number outside of the range that it gives an entry (check_batch of
        bench/spec.py).
        """
        ...

    def place(self, batch: Arrays) -> Batch:
        """stage() of rows of a data set that check_batch() let pass as a whole: unchecked."""
        ...

    def evaluate(
        self, function: str, batch: Batch, mode: Mode, decisions: Arrays | None = None
    ) -> Evaluation:
        """Run a named function of the spec; changes nothing."""
        ...

    def forward(self, function: str, batch: Batch, mode: Mode) -> None:
        """The timed call of a forward pass: as evaluate(), and the outputs stay on the device."""
        ...

    def differentiate(
        self, update: str, batch: Batch, decisions: Arrays | None = None
    ) -> Gradients:
        """The update's terms and gradients; changes nothing."""
        ...

    def average(self, parts: Sequence[Gradients], examples: Sequence[int]) -> Gradients:
        """The answer for a batch from those for its parts, of so many examples each.

        What belongs to single examples is left out: outputs, decisions, gradients of inputs.
        """
        ...

    def apply(self, update: str, gradients: Gradients, learning_rate: float) -> None:
        """Clip and decay if the update says so, step the optimizer, commit buffers and carried
        state.

        Gradients of inputs are not applied: whoever searches over an input owns it.
        """
        ...

    def update(self, update: str, batch: Batch, learning_rate: float) -> None:
        """The timed call: one fused training step, possibly asynchronous."""
        ...

    def read(self) -> Mapping[str, float]:
        """The terms of the last update(); waits for them."""
        ...

    def collect(self) -> Arrays:
        """The outputs of the last forward(); waits for them."""
        ...

    def trace(self, update: str, batch: Batch) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
        """Name, activation, gradient of the objective by it, in the spec's order."""
        ...

    def synchronize(self) -> None:
        """Wait for the device; the harness calls it, implementations never do."""
        ...

    def close(self) -> None:
        """Let go of device memory and compiled functions."""
        ...


def check_names(what: str, expected: Mapping[str, tuple[int, ...]], found: Arrays) -> None:
    """Raise ContractError unless names and shapes are exactly the expected ones."""
    missing, left_over = expected.keys() - found.keys(), found.keys() - expected.keys()
    if missing or left_over:
        raise ContractError(f"{what}: missing {sorted(missing)}, left over {sorted(left_over)}")
    for name, shape in expected.items():
        if tuple(found[name].shape) != tuple(shape):
            raise ContractError(f"{what}: {name} is {found[name].shape}, the spec says {shape}")
