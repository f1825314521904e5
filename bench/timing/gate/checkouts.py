"""Base and head, checked out side by side, and gone again however the gate ends.

Both are worktrees of their own in one temporary folder, the head too: what is compared is two
commits, the user's tree can be edited meanwhile, and neither side has older bytecode, other ignored
files, or a path of another length, on which the layout of a process's memory depends.
"""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.closure import ROOT
from bench.errors import UserError, unknown
from bench.timing.gate.benchmarks import Benchmark
from bench.timing.worker import PROTOCOL

STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
Handler = Callable[[int, Any], Any]
NO_HOOKS = ("-c", f"core.hooksPath={os.devnull}")  # a user's hooks are for the user's checkouts
OFFER = """
import json
import bench, implementations
from bench.contract import VARIANTS
from bench.timing.nets import NETS
from bench.timing.worker import PROTOCOL
frameworks = implementations.names()
print(json.dumps([bench.__file__, list(NETS), frameworks, list(VARIANTS), PROTOCOL]))
"""


@dataclass(frozen=True)
class Side:
    """name: base or head. commit: its full hash. root: the checkout's folder."""

    name: str
    commit: str
    root: Path

    def __str__(self) -> str:
        return f"the {self.name} ({self.commit[:10]})"


def commit(ref: str, root: Path = ROOT) -> str:
    """The full hash of a commit. Raises UserError where git does not know it."""
    found = _git(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}")
    if found.returncode != 0:
        raise UserError(
            f"git knows no commit {ref!r}: name a branch, a tag or a hash (git log --oneline); "
            "a shallow clone must fetch it first"
        )
    return found.stdout.strip()


def check_clean(root: Path = ROOT, but: Path | None = None) -> None:
    """Raises UserError outside of a repository of our own, and for a tree that is not committed.

    but: a file that may differ.
    """
    try:
        top = _git(root, "rev-parse", "--show-toplevel")
    except FileNotFoundError:
        raise UserError("git is not installed, and the gate compares two commits") from None
    if top.returncode != 0 or Path(top.stdout.strip()).resolve() != root.resolve():
        raise UserError(f"{root} is not a git repository: the gate compares two commits of one")
    changed = _git(root, "status", "--porcelain").stdout.splitlines()
    changed = [line for line in changed if but is None or (root / line[3:]) != but.resolve()]
    if changed:
        named = ", ".join(line[3:] for line in changed[:3])
        more = f" and {len(changed) - 3} more" if len(changed) > 3 else ""
        raise UserError(
            f"the tree is dirty ({named}{more}): the gate compares commits, and would not see "
            "this; commit it, or put it aside with git stash --include-untracked"
        )


@contextlib.contextmanager
def checked_out(base: str, head: str, root: Path = ROOT) -> Iterator[tuple[Side, Side]]:
    """Worktrees of two commits, removed at the end, after Ctrl-C and SIGTERM too.

    Raises UserError where git cannot make them.
    """
    with stoppable(), contextlib.ExitStack() as undo:
        with _unbroken():
            folder = Path(tempfile.mkdtemp(prefix="quatuor-gate-"))
            sides = (Side("base", base, folder / "base"), Side("head", head, folder / "head"))
            undo.callback(_remove, folder, sides, root)
            for side in sides:
                made = _git(
                    root, *NO_HOOKS, "worktree", "add", "--detach", str(side.root), side.commit
                )
                if made.returncode != 0:
                    raise UserError(f"{side} cannot be checked out: {made.stderr.strip()}")
        yield sides


def check_offers(sides: Iterable[Side], benchmarks: Iterable[Benchmark]) -> None:
    """Raises UserError for a side that cannot be timed, or lacks one of the benchmarks."""
    for side in sides:
        done = subprocess.run(
            [sys.executable, "-c", OFFER],
            cwd=side.root,
            env={**os.environ, "PYTHONPATH": str(side.root)},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            reason = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
            raise UserError(
                f"{side} has nothing that can be timed ({reason}): is it older than "
                "bench/timing/worker.py? Name a younger one"
            )
        loaded, nets, frameworks, forms, protocol = json.loads(done.stdout)
        if not Path(loaded).resolve().is_relative_to(side.root.resolve()):
            raise UserError(f"{side} would be timed with the code of {Path(loaded).parent}")
        if protocol != PROTOCOL:
            raise UserError(
                f"the worker of {side} speaks protocol {protocol}, this one {PROTOCOL}: the "
                "two commits are too far apart to be compared"
            )
        for benchmark in benchmarks:
            for what, name, known in (
                ("net", benchmark.net, nets),
                ("framework", benchmark.framework, frameworks),
                ("form", benchmark.form, forms),
            ):
                if name not in known:
                    raise UserError(
                        f"{benchmark} is missing in {side}: {unknown(what, name, known)}; "
                        "name benchmarks that both sides have"
                    )


@contextlib.contextmanager
def stoppable() -> Iterator[None]:
    """SIGTERM and SIGHUP end the gate as Ctrl-C does: by an exception, which tidies up."""

    def stop(number: int, _: object) -> None:
        raise SystemExit(128 + number)

    with _handled({signal.SIGTERM: stop, signal.SIGHUP: stop}):
        yield


@contextlib.contextmanager
def _unbroken() -> Iterator[None]:
    """Let a signal wait until what must not be left half done is done.

    Blocking signals would not do: threads of BLAS take them for the process.
    """
    waiting: list[int] = []
    with _handled(dict.fromkeys(STOPS, lambda number, _: waiting.append(number))):
        yield
    if waiting:
        signal.raise_signal(waiting[0])


@contextlib.contextmanager
def _handled(handlers: Mapping[signal.Signals, Handler]) -> Iterator[None]:
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _remove(folder: Path, sides: Iterable[Side], root: Path) -> None:
    with _unbroken():
        for side in sides:
            _git(root, "worktree", "remove", "--force", str(side.root))
        shutil.rmtree(folder, ignore_errors=True)
        _git(root, "worktree", "prune")


def _git(root: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """In a session of its own: a terminal's Ctrl-C would stop it half-way."""
    return subprocess.run(
        ["git", "-C", str(root), *words],
        capture_output=True,
        text=True,
        check=False,
        start_new_session=True,
    )
