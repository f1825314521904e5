"""The published formats, on small files written here in them."""

import gzip
import io
import tarfile
from pathlib import Path

import numpy as np
import pytest

from bench import idx
from bench.datasets import cifar10
from bench.errors import UserError


def pack_idx(array: np.ndarray) -> bytes:
    sizes = b"".join(int(size).to_bytes(4, "big") for size in array.shape)
    return bytes([0, 0, 8, array.ndim]) + sizes + array.tobytes()


def test_idx_files_are_read_as_written(tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    arrays = {}
    for part, count in (("train", 7), ("t10k", 3)):
        arrays[f"{part}-images-idx3-ubyte.gz"] = random.integers(0, 256, (count, 4, 5), np.uint8)
        arrays[f"{part}-labels-idx1-ubyte.gz"] = random.integers(0, 10, count, np.uint8)
    for name, array in arrays.items():
        (tmp_path / name).write_bytes(gzip.compress(pack_idx(array)))
    images = idx.read_images({name: tmp_path / name for name in arrays})
    assert images.x.shape == (10, 4, 5, 1)
    assert (images.x.dtype, images.y.dtype) == (np.uint8, np.int64)
    np.testing.assert_array_equal(images.x[:7, ..., 0], arrays["train-images-idx3-ubyte.gz"])
    np.testing.assert_array_equal(images.x[7:, ..., 0], arrays["t10k-images-idx3-ubyte.gz"])
    np.testing.assert_array_equal(images.y[7:], arrays["t10k-labels-idx1-ubyte.gz"])


WHOLE = pack_idx(np.arange(12, dtype=np.uint8).reshape(3, 4))
BROKEN_IDX = {
    "plain": (WHOLE, "not a whole gzip file"),
    "cut off": (gzip.compress(WHOLE)[:-9], "not a whole gzip file"),
    "flipped": (gzip.compress(WHOLE)[:12] + b"\xff\xff" + gzip.compress(WHOLE)[14:], "whole gzip"),
    "one value short": (gzip.compress(WHOLE[:-1]), r"holds 11 values, its header says \[3, 4\]"),
    "one value more": (gzip.compress(WHOLE + b"0"), "holds 13 values"),
    "header alone": (gzip.compress(WHOLE[:7]), "not an IDX file"),
    "floats": (gzip.compress(b"\x00\x00\x0d" + WHOLE[3:]), "not an IDX file of unsigned bytes"),
    "empty": (gzip.compress(b""), "not an IDX file"),
}


@pytest.mark.parametrize("kind", BROKEN_IDX)
def test_a_broken_idx_file_is_refused(tmp_path: Path, kind: str) -> None:
    content, message = BROKEN_IDX[kind]
    path = tmp_path / "broken.gz"
    path.write_bytes(content)
    with pytest.raises(UserError, match=message):
        idx.read_array(path)


def pack_cifar(path: Path, contents: dict[str, bytes]) -> dict[str, Path]:
    with tarfile.open(path, "w:gz") as archive:
        for name, content in contents.items():
            member = tarfile.TarInfo(f"cifar-10-batches-bin/{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return {cifar10.FILE: path}


def cifar_batches(records: int = 2) -> tuple[np.ndarray, np.ndarray, dict[str, bytes]]:
    """Pictures (6 * records, 32, 32, 3), labels, and the batches that hold them."""
    random = np.random.default_rng(2)
    x = random.integers(0, 256, (6 * records, 32, 32, 3), np.uint8)
    y = random.integers(0, 10, 6 * records, np.uint8)
    written = [
        bytes([label]) + b"".join(image[:, :, plane].tobytes() for plane in range(3))
        for image, label in zip(x, y, strict=True)
    ]
    parts = [b"".join(written[k * records : (k + 1) * records]) for k in range(6)]
    return x, y, dict(zip(cifar10.BATCHES, parts, strict=True))


def test_cifar_batches_are_read_as_written(tmp_path: Path) -> None:
    x, y, batches = cifar_batches()
    shuffled = dict(reversed(batches.items()))  # their order in the archive must not matter
    images = cifar10.read(pack_cifar(tmp_path / "cifar.tar.gz", {"readme.html": b"hi", **shuffled}))
    np.testing.assert_array_equal(images.x, x)
    np.testing.assert_array_equal(images.y, y)
    assert (images.x.dtype, images.y.dtype) == (np.uint8, np.int64)


def test_a_broken_cifar_archive_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "cifar.tar.gz"
    _, _, batches = cifar_batches()
    short = {**batches, "data_batch_2.bin": batches["data_batch_2.bin"][:-1]}
    with pytest.raises(UserError, match=r"data_batch_2\.bin has 6145 bytes.*multiple of 3073"):
        cifar10.read(pack_cifar(path, short))
    lacking = {name: content for name, content in batches.items() if name != "test_batch.bin"}
    with pytest.raises(UserError, match="no whole archive"):
        cifar10.read(pack_cifar(path, lacking))
    whole = pack_cifar(path, batches)[cifar10.FILE].read_bytes()
    for broken in (whole[: len(whole) // 2], b"", b"no archive at all"):
        path.write_bytes(broken)
        with pytest.raises(UserError, match="no whole archive"):
            cifar10.read({cifar10.FILE: path})
