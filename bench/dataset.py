"""What a data set is, and how its files are found, checked, split and normalized.

One data set is one file of bench/datasets/, found by listing the folder; it holds DATASET. Where
its files come from is told in bench/files.py.

    python -m bench.dataset --check mnist5k [--data-dir DIR] [--out FILE.json]
"""

import argparse
import functools
import hashlib
import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pooch

from bench import command, files, store
from bench.errors import UserError, unknown
from bench.files import File
from bench.ledger import DATA, LEDGER
from bench.randomness import stream

SCHEMA_VERSION = 1
Precision = Literal["float32", "float64"]


@dataclass(frozen=True)
class Images:
    """x (N, height, width, channels) unsigned bytes, y (N,) int64 classes, as published."""

    x: np.ndarray
    y: np.ndarray


@dataclass(frozen=True)
class Dataset:
    """What one file of bench/datasets/ states. `read` turns file names -> paths into images."""

    name: str
    title: str
    source: str
    publisher: str
    licence: str
    citation: str
    files: tuple[File, ...]
    read: Callable[[Mapping[str, Path]], Images]
    shape: tuple[int, int, int]  # height, width, channels
    classes: tuple[str, ...]
    train: int
    test: int
    split: Literal["seed", "published"]  # published: the first `train` examples as read
    largest: int = 255  # the value of a white pixel
    provider: str = ""  # what to install to have the files without a download


@dataclass(frozen=True)
class Prepared:
    """One split, normalized: x float64 (N, height, width, channels), y int64 (N,).

    Not to be written into: what a spec says of its batches is checked once, of the whole.
    """

    train_x: np.ndarray
    train_y: np.ndarray
    test_x: np.ndarray
    test_y: np.ndarray
    record: Mapping[str, Any]

    def __post_init__(self) -> None:
        for array in (self.train_x, self.train_y, self.test_x, self.test_y):
            array.setflags(write=False)

    def images(self, dtype: Precision) -> np.ndarray:
        """The training part's in the precision of a net; rounded once, not batch by batch."""
        return self.train_x if dtype == "float64" else self._rounded

    @functools.cached_property
    def _rounded(self) -> np.ndarray:
        rounded = self.train_x.astype(np.float32)
        rounded.setflags(write=False)
        return rounded


def names() -> list[str]:
    """The data sets, by listing their folder."""
    folder = Path(__file__).parent / "datasets"
    return sorted(path.stem for path in folder.glob("[!_]*.py"))


def get(name: str) -> Dataset:
    """Raises UserError for a name that is no data set, or not that of its file."""
    if name not in names():
        raise UserError(unknown("dataset", name, names()))
    described: Dataset = importlib.import_module(f"bench.datasets.{name}").DATASET
    if described.name != name:
        raise UserError(f"bench/datasets/{name}.py holds name={described.name!r}: make it {name!r}")
    return described


def fingerprint(name: str) -> str:
    """What a run depends on: the digests of the files, in order."""
    digests = "".join(digest for file in get(name).files for digest in file.versions)
    return hashlib.sha256(digests.encode()).hexdigest()


def locate(dataset: Dataset, data_dir: Path | None = None) -> dict[str, Path]:
    """File name -> path of every file, its digest verified; what is nowhere is downloaded.

    Raises UserError naming what is missing or does not match, and what to do.
    """
    return files.locate(dataset.name, dataset.files, dataset.provider, data_dir)


def load(name: str, data_dir: Path | None = None) -> Images:
    """The whole data set as published, not to be written into.

    Raises UserError for what its description does not say.
    """
    get(name)  # whoever is handed what was read before depends on the description all the same
    return _read(name, data_dir)


@LEDGER.counted(DATA)
@functools.lru_cache(maxsize=1)
def _read(name: str, data_dir: Path | None) -> Images:
    """Read once for all runs of a process: decoding takes as long as a few steps of training."""
    dataset = get(name)
    images = verified(dataset, dataset.read(locate(dataset, data_dir)))
    for array in (images.x, images.y):
        array.setflags(write=False)
    return images


def verified(dataset: Dataset, images: Images) -> Images:
    """The images, if they are what the description says. Raises UserError if not."""
    expected = (dataset.train + dataset.test, *dataset.shape)
    if images.x.shape != expected or images.y.shape != expected[:1]:
        found = f"{images.x.shape} with labels of shape {images.y.shape}"
        raise UserError(f"{dataset.name} has images of shape {found}, expected {expected}")
    if (images.x.dtype, images.y.dtype) != (np.uint8, np.int64):
        found = f"{images.x.dtype} with labels of type {images.y.dtype}"
        raise UserError(f"{dataset.name} has images of type {found}, expected uint8 and int64")
    seen, classes = np.unique(images.y).tolist(), list(range(len(dataset.classes)))
    if seen != classes:
        raise UserError(f"{dataset.name} has the classes {seen}, expected {classes}")
    if images.x.max() != dataset.largest:
        found = f"a largest pixel of {images.x.max()}"
        raise UserError(f"{dataset.name} has {found}, expected {dataset.largest}")
    return images


