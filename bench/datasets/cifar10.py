"""CIFAR-10: 50,000 and 10,000 photographs of 32 x 32 pixels in colour. Downloaded (162 MB).

The binary version: nothing is unpickled.
"""

import tarfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from bench.dataset import Dataset, File, Images
from bench.errors import UserError

FILE = "cifar-10-binary.tar.gz"
BATCHES = (*(f"data_batch_{number}.bin" for number in range(1, 6)), "test_batch.bin")
RECORD = 1 + 3 * 32 * 32  # label, then the red, the green and the blue plane


def read(paths: Mapping[str, Path]) -> Images:
    """The five training batches, then the test batch, as published."""
    records = []
    with tarfile.open(paths[FILE], "r:gz") as archive:
        for batch in BATCHES:
            member = archive.extractfile(f"cifar-10-batches-bin/{batch}")
            if member is None:
                raise UserError(f"{paths[FILE]} lacks {batch}: delete it and run again")
            records.append(np.frombuffer(member.read(), dtype=np.uint8).reshape(-1, RECORD))
    table = np.concatenate(records)
    x = table[:, 1:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
    return Images(np.ascontiguousarray(x), table[:, 0].astype(np.int64))


DATASET = Dataset(
    name="cifar10",
    title="CIFAR-10",
    source="Alex Krizhevsky, University of Toronto",
    licence="none stated by its publisher; free for research with citation",
    citation="Krizhevsky (2009), Learning Multiple Layers of Features from Tiny Images",
    files=(
        File(
            FILE,
            ("c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",),
            urls=(f"https://www.cs.toronto.edu/~kriz/{FILE}",),
        ),
    ),
    read=read,
    shape=(32, 32, 3),
    classes=(
        *("airplane", "automobile", "bird", "cat", "deer"),
        *("dog", "frog", "horse", "ship", "truck"),
    ),
    train=50_000,
    test=10_000,
    split="published",
)
