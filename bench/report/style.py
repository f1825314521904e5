"""The look that pages and figures share: a colour, a mark and a line for each player."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Look:
    title: str
    colour: str  # readable on white and on near-black
    marker: str
    dashes: tuple[float, float] | str


LOOKS = {
    "numpy": Look("NumPy", "#3b78c4", "o", ""),
    "pytorch": Look("PyTorch", "#d9532c", "s", (5, 2)),
    "tensorflow": Look("TensorFlow", "#c98a00", "D", (2, 1.5)),
    "jax": Look("JAX", "#2b9a77", "^", (6, 1.5)),
}
OTHER = Look("", "#8a6bbd", "v", (1, 1))

# A word, a shape and a tone: colour is never the only sign.
SHAPES = {
    "supported": "●",
    "refuted": "✕",
    "inconclusive": "○",
    "conditional": "◐",
    "differs between frameworks": "≠",
    "not judged": "–",
}


def look(framework: str) -> Look:
    return LOOKS.get(framework, OTHER)


def title(framework: str) -> str:
    return look(framework).title or framework
