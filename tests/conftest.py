"""Options and shared helpers of the tests."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

import implementations
from bench import packages, threads

ROOT = Path(__file__).resolve().parent.parent
FRAMEWORKS = implementations.names()
REPRODUCED = ("test_report", "test_report_in_browser", "test_reproduction", "test_resume")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--framework",
        choices=FRAMEWORKS,
        help="the framework of a suite that runs in a process of its own",
    )


def pytest_configure(config: pytest.Config) -> None:
    """A suite that is started by hand: frameworks read their threads when they are imported."""
    if config.getoption("--framework"):
        os.environ.update(threads.variables(1))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whole reproductions first: where tests are shared out, these last longest."""
    items.sort(key=lambda item: "workflow" not in item.path.parts)


class Scheduling(LoadScopeScheduling):
    """How tests are shared out to processes: those that look at one reproduction together, other
    tests of the workflow by file, since they share a checkout, and every other one by itself."""

    def _split_scope(self, nodeid: str) -> str:
        path = Path(nodeid.split("::")[0])
        if path.stem in REPRODUCED:
            return "reproduction"
        return str(path) if "workflow" in path.parts else nodeid


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Scheduling:
    return Scheduling(config, log)


@pytest.fixture(params=FRAMEWORKS)
def framework(request: pytest.FixtureRequest) -> str:
    """Every framework that is installed; a missing one is skipped with its reason."""
    if packages.installed(request.param) is None:
        pytest.skip(f"{packages.package(request.param)} is not installed")
    return request.param


def run_suite(paths: str | list[str], framework: str) -> None:
    """Run files of tests in a process of their own: one framework a process."""
    files = [paths] if isinstance(paths, str) else paths
    command = [sys.executable, "-m", "pytest", "-q", "-x", *files, "--framework", framework]
    environment = {**os.environ, **threads.variables(1)}
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        pytest.fail(f"{' '.join(command)}\n{done.stdout[-6000:]}\n{done.stderr[-2000:]}")
