"""A batch that was staged: arrays that a compiled function takes."""

from collections.abc import Iterator, Mapping
from typing import Any

import jax.numpy as jnp


class Staged(Mapping[str, Any]):
    """The arrays of a batch by name; those of NumPy are read once, and are JAX's own from then on.

    A compiled function copies NumPy's arrays into memory that XLA has at hand, if it does not read
    them where they lie. For one reading that costs less than to make them JAX's own, and more for
    every one after it: a training loop reads a batch once, a timer goes round in a few. What was
    compiled for the one takes the other: both are bound to no device.
    """

    __slots__ = ("_arrays", "_own", "_read")

    def __init__(self, arrays: dict[str, Any], own: bool) -> None:
        """own: whether they are JAX's already."""
        self._arrays, self._own, self._read = arrays, own, False

    def arrays(self) -> dict[str, Any]:
        """For a function that reads them."""
        if self._read and not self._own:
            self._arrays = {name: jnp.array(array) for name, array in self._arrays.items()}
            self._own = True
        self._read = True
        return self._arrays

    def __getitem__(self, name: str) -> Any:
        return self._arrays[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._arrays)

    def __len__(self) -> int:
        return len(self._arrays)
