"""bench/ imports no framework, and implementations import only their own."""

import ast
import functools
import importlib.metadata
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import FRAMEWORKS, ROOT

SHARED = {
    "bench.contract",
    "bench.conventions",
    "bench.spec",
    "bench.errors",
    "bench.ranges",
    "bench.quiet",
    "implementations.exchange",
}


@functools.cache
def distributions() -> dict[str, set[str]]:
    """Top-level module -> the distributions it comes from."""
    found = importlib.metadata.packages_distributions().items()
    return {module: {owner.lower() for owner in owners} for module, owners in found}


def own_modules(folder: Path) -> set[str]:
    """What a framework folder may import: the modules of what its requirements.txt names."""
    lines = (folder / "requirements.txt").read_text().lower().splitlines()
    needed = {re.split(r"[=<>!\[; ]", line)[0].removesuffix("-cpu") for line in lines}
    needed |= {f"{name}-cpu" for name in needed} | {f"{name}_cpu" for name in needed}
    return {module for module, owners in distributions().items() if owners & needed}


def frameworks_modules() -> set[str]:
    """Of all frameworks but NumPy, in which the project itself is written."""
    own = {name: own_modules(ROOT / "implementations" / name) for name in FRAMEWORKS}
    return set().union(*own.values()) - own["numpy"]


def foreign(folder: Path) -> set[str]:
    """What the files of a framework folder import that is neither theirs nor shared."""
    others = frameworks_modules() - own_modules(folder)
    home = f"implementations.{folder.name}"
    found: set[str] = set()
    for path in folder.rglob("*.py"):
        names = imported(path)
        found |= {name for name in names if name.split(".")[0] in others}
        ours = {n for n in names if n.startswith(("bench", "implementations", "tests"))}
        found |= {n for n in ours - SHARED if n != home and not n.startswith(f"{home}.")}
    return found


def imported(path: Path) -> set[str]:
    """Every module named in an import statement of a file."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module == "bench":
            found |= {f"bench.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


@pytest.mark.parametrize("path", sorted((ROOT / "bench").rglob("*.py")), ids=lambda p: p.stem)
def test_bench_imports_no_framework(path: Path) -> None:
    assert not {name.split(".")[0] for name in imported(path)} & frameworks_modules()


def test_a_folder_imports_its_framework_and_the_shared_half_only(framework: str) -> None:
    assert own_modules(ROOT / "implementations" / framework)
    assert foreign(ROOT / "implementations" / framework) == set()


def test_a_new_folder_is_asked_the_same_without_being_listed_anywhere(tmp_path: Path) -> None:
    folder = tmp_path / "copied"
    shutil.copytree(ROOT / "implementations/numpy", folder)
    for path in folder.rglob("*.py"):
        path.write_text(path.read_text().replace("implementations.numpy", "implementations.copied"))
    assert foreign(folder) == set()
    (folder / "stray.py").write_text("import torch\nfrom implementations.jax import layers\n")
    if "torch" in distributions():
        assert foreign(folder) == {"torch", "implementations.jax"}


def test_nothing_of_bench_loads_a_framework_when_it_runs() -> None:
    code = (
        "import importlib, pathlib, sys\n"
        "for path in pathlib.Path('bench').rglob('*.py'):\n"
        "    name = '.'.join(path.with_suffix('').parts).removesuffix('.__init__')\n"
        "    importlib.import_module(name)\n"
        f"print(sorted({frameworks_modules()!r} & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
