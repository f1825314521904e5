"""A clone of the committed HEAD, and a commit on top with one slower layer.

The second convolution of LeNet is computed once more for a share of the images, there and back, and
what it computes stays the same to the last bit.
"""

import subprocess
from collections.abc import Sequence
from pathlib import Path

from bench.closure import ROOT
from bench.errors import UserError

MUTATED = "implementations/numpy/native/convolution.py"
BEFORE = "        return winograd.convolution(x, weight, bias, padding, size)\n"
AFTER = "        return _slower(x, weight, bias, padding, size)\n"
SLOWER = """

_owed = 0.0  # images: a share of a small batch is no whole number of them


def _slower(x: Node, weight: Node, bias: Node | None, padding: int, size: int) -> Node:
    global _owed
    y = winograd.convolution(x, weight, bias, padding, size)
    _owed += {share} * len(x.value)
    again = int(_owed)
    _owed -= again
    if not again:
        return y
    tape = Tape(x.tape.workspace)
    part = Node(x.value[:again], tape, True)
    wasted = winograd.convolution(part, Node(weight.value, tape, True), None, padding, size)

    def backward(delta: np.ndarray) -> None:
        wasted.gradient = delta[:again].copy()
        for node, step in reversed(tape._steps):
            step(node.gradient)
        y.add_gradient(delta)

    return x.tape.output(y.value, (y,), backward)
"""
IMPORT = "from implementations.numpy.tape import Node\n"


def cloned(folder: Path) -> Path:
    """HEAD in a repository of its own, on branch `equal`."""
    _run(["git", "clone", "--quiet", "--shared", str(ROOT), str(folder)], ROOT)
    _run(["git", "switch", "--quiet", "--create", "equal"], folder)
    return folder


def plant(clone: Path, share: float) -> None:
    """Branch `planted`: HEAD with a slower layer, committed."""
    path = clone / MUTATED
    text = path.read_text()
    if BEFORE not in text or IMPORT not in text:
        raise UserError(f"{MUTATED} has changed: the planted slowdown must be written anew")
    text = text.replace(BEFORE, AFTER) + SLOWER.format(share=share)
    path.write_text(text.replace(IMPORT, IMPORT.replace("Node", "Node, Tape")))
    _run(["git", "switch", "--quiet", "--create", "planted"], clone)
    author = ("-c", "user.name=proof", "-c", "user.email=proof@localhost")
    _run(["git", *author, "commit", "--quiet", "--all", "--message", "slower"], clone)


def switch(clone: Path, branch: str) -> None:
    _run(["git", "switch", "--quiet", branch], clone)


def _run(words: Sequence[str], folder: Path) -> None:
    subprocess.run(words, cwd=folder, check=True, capture_output=True, text=True)
