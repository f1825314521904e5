"""Options and shared helpers of the tests."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import implementations
from bench import plan, threads

ROOT = Path(__file__).resolve().parent.parent
FRAMEWORKS = implementations.names()


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


@pytest.hookimpl(tryfirst=True)  # xdist reads the groups in the same hook
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """How tests are shared out where there are several processes: whole reproductions first, since
    they last longest, those that look at the same one together, and every other test by itself."""
    items.sort(key=lambda item: "workflow" not in item.path.parts)
    for item in items:
        if "workflow" in item.path.parts:
            shared = "reproduction" in getattr(item, "fixturenames", ())
            item.add_marker(pytest.mark.xdist_group("reproduction" if shared else item.path.stem))


@pytest.fixture(params=FRAMEWORKS)
def framework(request: pytest.FixtureRequest) -> str:
    """Every framework that is installed; a missing one is skipped with its reason."""
    if plan.installed(request.param) is None:
        pytest.skip(f"{plan.package(request.param)} is not installed")
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
