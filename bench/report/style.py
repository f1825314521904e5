"""The look that pages and figures share: a colour, a mark and a line for each player."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Look:
    """`colour` stands for the player while a figure is drawn; the page replaces it by --p-<key>."""

    key: str  # of the classes and custom properties in style.css
    title: str
    colour: str
    marker: str  # Matplotlib's
    glyph: str  # the same mark as text
    dashes: tuple[float, ...] | str


LOOKS = {
    "numpy": Look("numpy", "NumPy", "#2f68b1", "o", "●", ""),
    "pytorch": Look("pytorch", "PyTorch", "#c2431e", "s", "■", (5, 1.5)),
    "tensorflow": Look("tensorflow", "TensorFlow", "#8f6202", "D", "◆", (2, 1.2)),
    "jax": Look("jax", "JAX", "#1d7b5e", "^", "▲", (6, 1.5, 1.5, 1.5)),
}
OTHER = Look("other", "", "#7a5aa9", "v", "▼", (1, 1))

# Arms of a claim: colours by number, with dashes and marks, so that colour is never the only sign.
ARM_COLOURS = (
    "#3b5fa1",
    "#b8472f",
    "#2f7a55",
    "#86620b",
    "#7b4f9e",
    "#11788a",
    "#9a3f6d",
    "#5d5d3a",
)
ARM_DASHES = ("", (5, 1.5), (2, 1.2), (6, 1.5, 1.5, 1.5), (1, 1), (8, 2), (3, 1, 1, 1), (4, 4))
ARM_MARKERS = ("o", "s", "D", "^", "v", "P", "X", "*")

# A word, a shape and a tone: colour is never the only sign.
SHAPES = {
    "supported": "●",
    "refuted": "✕",
    "inconclusive": "○",
    "conditional": "◐",
    "differs between frameworks": "≠",
    "not judged": "–",
}

MEANINGS = {
    "supported": "The rule, fixed before the runs, says that the sentence holds.",
    "refuted": "The rule says that it does not hold, or that the effect is too small to matter.",
    "conditional": "It holds in some settings and fails in others; the settings are named.",
    "differs between frameworks": "The frameworks do not agree, beyond what their seeds explain.",
    "inconclusive": "These seeds cannot tell; the smallest effect they could have seen is stated.",
    "not judged": "The runs were too few or too short to be judged, or followed another rule.",
}

JUDGED = tuple(word for word in MEANINGS if word != "not judged")

# As a course would go; whatever else is claimed comes after, by name.
_COURSE = (
    *("before 2005", "data", "mini-batches", "activations", "initialization", "optimization"),
    *("batch normalization", "dropout", "convolution", "pooling", "convolutional nets"),
)
TOPICS = {topic: place for place, topic in enumerate(_COURSE)}


def look(framework: str) -> Look:
    return LOOKS.get(framework, OTHER)


def title(framework: str) -> str:
    return look(framework).title or framework


def in_order(frameworks: Iterable[str]) -> list[str]:
    """The order of columns and staves: the four players, then whoever else plays, by name."""
    rank = {name: position for position, name in enumerate(LOOKS)}
    return sorted(frameworks, key=lambda name: (rank.get(name, len(rank)), name))
