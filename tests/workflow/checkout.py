"""A copy of the project's tree in which a test may run commands and break things."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from bench import store
from tests.conftest import ROOT

LEFT_BEHIND = (".git", ".venv", ".snakemake", "__pycache__", ".pytest_cache", ".ruff_cache")
UNTIMED = "timing={nets: []}"
QUICK = ("budget=smoke", "frameworks=[numpy]", "claims=[max_pool_gradient]", UNTIMED)
TABLES = ("results/smoke/runs.csv",)


class Checkout:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.said = ""
        shutil.copytree(ROOT, folder, ignore=_ignore)
        for name in ("results", "reports"):
            (folder / name).mkdir(exist_ok=True)
        beside = str(Path(sys.executable).parent)
        self.environment = {**os.environ, "PATH": f"{beside}{os.pathsep}{os.environ['PATH']}"}

    def command(self, config: Sequence[str] = QUICK, cores: int = 2, more: Sequence[str] = ()):
        return ["snakemake", "--cores", str(cores), *more, "--config", *config]

    def run(
        self, config: Sequence[str] = QUICK, cores: int = 2, more: Sequence[str] = ()
    ) -> subprocess.CompletedProcess[str]:
        """Run snakemake to its end; standard output and error come together."""
        return subprocess.run(
            self.command(config, cores, more),
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=1500,
        )

    def python(self, module: str, *words: str) -> subprocess.CompletedProcess[str]:
        """Run one of our commands by hand; standard output and error come together."""
        return subprocess.run(
            [sys.executable, "-m", module, *words],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=600,
        )

    def start(self, config: Sequence[str], log: Path) -> subprocess.Popen[str]:
        """Start snakemake in a process group of its own, its output in a file."""
        with log.open("w") as written:
            return subprocess.Popen(
                self.command(config),
                cwd=self.folder,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=written,
                stderr=subprocess.STDOUT,
                text=True,
                start_new_session=True,
                # As in a terminal: what runs in a shell's background ignores Ctrl-C.
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
            )

    def path(self, name: str) -> Path:
        return self.folder / name

    def edit(self, name: str, before: str, after: str) -> None:
        text = self.path(name).read_text()
        assert before in text, f"{name} does not hold {before!r}"
        self.path(name).write_text(text.replace(before, after))

    def snapshot(self) -> dict[str, bytes]:
        """Every file of the tree, Snakemake's own notes and caches left out."""
        return {
            str(path.relative_to(self.folder)): path.read_bytes()
            for path in sorted(self.folder.rglob("*"))
            if path.is_file() and not set(path.relative_to(self.folder).parts) & set(LEFT_BEHIND)
        }

    def half_written(self) -> list[str]:
        """What a run that was cut off must not leave where results are looked for."""
        runs = [p for p in self.path("results/smoke/store").glob("*/*/*") if p.is_dir()]
        whole = {*store.RECORDS, store.DIGESTS}
        return [
            str(path)
            for path in runs
            if not path.name.startswith(".tmp-") and whole - {p.name for p in path.iterdir()}
        ]


def wait_for(happened: Callable[[], bool], process: subprocess.Popen[str], seconds: float = 120):
    """Wait until something happened while the process still runs."""
    end = time.monotonic() + seconds
    while not happened():
        assert process.poll() is None, "the process ended before what was waited for"
        assert time.monotonic() < end, "what was waited for did not happen"
        time.sleep(0.02)


def kill_group(process: subprocess.Popen[str], number: signal.Signals) -> None:
    os.killpg(process.pid, number)
    process.wait(timeout=120)


def _ignore(_: str, names: list[str]) -> set[str]:
    return {n for n in names if n in LEFT_BEHIND or n.endswith(".egg-info")} | (
        {"standard", "smoke", "extended"} & set(names)
    )
