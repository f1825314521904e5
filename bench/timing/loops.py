"""What a worker times: a call that is repeated, over batches that take turns.

A net of a framework folder is one by Steps or Passes; a net of a library's own layers and a limit
of the machine (limits.py) are one as they are.
"""

import itertools
from collections.abc import Iterator, Sequence
from typing import Protocol

from bench.contract import INFERENCE, Arrays, Batch, State, System
from bench.timing.nets import RATE
from bench.training import TRAIN

FIRST_MOMENT = "/first_moment"


class Loop(Protocol):
    def stage(self, batches: Sequence[Arrays]) -> None:
        """Put the batches on the device, in the order in which they take turns."""
        ...

    def load(self, parameters: Arrays) -> None:
        """Begin anew: these parameters, no step made, the first batch next."""
        ...

    def steps(self, count: int) -> None:
        """The timed call: so many steps, possibly asynchronous."""
        ...

    def synchronize(self) -> None:
        """Wait for the device."""
        ...

    def found(self) -> Arrays:
        """What the steps led to, by canonical names: the parameters, or the outputs.

        Where the net has running statistics of this project's convention, these too; and the first
        moments of Adam, "<parameter>/first_moment", where it is this project's.
        """
        ...

    def close(self) -> None:
        """Let go of device memory and compiled functions."""
        ...


class _Rotating:
    def __init__(self, system: System) -> None:
        self.system = system
        self.staged: list[Batch] = []
        self.turns: Iterator[Batch] = iter(())

    def stage(self, batches: Sequence[Arrays]) -> None:
        self.staged = [self.system.stage(batch) for batch in batches]

    def load(self, parameters: Arrays) -> None:
        self.system.load(State(parameters=parameters))
        self.turns = itertools.cycle(self.staged)

    def synchronize(self) -> None:
        self.system.synchronize()

    def close(self) -> None:
        self.staged, self.turns = [], iter(())
        self.system.close()


class Steps(_Rotating):
    """Training steps of a framework folder's system."""

    def steps(self, count: int) -> None:
        for batch in itertools.islice(self.turns, count):
            self.system.update(TRAIN, batch, RATE)

    def found(self) -> Arrays:
        state = self.system.export()
        slots = state.optimizer[TRAIN].items()
        moments = {name: array for name, array in slots if name.endswith(FIRST_MOMENT)}
        return {**state.parameters, **state.buffers, **moments}


class Passes(_Rotating):
    """Forward passes of a framework folder's system at inference."""

    def steps(self, count: int) -> None:
        for batch in itertools.islice(self.turns, count):
            self.system.forward("logits", batch, INFERENCE)

    def found(self) -> Arrays:
        return self.system.collect()


CALLS = {"update": Steps, "forward": Passes}
