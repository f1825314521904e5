"""What is laid out for vectors holds the same numbers as what NumPy lays out."""

import numpy as np
import pytest

from implementations.jax import memory


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "uint8"])
def test_a_copy_begins_at_a_line_and_holds_the_same_numbers(dtype: str) -> None:
    source = np.arange(3 * 7 * 5, dtype=dtype).reshape(7, 5, 3)
    for given in (source, source[1:, ::2].T, source[:0], source[0, 0, 0]):
        found = memory.aligned(given)
        np.testing.assert_array_equal(found, given)
        assert found.dtype == source.dtype
        assert found.ctypes.data % 64 == 0
        assert found.flags.c_contiguous
        assert not np.shares_memory(found, source)
