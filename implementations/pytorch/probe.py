"""What an adapter passes through a net: it lets activations by, and may look at them.

The base class only keeps new buffers, and is what training uses.
"""

from collections.abc import Mapping

from torch import Tensor

from bench.contract import INFERENCE, Mode
from implementations.pytorch import layers


class Probe:
    """Lets every activation pass, decides nothing, keeps what the buffers become."""

    def __init__(self, mode: Mode = INFERENCE) -> None:
        self.mode = mode
        self.buffers: dict[str, Tensor] = {}

    def record(self, name: str, x: Tensor) -> Tensor:
        """Called with every activation of the spec; the net goes on with what is returned."""
        return x

    def choose(self, name: str, x: Tensor, window: int, stride: int) -> Tensor | None:
        """Called before every pooling layer; None leaves the choice to the maximum."""
        return None

    def note(self, name: str, value: Tensor) -> None:
        """Called with every buffer as it would be after this pass, where the mode moves it."""
        self.buffers[name] = value


class Witness(Probe):
    """Notes the decisions of the pooling layers, and hands in those it was given."""

    def __init__(self, mode: Mode, given: Mapping[str, Tensor] | None = None) -> None:
        super().__init__(mode)
        self.given = given or {}
        self.decisions: dict[str, Tensor] = {}
        self.margins: dict[str, Tensor] = {}

    def choose(self, name: str, x: Tensor, window: int, stride: int) -> Tensor | None:
        decision, margin = layers.max_pool_decision(x.detach(), window, stride)
        choice = self.given.get(name)
        if choice is not None:
            decision = decision.where(choice < 0, choice)
        self.decisions[name], self.margins[name] = decision, margin
        return choice


class Tracer(Probe):
    """Keeps every activation, and has autograd ask for the gradient by it."""

    def __init__(self, mode: Mode) -> None:
        super().__init__(mode)
        self.activations: dict[str, Tensor] = {}

    def record(self, name: str, x: Tensor) -> Tensor:
        if not x.requires_grad:  # nothing before it does: this is where the backward pass ends
            x = x.detach().requires_grad_()
        self.activations[name] = x
        return x
