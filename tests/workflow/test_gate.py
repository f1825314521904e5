"""The gate's command in a repository: verdicts, mistakes, and a tree as it was.

The worker's clock is replaced in the repository, so that the verdicts do not depend on the load.
"""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from bench.timing.gate import intervals
from tests.workflow.checkout import Checkout

pytestmark = pytest.mark.workflow

NET = ("--benchmarks", "numpy/native/mlp", "--no-instructions")
CLOCKED = '        return _since(before) | {"joules": energy.between(joules, energy.read())}\n'
FAKE = """        import random

        seconds = {seconds} * steps * random.gauss(1, 0.002)
        return {{"cpu_seconds": seconds, "wall_seconds": seconds, "joules": None}}
"""


class Repository(Checkout):
    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.temporary = folder.parent / "temporary"
        self.temporary.mkdir()
        self.environment |= {"TMPDIR": str(self.temporary), "PYTHONPATH": str(folder)}
        self.environment |= {"PYTHONDONTWRITEBYTECODE": "1"}
        self.git("init", "--quiet", "--initial-branch", "main")
        self.git("config", "user.name", "test")
        self.git("config", "user.email", "test@localhost")
        self.edit("bench/timing/worker.py", CLOCKED, FAKE.format(seconds=0.03))
        self.commit("base")

    def git(self, *words: str) -> str:
        done = subprocess.run(
            ["git", *words], cwd=self.folder, check=True, capture_output=True, text=True
        )
        return done.stdout

    def commit(self, tag: str) -> None:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", tag)
        self.git("tag", tag)

    def gate(self, *words: str) -> subprocess.CompletedProcess[str]:
        return self.python("bench.timing.gate", *words)

    def check_untouched(self) -> None:
        assert self.git("status", "--porcelain") == ""
        self.check_tidy()

    def check_tidy(self) -> None:
        assert len(self.git("worktree", "list").splitlines()) == 1
        assert list(self.temporary.glob("quatuor-gate-*")) == []


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """Tags: base, and later ones with one thing changed in each."""
    made = Repository(tmp_path_factory.mktemp("gate") / "quatuor")
    changes = {
        "slower": ("bench/timing/worker.py", "0.03 * steps", "0.033 * steps"),
        "hardly": ("bench/timing/worker.py", "0.03 * steps", "0.0306 * steps"),
        "faster": ("bench/timing/worker.py", "0.03 * steps", "0.027 * steps"),
        "netless": ("bench/timing/nets.py", '    "mlp": Timed(mlp.spec, 64),\n', ""),
        "formless": ("bench/contract.py", '("reference", "native")', '("reference",)'),
        "protocol": ("bench/timing/worker.py", "PROTOCOL = 1", "PROTOCOL = 2"),
        "crash": ("bench/timing/loops.py", "self.system.update(", "self.system.crash("),
    }
    for tag, (path, before, after) in changes.items():
        made.git("switch", "--quiet", "--detach", "base")
        made.edit(path, before, after)
        made.commit(tag)
    made.git("switch", "--quiet", "--detach", "base")
    made.git("rm", "--quiet", "bench/timing/worker.py")
    made.commit("old")
    made.git("switch", "--quiet", "--detach", "base")
    return made


@pytest.mark.parametrize(
    ("head", "code", "verdict"),
    [("base", 0, "as fast"), ("hardly", 0, "as fast"), ("slower", 1, "slower"),
     ("faster", 0, "faster")],
)  # fmt: skip
def test_the_exit_code_is_the_verdict(
    repository: Repository, tmp_path: Path, head: str, code: int, verdict: str
) -> None:
    repository.git("switch", "--quiet", "--detach", head)
    out = tmp_path / "gate.json"
    done = repository.gate("base", *NET, "--out", str(out))
    repository.check_untouched()
    repository.git("switch", "--quiet", "--detach", "base")
    assert done.returncode == code, done.stdout
    (entry,) = json.loads(out.read_text())
    assert entry["verdict"] == verdict
    assert entry["same_bits"]
    # Who is slower is not settled early; the others are as soon as they can be.
    assert len(entry["differences"]) == (24 if code else intervals.least_pairs(1))
    assert f"{int(code == 1)} of 1 benchmarks slower by more than the 3.0% allowed" in done.stdout


