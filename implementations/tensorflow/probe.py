"""What an adapter passes through a net: it lets activations by, and may look at them.

The base class only keeps new buffers, and is what training uses.
"""

from collections.abc import Mapping

import tensorflow as tf

from bench.contract import INFERENCE, Mode
from implementations.tensorflow import layers


class Probe:
    """Lets every activation pass, decides nothing, keeps what the buffers become."""

    def __init__(self, mode: Mode = INFERENCE) -> None:
        self.mode = mode
        self.buffers: dict[str, tf.Tensor] = {}

    def record(self, name: str, x: tf.Tensor) -> tf.Tensor:
        """Called with every activation of the spec; the net goes on with what is returned."""
        return x

    def choose(self, name: str, x: tf.Tensor, window: int, stride: int) -> tf.Tensor | None:
        """Called before every pooling layer; None leaves the choice to the maximum."""
        return None

    def note(self, name: str, value: tf.Tensor) -> None:
        """Called with every buffer as it would be after this pass, where the mode moves it."""
        self.buffers[name] = value


class Witness(Probe):
    """Notes the decisions of the pooling layers, and hands in those it was given."""

    def __init__(self, mode: Mode, given: Mapping[str, tf.Tensor] | None = None) -> None:
        super().__init__(mode)
        self.given = given or {}
        self.decisions: dict[str, tf.Tensor] = {}
        self.margins: dict[str, tf.Tensor] = {}

    def choose(self, name: str, x: tf.Tensor, window: int, stride: int) -> tf.Tensor | None:
        decision, margin = layers.max_pool_decision(tf.stop_gradient(x), window, stride)
        choice = self.given.get(name)
        if choice is not None:
            decision = tf.where(choice < 0, decision, choice)
        self.decisions[name], self.margins[name] = decision, margin
        return choice


class Tracer(Probe):
    """Keeps every activation, and has the tape ask for the gradient by it."""

    def __init__(self, mode: Mode, tape: tf.GradientTape) -> None:
        super().__init__(mode)
        self.tape = tape
        self.activations: dict[str, tf.Tensor] = {}

    def record(self, name: str, x: tf.Tensor) -> tf.Tensor:
        self.tape.watch(x)
        self.activations[name] = x
        return x
