"""Counter-based random streams: randomness is data, the same in all four frameworks.

A stream is named by (seed, purpose, step). The name alone fixes the numbers: no stream depends on
how many numbers another one has drawn, so a run may be resumed, reordered or split without moving a
single draw. Philox (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011) maps a
128-bit key and a 256-bit counter to random bits; the key is a hash of seed and purpose, the step is
the upper half of the counter, which leaves 2^128 draws to each step.

Everything random enters a framework as an array drawn here. No framework's own generator is asked
for equality: the same seed gives other numbers in each of them.
"""

import hashlib

import numpy as np
from numpy.random.bit_generator import ISeedSequence

from bench.errors import UserError


class Key(ISeedSequence):
    """Hands Philox its key as it is.

    Philox(key=...) gives the same numbers, and asks the system for entropy first, which it does not
    use and which takes most of the time of making a stream.
    """

    def __init__(self, words: np.ndarray) -> None:
        self.words = words

    def generate_state(self, n_words: int, dtype: type = np.uint64) -> np.ndarray:
        """The two words that Philox asks for."""
        return self.words


def stream(seed: int, purpose: str, step: int = 0) -> np.random.Generator:
    """Return the generator named (seed, purpose, step).

    Raises ValueError for a negative seed or step: they name nothing.
    """
    if seed < 0 or step < 0:
        raise ValueError(f"seed and step must not be negative, got seed={seed}, step={step}")
    digest = hashlib.blake2b(f"{seed}/{purpose}".encode(), digest_size=16).digest()
    key = Key(np.frombuffer(digest, dtype=np.uint64))
    counter = np.array([0, 0, step, 0], dtype=np.uint64)
    # NumPy takes any ISeedSequence, which its annotations do not say.
    philox = np.random.Philox(key, counter=counter)  # type: ignore[arg-type]
    return np.random.Generator(philox)


def batch_order(seed: int, epoch: int, examples: int, batch_size: int) -> np.ndarray:
    """Return the example indices of one epoch, shape (steps, batch_size).

    The remainder that does not fill a batch is left out of this epoch (another permutation leaves
    out others): a partial last batch would weigh its examples differently, and frameworks disagree
    on how. Raises UserError for a batch that is larger than the data.
    """
    if batch_size > examples:
        raise UserError(f"a batch of {batch_size} does not fit {examples} examples: ask for less")
    steps = examples // batch_size
    order = stream(seed, "batch order", epoch).permutation(examples)
    return order[: steps * batch_size].reshape(steps, batch_size)