MISTAKES = {
    "no such ref": (["no-such-branch"], "git knows no commit 'no-such-branch'"),
    "an option for a ref": (["--", "--all"], "git knows no commit '--all'"),
    "a side without the net": (
        ["netless", *NET],
        "numpy/native/mlp is missing in the base",
    ),
    "a base older than the worker": (["old", *NET], "is it older than bench/timing/worker.py?"),
    "another protocol": (["protocol", *NET], "speaks protocol 2, this one 1"),
    "a side that fails": (["crash", *NET], "numpy/native/mlp cannot be timed"),
    "too few pairs": (["base", *NET, "--pairs", "2"], "2 pairs of processes are too few"),
    "fewer than there are": (
        ["base", *NET, "--among", "0"],
        "among must be a number in [1, 10000]",
    ),
    "a side without the form": (
        ["formless", *NET],
        "numpy/native/mlp is missing in the base",
    ),
    "no pairs": (["base", "--pairs", "0"], "pairs must be a number in [2, 1000], got 0"),
    "a negative slowdown": (["base", "--allowed", "-1"], "allowed must be a number"),
    "an unknown framework": (["base", "--frameworks", "torch"], "unknown framework 'torch'"),
    "an unknown net": (
        ["base", "--benchmarks", "numpy/native/lennet"],
        "unknown net 'lennet'; did you mean lenet?",
    ),
    "half a name": (["base", "--benchmarks", "lenet"], "<framework>/<form>/<net>, got 'lenet'"),
    "a benchmark twice": (["base", "--benchmarks", *["numpy/native/mlp"] * 2], "is named twice"),
    "nothing left": (["base", *NET, "--frameworks", "jax"], "no benchmark is left"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_one_message(repository: Repository, mistake: str) -> None:
    words, told = MISTAKES[mistake]
    done = repository.gate(*words)
    assert done.returncode == 2, done.stdout
    assert told in done.stdout
    repository.check_untouched()


@pytest.mark.parametrize("name", ["bench/timing/nets.py", "notes.txt"])
def test_a_dirty_tree_is_refused_and_left_as_it_is(repository: Repository, name: str) -> None:
    path = repository.path(name)
    before = path.read_text() if path.is_file() else None
    path.write_text(f"{before or ''}# more\n")
    snapshot = repository.snapshot()
    done = repository.gate("base", *NET)
    same = repository.snapshot() == snapshot
    path.unlink()
    if before is not None:
        path.write_text(before)
    assert done.returncode == 2
    assert f"the tree is dirty ({name})" in done.stdout
    assert same
    repository.check_untouched()


def test_outside_of_a_repository_it_is_refused(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path / "quatuor")
    checkout.environment["PYTHONPATH"] = str(checkout.folder)
    done = checkout.python("bench.timing.gate", "main", *NET)
    assert done.returncode == 2
    assert "is not a git repository" in done.stdout


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("seen", ["quatuor-gate-", "pair 2 of 500"])
def test_what_is_stopped_leaves_nothing(
    repository: Repository, tmp_path: Path, number: signal.Signals, seen: str
) -> None:
    log = tmp_path / "log"
    with log.open("w") as written:
        process = subprocess.Popen(
            [sys.executable, "-m", "bench.timing.gate", "base", *NET, "--pairs", "500"],
            cwd=repository.folder, env=repository.environment, stdout=written, stderr=written,
            start_new_session=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )  # fmt: skip
    end = time.monotonic() + 120
    while seen not in log.read_text() and not list(repository.temporary.glob(f"{seen}*")):
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < end
        time.sleep(0.01)
    if number == signal.SIGINT:
        os.killpg(process.pid, number)  # a terminal tells everyone
    else:
        process.send_signal(number)
    code = process.wait(timeout=120)
    assert code == 128 + number, log.read_text()
    assert "Traceback" not in log.read_text()
    repository.check_untouched()
    assert [p.pid for p in psutil.process_iter(["cwd"]) if _lies_in(p, repository.temporary)] == []


def _lies_in(process: psutil.Process, folder: Path) -> bool:
    return Path(process.info["cwd"] or "/").is_relative_to(folder)
