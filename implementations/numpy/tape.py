"""A small tape: it composes the backward passes that layers.py derives by hand.

A layer computes its value, and hands the tape a function that turns the gradient of its output into
gradients of its inputs. backward() calls those functions in reverse order, which is the chain rule.
Nothing is differentiated automatically here.
"""

import math
from collections.abc import Callable, Iterable

import numpy as np

LINE = 64  # bytes that a processor's cache moves at once, and its widest vector


def aligned(shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    """An array that begins at a line of the cache, with whatever is there.

    NumPy's own begin 16 bytes behind one where they are large, so that each of the widest vectors
    lies in two lines: sums in a second-level cache then take twice as long.
    """
    size = math.prod(shape) * dtype.itemsize
    memory = np.empty(size + LINE, np.uint8)
    start = -memory.ctypes.data % LINE
    return memory[start : start + size].view(dtype).reshape(shape)


class Workspace:
    """Arrays that are used again in every step.

    A step of a net asks for the same shapes in the same order each time. Fresh arrays of some
    megabytes would cost the kernel a page fault for every 4 KiB, a third of a training step.
    """

    def __init__(self) -> None:
        self._free: dict[tuple[tuple[int, ...], str], list[np.ndarray]] = {}
        self._lent: list[np.ndarray] = []

    def empty(self, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
        """An array with whatever it held before; valid until the next reclaim()."""
        free = self._free.setdefault((shape, dtype.str), [])
        array = free.pop() if free else aligned(shape, dtype)
        self._lent.append(array)
        return array

    def zeros(self, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
        array = self.empty(shape, dtype)
        array.fill(0)
        return array

    def give_back(self, array: np.ndarray) -> None:
        """End the loan of an array early, so that the next layer finds it still in the cache."""
        for position in range(len(self._lent) - 1, -1, -1):
            if self._lent[position] is array:
                del self._lent[position]
                self._free[array.shape, array.dtype.str].append(array)
                return

    def reclaim(self) -> None:
        """Take every array back: what was lent before belongs to the past step."""
        for array in self._lent:
            self._free[array.shape, array.dtype.str].append(array)
        self._lent.clear()


class Node:
    """A value on the tape. `wanted`: whether a gradient of it is asked for, directly or through."""

    __slots__ = ("gradient", "tape", "value", "wanted")

    def __init__(self, value: np.ndarray, tape: "Tape", wanted: bool = False) -> None:
        self.value, self.tape, self.wanted = value, tape, wanted
        self.gradient: np.ndarray | None = None

    def add_gradient(self, gradient: np.ndarray) -> None:
        """Add the contribution of one use of this value; the array becomes the node's own."""
        if self.gradient is None:
            self.gradient = gradient
        else:
            self.gradient += gradient

    def found(self) -> np.ndarray:
        """The gradient that arrived; zero where the objective does not depend on this value."""
        return np.zeros_like(self.value) if self.gradient is None else self.gradient

    def dot(self, constant: np.ndarray) -> "Node":
        """E = sum_i c_i x_i, a scalar. dE/dx = delta c."""

        def backward(delta: np.ndarray) -> None:
            self.add_gradient(delta * constant)

        return self.tape.output((self.value * constant).sum(), (self,), backward)


class Tape:
    """The backward functions of one forward pass, in order."""

    def __init__(self, workspace: Workspace | None = None) -> None:
        self.workspace = workspace or Workspace()
        self._steps: list[tuple[Node, Callable[[np.ndarray], None]]] = []

    def output(
        self,
        value: np.ndarray,
        inputs: tuple[Node, ...],
        backward: Callable[[np.ndarray], None],
    ) -> Node:
        """The node of a layer's value; backward(gradient of the value) adds to the inputs'.

        backward may overwrite the gradient that it is given.
        """
        node = Node(value, self, any(entry.wanted for entry in inputs))
        self.follow(node, backward)
        return node

    def follow(self, node: Node, backward: Callable[[np.ndarray], None]) -> None:
        """The same for a node that is there already."""
        if node.wanted:
            self._steps.append((node, backward))

    def backward(self, terms: Iterable[Node], keep: Iterable[Node] = ()) -> None:
        """Gradients of a sum of scalars by everything wanted; leaves and `keep` hold theirs."""
        kept = {id(node) for node in keep}
        for term in terms:
            term.gradient = np.ones_like(term.value)
        for node, step in reversed(self._steps):
            gradient, node.gradient = node.gradient, None
            if gradient is None:
                continue  # no term depends on it
            if id(node) in kept:
                node.gradient = gradient.copy()
            step(gradient)
        self._steps.clear()
