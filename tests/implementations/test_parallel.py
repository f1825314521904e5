"""The four folders read side by side: the same files, public functions and arguments, in order.

Container classes are the framework's own idiom and are left out, and so is native, a file or a
folder, which holds what is fast in one framework. A net is a nested dictionary where it is no
class of the framework's: NumPy and JAX have model.py for it, TensorFlow has one for the canonical
names of its variables, and NumPy adds the tape of its hand-derived backward. JAX adds its compiled
step, a pure function of the whole state, and where a staged batch lies.
"""

import ast
import tomllib
from pathlib import Path

import pytest

from tests.conftest import FRAMEWORKS, ROOT

FOLDERS = {name: ROOT / "implementations" / name for name in FRAMEWORKS}
ADDED = {
    "numpy": {"model.py", "tape.py"},
    "jax": {"model.py", "staged.py"},
    "tensorflow": {"model.py"},
}


def files(folder: Path) -> set[str]:
    """But for native: fast forms are not alike."""
    found = {str(path.relative_to(folder)) for path in folder.rglob("*.py")}
    return {file for file in found if not file.startswith("native")}


def functions(path: Path) -> list[tuple[str, tuple[str, ...]]]:
    """Public functions with their argument names, in the file's order."""
    found = []
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
            arguments = (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)
            found.append((node.name, tuple(argument.arg for argument in arguments)))
    return found


def methods(path: Path, name: str) -> list[str]:
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.ClassDef) and node.name == name:
            members = [n.name for n in node.body if isinstance(n, ast.FunctionDef)]
            return [member for member in members if not member.startswith("_")]
    raise AssertionError(f"{path} has no class {name}")


SHARED_FILES = sorted(files(FOLDERS["pytorch"]))


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_the_same_files(framework: str) -> None:
    assert files(FOLDERS[framework]) == set(SHARED_FILES) | ADDED.get(framework, set())


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_every_folder_has_a_native_variant(framework: str) -> None:
    assert list(FOLDERS[framework].glob("native*"))


@pytest.mark.parametrize("framework", FRAMEWORKS)
@pytest.mark.parametrize("file", SHARED_FILES)
def test_the_same_functions_in_the_same_order(framework: str, file: str) -> None:
    assert shared(functions(FOLDERS[framework] / file)) == shared(
        functions(FOLDERS["pytorch"] / file)
    )


def shared(found: list[tuple[str, tuple[str, ...]]]) -> list[tuple[str, tuple[str, ...]]]:
    """Without forward(), which is a method where the container is a class."""
    return [entry for entry in found if entry[0] != "forward"]


@pytest.mark.parametrize("framework", FRAMEWORKS)
@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("adapter.py", "System"),
        ("bare.py", "Training"),
        ("probe.py", "Probe"),
        ("probe.py", "Witness"),
    ],
)
def test_the_same_methods_in_the_same_order(framework: str, file: str, name: str) -> None:
    expected = methods(FOLDERS["pytorch"] / file, name)
    assert methods(FOLDERS[framework] / file, name) == expected


def refusals(path: Path) -> list[str]:
    """The words of what a file raises, in its order; what is filled in has names of its own."""
    raised = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Raise)]
    found = []
    for node in sorted(raised, key=lambda node: node.lineno):
        words = (part.value for part in ast.walk(node) if isinstance(part, ast.Constant))
        found.append("...".join(word for word in words if isinstance(word, str)))
    return found


@pytest.mark.parametrize("framework", FRAMEWORKS)
@pytest.mark.parametrize("file", [f for f in SHARED_FILES if f.startswith("techniques/")])
def test_the_same_mistake_is_told_in_the_same_words(framework: str, file: str) -> None:
    assert refusals(FOLDERS[framework] / file) == refusals(FOLDERS["pytorch"] / file)


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_every_folder_says_what_it_needs_and_what_it_lacks(framework: str) -> None:
    assert "==" in (FOLDERS[framework] / "requirements.txt").read_text()
    gaps = tomllib.loads((FOLDERS[framework] / "known_gaps.toml").read_text())["gap"]
    assert all(gap["capability"] and gap["reason"] for gap in gaps)


def test_the_comparison_can_fail(tmp_path: Path) -> None:
    original = FOLDERS["pytorch"] / "layers.py"
    copy = tmp_path / "layers.py"
    copy.write_text(original.read_text().replace("padding: int", "pad: int", 1))
    assert functions(copy) != functions(original)
