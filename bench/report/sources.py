"""The four implementations of a file side by side, cut by function, from the real files."""

import ast
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from bench.closure import ROOT

FORMATTER = HtmlFormatter(nowrap=True, classprefix="k-")
HEAD, BUILD = "imports", "build"
SYNONYMS = {"call": "forward"}  # method -> the function that it is elsewhere


@dataclass(frozen=True)
class Row:
    """One function, method or class: its name and its text in every framework that has it."""

    name: str
    cells: dict[str, str]  # framework -> highlighted HTML


def shared_files(frameworks: list[str]) -> dict[str, str]:
    """Page title -> file, for every file that is worth reading side by side."""
    files = {name: f"{name}.py" for name in ("layers", "residual", "segmentation")}
    for framework in frameworks[:1]:
        for kind in ("techniques", "architectures"):
            folder = ROOT / "implementations" / framework / kind
            for path in sorted(folder.glob("[!_]*.py")):
                files[path.stem] = f"{kind}/{path.name}"
    return files | {"adapter": "adapter.py", "step": "step.py", "probe": "probe.py"}


def side_by_side(file: str, frameworks: list[str]) -> list[Row]:
    """Rows in the order of the files; what only others have follows what it follows there."""
    cut = {f: pieces(ROOT / "implementations" / f / file) for f in frameworks}
    names: list[str] = []
    for found in cut.values():
        place = 0
        for name in found:
            if name not in names:
                names.insert(place, name)
            place = names.index(name) + 1
    return [
        Row(name, {f: markup(cut[f][name]) for f in frameworks if name in cut[f]}) for name in names
    ]


def pieces(path: Path) -> dict[str, str]:
    """The text of every top-level function and class; what stands before them is "imports".

    Where there is a build(), the class that it makes is one framework's word for what others write
    as functions. Its methods are then pieces of their own: the constructor belongs to build(), and
    Keras's call() is forward().
    """
    if not path.is_file():
        return {}
    text = path.read_text()
    lines, found, last = text.splitlines(), dict[str, str](), 0

    def add(name: str, first: int, end: int | None) -> None:
        piece = textwrap.dedent("\n".join(lines[first:end])).strip("\n")
        if piece.strip():
            found[name] = f"{found[name]}\n\n\n{piece}" if name in found else piece

    body = ast.parse(text).body
    built = any(isinstance(node, ast.FunctionDef) and node.name == BUILD for node in body)
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            start = _start(node)
            add(HEAD if not found else f"before {node.name}", last, start)
            if built and isinstance(node, ast.ClassDef):
                for name, first, end in _methods(node):
                    add(name, first, end)
            else:
                add(node.name, start, node.end_lineno)
            last = node.end_lineno or start
    add("at the end" if found else HEAD, last, None)
    return found


def _methods(node: ast.ClassDef) -> Iterator[tuple[str, int, int | None]]:
    """Name, first line and end of every part of a class; its head and constructor are build's."""
    last = _start(node)
    for method in (member for member in node.body if isinstance(member, ast.FunctionDef)):
        name = BUILD if method.name == "__init__" else method.name
        if last == _start(node) and name != BUILD:
            yield BUILD, last, _start(method)
            last = _start(method)
        yield SYNONYMS.get(name, name), last, method.end_lineno
        last = method.end_lineno or last
    yield BUILD, last, node.end_lineno


def _start(node: ast.FunctionDef | ast.ClassDef) -> int:
    """Lines before it, decorators being its own."""
    return min([node.lineno, *(d.lineno for d in node.decorator_list)]) - 1


def markup(code: str) -> str:
    return highlight(code, PythonLexer(), FORMATTER)
