"""Arrays that begin at a multiple of 64 bytes: a line of the cache, and the widest vector.

XLA reads such an array where it lies, and copies any other one first. NumPy's own begin at a
multiple of 16.
"""

import numpy as np

LINE = 64


def aligned(array: np.ndarray) -> np.ndarray:
    """A copy that begins at a line."""
    room = np.empty(array.nbytes + LINE, np.uint8)
    copy = np.ndarray(array.shape, array.dtype, room, -room.ctypes.data % LINE)
    copy[...] = array
    return copy
