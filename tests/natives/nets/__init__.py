"""Whole nets of a library's own layers, one file a framework: what a user of it would write.

    answer(spec, parameters, buffers, batch) -> Answer

asks a net of implementations/library/nets, its weights copied. Arrays are NumPy float64 under
canonical names and in canonical layout, going in and coming out. UNBIASED says which variance the
library's batch norm keeps; what our own keeps is an option. ARCHITECTURES are those that are
written. Dropout is left out: a library draws its own masks (tests/natives/<framework>.py).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

Arrays = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Answer:
    """logits: at inference, from the buffers given. The others: in training, on one batch."""

    logits: np.ndarray
    loss: float
    gradients: Arrays
    buffers: Arrays
