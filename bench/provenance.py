"""Where a number comes from: versions of all that computes, machine, commit.

    python -m bench.provenance --framework pytorch --device auto

prints it for this machine.
"""

import argparse
import importlib
import importlib.metadata
import platform
import subprocess
from typing import Any

import threadpoolctl

import implementations
from bench import command, machine, store
from bench.closure import ROOT
from bench.contract import Config, Environment

COMPUTING = ("numpy", "scipy", "scikit-learn", "pandas", "mlxtend", "snakemake")


def collect(environment: Environment) -> dict[str, Any]:
    """A JSON-able record; called after the framework is loaded, so that its libraries are seen."""
    versions = {"python": platform.python_version(), **environment.versions}
    versions |= {name: importlib.metadata.version(name) for name in COMPUTING}
    pools = [
        {
            "library": pool["internal_api"],
            "version": pool["version"],
            "threads": pool["num_threads"],
        }
        for pool in threadpoolctl.threadpool_info()
    ]
    commit, dirty = git_state()
    described = machine.description()
    return {
        "versions": dict(sorted(versions.items())),
        "platform": platform.platform(),
        "cpu_model": described.pop("cpu_model"),
        "cores": described.pop("cores"),
        "machine": described,
        "framework": environment.framework,
        "device": environment.device,
        "blas": environment.blas,
        "thread_pools": pools,
        "threads": environment.threads,
        "notes": list(environment.notes),
        "git_commit": commit,
        "git_dirty": dirty,
    }


def git_state() -> tuple[str | None, bool | None]:
    """The commit and whether tracked files differ from it; (None, None) outside a checkout."""
    try:
        commit = _git("rev-parse", "HEAD")
        return commit, bool(_git("status", "--porcelain", "--untracked-files=no"))
    except (OSError, subprocess.CalledProcessError):
        return None, None


def _git(*arguments: str) -> str:
    command = ["git", "-C", str(ROOT), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def main() -> int:
    parser = argparse.ArgumentParser(description="What a framework computes with on this machine.")
    parser.add_argument("--framework", required=True, choices=implementations.names())
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    arguments = parser.parse_args()
    adapter = importlib.import_module(f"implementations.{arguments.framework}.adapter")
    environment = adapter.environment(Config(device=arguments.device))
    print(store.canonical(collect(environment)))
    return 0


if __name__ == "__main__":
    command.run(main)
