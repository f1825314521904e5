"""What an adapter passes through a net: it lets activations by, and may look at them.

The base class only keeps new buffers, and is what training uses.
"""

from collections.abc import Mapping

import numpy as np

from bench.contract import INFERENCE, Mode
from implementations.numpy import layers
from implementations.numpy.tape import Node


class Probe:
    """Lets every activation pass, decides nothing, keeps what the buffers become."""

    def __init__(self, mode: Mode = INFERENCE) -> None:
        self.mode = mode
        self.buffers: dict[str, np.ndarray] = {}

    def record(self, name: str, x: Node) -> Node:
        """Called with every activation of the spec; the net goes on with what is returned."""
        return x

    def choose(self, name: str, x: Node, window: int, stride: int) -> np.ndarray | None:
        """Called before every pooling layer; None leaves the choice to the maximum."""
        return None

    def note(self, name: str, value: np.ndarray) -> None:
        """Called with every buffer as it would be after this pass, where the mode moves it."""
        self.buffers[name] = value


class Witness(Probe):
    """Notes the decisions of the pooling layers, and hands in those it was given."""

    def __init__(self, mode: Mode, given: Mapping[str, np.ndarray] | None = None) -> None:
        super().__init__(mode)
        self.given = given or {}
        self.decisions: dict[str, np.ndarray] = {}
        self.margins: dict[str, np.ndarray] = {}

    def choose(self, name: str, x: Node, window: int, stride: int) -> np.ndarray | None:
        decision, margin = layers.max_pool_decision(x.value, window, stride)
        choice = self.given.get(name)
        if choice is not None:
            decision = np.where(choice < 0, decision, choice)
        self.decisions[name], self.margins[name] = decision, margin
        return choice


class Tracer(Probe):
    """Keeps every activation, and has the tape ask for the gradient by it."""

    def __init__(self, mode: Mode) -> None:
        super().__init__(mode)
        self.activations: dict[str, Node] = {}

    def record(self, name: str, x: Node) -> Node:
        if not x.wanted:  # nothing before it is: this is where the backward pass ends
            x = Node(x.value, x.tape, wanted=True)
        self.activations[name] = x
        return x
