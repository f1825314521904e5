"""CIFAR-10: 50,000 and 10,000 photographs of 32 x 32 pixels in color. Downloaded (170 MB).

By Krizhevsky, Nair and Hinton, labeled from the 80 million tiny images. Licence and citation: see
DATASET. The binary version is read, and not Python's: nothing is unpickled.

The publisher's split is kept.
"""

import tarfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from bench.dataset import Dataset, File, Images
from bench.errors import UserError

FILE = "cifar-10-binary.tar.gz"
BATCHES = (*(f"data_batch_{number}.bin" for number in range(1, 6)), "test_batch.bin")
RECORD = 1 + 3 * 32 * 32  # label, then the red, the green and the blue plane, each row by row


def read(paths: Mapping[str, Path]) -> Images:
    """The five training batches, then the test batch, as published.

    Raises UserError when the archive is cut off, lacks a batch, or a batch ends within a record.
    """
    try:
        with tarfile.open(paths[FILE], "r:gz") as archive:
            batches = [_content(archive, batch) for batch in BATCHES]
    except (tarfile.TarError, KeyError, EOFError) as error:
        raise UserError(f"{paths[FILE]} is no whole archive of CIFAR-10: {error}") from None
    for batch, content in zip(BATCHES, batches, strict=True):
        if len(content) % RECORD:
            left = f"{len(content)} bytes, which is no multiple of {RECORD}"
            raise UserError(f"{paths[FILE]}: {batch} has {left}")
    table = np.frombuffer(b"".join(batches), dtype=np.uint8).reshape(-1, RECORD)
    x = table[:, 1:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
    return Images(np.ascontiguousarray(x), table[:, 0].astype(np.int64))


def _content(archive: tarfile.TarFile, batch: str) -> bytes:
    """Raises KeyError when the archive has no such file."""
    member = archive.extractfile(f"cifar-10-batches-bin/{batch}")
    if member is None:
        raise KeyError(f"{batch} is no file")
    return member.read()


DATASET = Dataset(
    name="cifar10",
    title="CIFAR-10",
    source="the publisher's page at the University of Toronto",
    publisher="Alex Krizhevsky, Vinod Nair and Geoffrey Hinton, University of Toronto",
    licence="none stated by its publisher, who asks to be cited",
    citation="Krizhevsky (2009), Learning Multiple Layers of Features from Tiny Images",
    files=(
        File(
            FILE,
            {"c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd": 170_052_171},
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
