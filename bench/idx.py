"""The IDX format of MNIST and Fashion-MNIST.

magic    4 bytes: 0, 0, type (8: unsigned byte), number of dimensions
sizes    4 bytes each, most significant first
values   in row-major order
"""

import gzip
import math
import zlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from bench.dataset import Images
from bench.errors import UserError

PARTS = ("train", "t10k")


def read_array(path: Path) -> np.ndarray:
    """Raises UserError when the file is not a whole IDX file of bytes."""
    try:
        data = gzip.decompress(path.read_bytes())
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise UserError(
            f"{path} is not a whole gzip file ({error}): delete it and run again"
        ) from None
    start = 4 + 4 * data[3] if len(data) > 3 else 4
    if len(data) < start or data[:3] != b"\x00\x00\x08":
        raise UserError(f"{path} is not an IDX file of unsigned bytes")
    shape = np.frombuffer(data[4:start], dtype=">u4").astype(int).tolist()
    if len(data) - start != math.prod(shape):
        raise UserError(f"{path} holds {len(data) - start} values, its header says {shape}")
    return np.frombuffer(data[start:], dtype=np.uint8).reshape(shape)


def read_images(paths: Mapping[str, Path]) -> Images:
    """Training part first, then the test part, as published."""
    x = [read_array(paths[f"{part}-images-idx3-ubyte.gz"]) for part in PARTS]
    y = [read_array(paths[f"{part}-labels-idx1-ubyte.gz"]) for part in PARTS]
    return Images(np.concatenate(x)[..., None], np.concatenate(y).astype(np.int64))
