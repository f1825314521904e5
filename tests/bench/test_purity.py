"""bench/ imports no framework, and implementations import only their own."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import FRAMEWORKS, ROOT

MODULES = {"torch", "tensorflow", "keras", "jax", "jaxlib", "flax", "optax"}
OWN = {
    "numpy": set(),
    "pytorch": {"torch"},
    "tensorflow": {"tensorflow", "keras"},
    "jax": {"jax", "jaxlib"},
}
SHARED = {
    "bench.contract",
    "bench.conventions",
    "bench.spec",
    "bench.errors",
    "bench.ranges",
    "bench.quiet",
}


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
    assert not {name.split(".")[0] for name in imported(path)} & MODULES


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_a_folder_imports_its_framework_and_the_shared_half_only(framework: str) -> None:
    for path in (ROOT / "implementations" / framework).rglob("*.py"):
        names = imported(path)
        assert not {n.split(".")[0] for n in names} & (MODULES - OWN[framework]), path
        ours = {n for n in names if n.startswith(("bench", "implementations", "tests"))}
        home = f"implementations.{framework}"
        foreign = {
            n for n in ours if n not in SHARED and n != home and not n.startswith(home + ".")
        }
        assert not foreign, path


def test_nothing_of_bench_loads_a_framework_when_it_runs() -> None:
    code = (
        "import importlib, pathlib, sys\n"
        "for path in pathlib.Path('bench').rglob('*.py'):\n"
        "    name = '.'.join(path.with_suffix('').parts).removesuffix('.__init__')\n"
        "    importlib.import_module(name)\n"
        f"print(sorted({MODULES!r} & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