def split(dataset: Dataset, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Train and test indices: drawn by the seed, or the publisher's whatever the seed."""
    order = np.arange(dataset.train + dataset.test)
    if dataset.split == "seed":
        order = stream(seed, "split").permutation(order)
    return order[: dataset.train], order[dataset.train :]


@LEDGER.counted(DATA)
def prepare(name: str, seed: int, data_dir: Path | None = None, normalize: bool = True) -> Prepared:
    """Load, split and normalize, or leave the pixels from 0 to 1. Raises UserError as load()."""
    make = normalized if normalize else pixels
    return make(get(name), load(name, data_dir), seed)


def normalized(dataset: Dataset, images: Images, seed: int) -> Prepared:
    """Split, and bring every channel to mean 0 and variance 1 over the training part."""
    return _split(dataset, images, seed, normalize=True)


def standardized(data: Prepared, x: np.ndarray) -> np.ndarray:
    """Pixels from 0 to 1 as normalized() leaves them: x <- (x - mean) / deviation."""
    mean, deviation = constants(data)
    return (x - mean) / deviation


def constants(data: Prepared) -> tuple[np.ndarray, np.ndarray]:
    """Mean and deviation of the training part's pixels from 0 to 1, a number a channel each."""
    return np.array(data.record["mean"]), np.array(data.record["deviation"])


def pixels(dataset: Dataset, images: Images, seed: int) -> Prepared:
    """Split, with values from 0 to 1; `record` holds what normalization takes.

        mean = (1/N) sum x / largest,   deviation^2 = (1/N) sum (x / largest - mean)^2

    in float64, a constant a channel. The test part is normalized by the training part's constants.
    """
    return _split(dataset, images, seed, normalize=False)


def _split(dataset: Dataset, images: Images, seed: int, normalize: bool) -> Prepared:
    train, test = split(dataset, seed)
    train_x, test_x = (images.x[part] / float(dataset.largest) for part in (train, test))
    mean, deviation = train_x.mean(axis=(0, 1, 2)), train_x.std(axis=(0, 1, 2), ddof=0)
    if normalize:
        for x in (train_x, test_x):  # in place: CIFAR-10 is 1.5 GB in float64
            x -= mean
            x /= deviation
    indices = np.concatenate([train, test]).astype("<i8")
    record = {
        "dataset": dataset.name,
        "train": len(train),
        "test": len(test),
        "split": dataset.split,
        "split_sha256": hashlib.sha256(indices.tobytes()).hexdigest(),
        "mean": mean.tolist(),
        "deviation": deviation.tolist(),
    }
    return Prepared(train_x, images.y[train], test_x, images.y[test], record)


def first(data: Prepared, examples: int) -> Prepared:
    """The same split with the first so many training examples, for claims about little data.

    Raises UserError where there are fewer.
    """
    if examples > len(data.train_y):
        raise UserError(f"{examples} training examples were asked of {len(data.train_y)}")
    record = {**data.record, "train": examples}
    few = data.train_x[:examples], data.train_y[:examples]
    return Prepared(*few, data.test_x, data.test_y, record)


def check(name: str, data_dir: Path | None = None) -> dict[str, Any]:
    """Find, verify and describe a data set. Raises UserError for whatever does not match."""
    dataset = get(name)
    paths = locate(dataset, data_dir)
    images = verified(dataset, dataset.read(paths))
    stated = (
        "name",
        "title",
        "source",
        "publisher",
        "licence",
        "citation",
        "train",
        "test",
        "split",
    )
    return {
        "schema_version": SCHEMA_VERSION,
        **{key: getattr(dataset, key) for key in stated},
        "files": [
            {"name": file, "sha256": pooch.file_hash(str(path)), "bytes": path.stat().st_size}
            for file, path in paths.items()
        ],
        "examples": len(images.y),
        "shape": list(dataset.shape),
        "dtype": str(images.x.dtype),
        "values": [int(images.x.min()), int(images.x.max())],
        "classes": list(dataset.classes),
        "examples_per_class": np.bincount(images.y).tolist(),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description="Find, check and describe a data set.")
    parser.add_argument("--check", required=True, metavar="NAME", help=", ".join(names()))
    parser.add_argument("--data-dir", type=Path, default=None, help="where downloads are kept")
    parser.add_argument("--out", type=Path, default=None, help="a JSON file instead of a print")
    arguments = parser.parse_args()
    text = store.canonical(check(arguments.check, arguments.data_dir))
    if arguments.out:
        store.write_file(arguments.out, text)
    else:
        print(text)
    return 0


if __name__ == "__main__":
    command.run(main)
