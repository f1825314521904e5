"""The import closure of a module, computed from the syntax trees.

A job's inputs are the files that compute its result, so that an edit reruns what it touches and
nothing else. Imports are read, not run. What a job loads by name at run time (its claim, its
architectures, its data sets) is given to closure() as a root; a job that ends with a module loaded
that the closure lacks fails (see unexpected()).
"""

import ast
import functools
import hashlib
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from bench.errors import UserError

if TYPE_CHECKING:
    from bench.claim import Claim

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("bench", "implementations", "tests")


def job_modules(claim: "Claim", framework: str, datasets: Iterable[str]) -> Iterator[str]:
    """The roots of one claim in one framework, on those of its data sets that a budget takes."""
    home = f"implementations.{framework}"
    yield from ("bench.run", f"bench.claims.{claim.name}", f"{home}.adapter")
    if claim.search:
        yield "bench.search"
    for name in claim.architectures:
        yield f"bench.specs.{name}"
        yield f"{home}.architectures.{name}"
    for name in claim.techniques:
        yield f"{home}.techniques.{name}"
    for name in datasets:
        yield f"bench.datasets.{name}"


def conformance_modules(framework: str, architectures: Iterable[str], datasets: Iterable[str]):
    """The roots of the comparison of one framework with the NumPy reference."""
    yield "bench.conformance.__main__"
    for name in datasets:
        yield f"bench.datasets.{name}"
    for player in dict.fromkeys(("numpy", framework)):
        yield f"implementations.{player}.adapter"
        yield f"implementations.{player}.techniques.schedules"
        for name in architectures:
            yield f"bench.specs.{name}"
            yield f"implementations.{player}.architectures.{name}"


def timing_modules(architecture: str, frameworks: Iterable[str]):
    """The roots of what times a net in all frameworks."""
    yield from ("bench.timing.throughput", f"bench.specs.{architecture}")
    for framework in dict.fromkeys(("numpy", *frameworks)):
        home = f"implementations.{framework}"
        yield from (f"{home}.adapter", f"{home}.architectures.{architecture}")
        yield f"implementations.library.{framework}"


def atlas_modules(root: Path = ROOT):
    """The roots of the atlas: its topics are found by listing."""
    yield "bench.atlas"
    for path in sorted((root / "implementations" / "atlas").glob("*.py")):
        yield f"implementations.atlas.{path.stem}"


def closure(modules: Iterable[str], root: Path = ROOT) -> list[str]:
    """Paths, relative to `root` and sorted, of all project files these modules import."""
    found: set[Path] = set()
    waiting = list(modules)
    while waiting:
        for path in _files(waiting.pop(), root):
            if path not in found:
                found.add(path)
                waiting.extend(_imports(path))
    return sorted(str(path.relative_to(root)) for path in found)


def digests(paths: Iterable[str], root: Path = ROOT) -> dict[str, str]:
    """SHA-256 of each file's bytes."""
    return {path: hashlib.sha256((root / path).read_bytes()).hexdigest() for path in paths}


def unexpected(allowed: Iterable[str], root: Path = ROOT) -> list[str]:
    """Project files loaded in this process that are outside the closure it declared."""
    files = (getattr(sys.modules[name], "__file__", None) for name in loaded())
    found = {Path(file) for file in files if file}
    ours = {str(path.relative_to(root)) for path in found if path.is_relative_to(root)}
    return sorted(ours - set(allowed))


def loaded() -> set[str]:
    """The names of all modules of the project that this process has loaded."""
    return {name for name in list(sys.modules) if name.split(".")[0] in PACKAGES}


def forget(names: Iterable[str]) -> None:
    """Unload modules, so that whoever needs one loads it, and unexpected() sees that again."""
    for name in names:
        module = sys.modules.pop(name)
        package, _, own = name.rpartition(".")
        if vars(sys.modules.get(package, sys)).get(own) is module:
            delattr(sys.modules[package], own)


def _files(module: str, root: Path) -> list[Path]:
    """A module's file and the __init__ files above it; nothing for a name that is no module."""
    parts = module.split(".")
    base = root.joinpath(*parts)
    own = base / "__init__.py" if base.is_dir() else base.with_suffix(".py")
    if not own.is_file():
        return []
    above = (root.joinpath(*parts[:depth], "__init__.py") for depth in range(1, len(parts)))
    return [own, *(path for path in above if path.is_file())]


@functools.cache
def _imports(path: Path) -> tuple[str, ...]:
    """Every project module that a file's import statements could mean.

    Raises UserError for a file that is not Python.
    """
    names: list[str] = []
    try:
        tree = ast.parse(path.read_bytes(), str(path))
    except SyntaxError as error:
        raise UserError(f"{path}:{error.lineno}: {error.msg}") from None
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names.append(node.module)
            names += [f"{node.module}.{alias.name}" for alias in node.names]
    return tuple(name for name in names if name.split(".")[0] in PACKAGES)
