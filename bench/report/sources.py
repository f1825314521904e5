"""The four implementations of a file side by side, cut by function, from the real files."""

import ast
from dataclasses import dataclass
from pathlib import Path

from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from bench.closure import ROOT

FORMATTER = HtmlFormatter(nowrap=True, classprefix="k-")
HEAD = "imports"


@dataclass(frozen=True)
class Row:
    """One function or class: its name and its text in every framework that has it."""

    name: str
    cells: dict[str, str]  # framework -> highlighted HTML


def shared_files(frameworks: list[str]) -> dict[str, str]:
    """Page title -> file, for every file that is worth reading side by side."""
    files = {"layers": "layers.py", "optimizers": "techniques/optimizers.py"}
    for framework in frameworks[:1]:
        folder = ROOT / "implementations" / framework / "architectures"
        for path in sorted(folder.glob("[!_]*.py")):
            files[path.stem] = f"architectures/{path.name}"
    return files | {"adapter": "adapter.py", "probe": "probe.py"}


def side_by_side(file: str, frameworks: list[str]) -> list[Row]:
    """Rows in the order of the first framework's file; names that only others have come after."""
    cut = {f: pieces(ROOT / "implementations" / f / file) for f in frameworks}
    names = dict.fromkeys(name for found in cut.values() for name in found)
    return [
        Row(name, {f: markup(cut[f][name]) for f in frameworks if name in cut[f]}) for name in names
    ]


def pieces(path: Path) -> dict[str, str]:
    """The text of every top-level function and class; what stands before them is "imports"."""
    if not path.is_file():
        return {}
    text = path.read_text()
    lines, found, last = text.splitlines(), {}, 0
    for node in ast.parse(text).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            start = min([node.lineno, *(d.lineno for d in node.decorator_list)]) - 1
            before = "\n".join(lines[last:start]).strip()
            if before:
                key = HEAD if not found else f"before {node.name}"
                found[key] = before
            found[node.name] = "\n".join(lines[start : node.end_lineno])
            last = node.end_lineno or start
    rest = "\n".join(lines[last:]).strip()
    if rest:
        found["at the end" if found else HEAD] = rest
    return found


def markup(code: str) -> str:
    return highlight(code, PythonLexer(), FORMATTER)
