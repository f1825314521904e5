"""What an adapter passes through a net: it lets activations by, and may look at them.

The base class only keeps new buffers, and is what training uses. A probe lives as long as one trace
of a function; what it noted leaves the function as an output.
"""

from collections.abc import Mapping

import jax.numpy as jnp
from jax import Array, lax

from bench.contract import INFERENCE, Mode
from implementations.jax import layers


class Probe:
    """Lets every activation pass, decides nothing, keeps what the buffers become."""

    def __init__(self, mode: Mode = INFERENCE) -> None:
        self.mode = mode
        self.buffers: dict[str, Array] = {}

    def record(self, name: str, x: Array) -> Array:
        """Called with every activation of the spec; the net goes on with what is returned."""
        return x

    def choose(self, name: str, x: Array, window: int, stride: int) -> Array | None:
        """Called before every pooling layer; None leaves the choice to the maximum."""
        return None

    def note(self, name: str, value: Array) -> None:
        """Called with every buffer as it would be after this pass, where the mode moves it."""
        self.buffers[name] = value


class Witness(Probe):
    """Notes the decisions of the pooling layers, and hands in those it was given."""

    def __init__(self, mode: Mode, given: Mapping[str, Array] | None = None) -> None:
        super().__init__(mode)
        self.given = given or {}
        self.decisions: dict[str, Array] = {}
        self.margins: dict[str, Array] = {}

    def choose(self, name: str, x: Array, window: int, stride: int) -> Array | None:
        decision, margin = layers.max_pool_decision(lax.stop_gradient(x), window, stride)
        choice = self.given.get(name)
        if choice is not None:
            decision = jnp.where(choice < 0, decision, choice)
        self.decisions[name], self.margins[name] = decision, margin
        return choice


class Tracer(Probe):
    """Keeps every activation, and adds to it a zero by which the objective is differentiated.

    Without the zeros, when only the shapes of the activations are asked for, nothing is added.
    """

    def __init__(self, mode: Mode, zeros: Mapping[str, Array] | None = None) -> None:
        super().__init__(mode)
        self.zeros = zeros or {}
        self.activations: dict[str, Array] = {}

    def record(self, name: str, x: Array) -> Array:
        if name in self.zeros:
            x = x + self.zeros[name]
        self.activations[name] = x
        return x
