"""What stands side by side is the same part of every framework's file."""

from pathlib import Path

import pytest

from bench.closure import ROOT
from bench.report import sources
from tests.conftest import FRAMEWORKS

ARCHITECTURES = sorted(
    f"architectures/{path.name}"
    for path in (ROOT / "implementations/numpy/architectures").glob("[!_]*.py")
)
TECHNIQUES = ROOT / "implementations/numpy/techniques"


@pytest.mark.parametrize("part", ["build", "forward", "logits", "cross_entropy"])
def test_every_part_of_lenet_has_all_four(part: str) -> None:
    rows = sources.side_by_side("architectures/lenet.py", FRAMEWORKS)
    assert [row.cells.keys() for row in rows if row.name == part] == [set(FRAMEWORKS)]


@pytest.mark.parametrize("file", ARCHITECTURES)
def test_every_net_is_built_and_passed_through_in_all_four(file: str) -> None:
    rows = {row.name: set(row.cells) for row in sources.side_by_side(file, FRAMEWORKS)}
    assert rows["build"] == set(FRAMEWORKS)
    assert rows.get("forward", set(FRAMEWORKS)) == set(FRAMEWORKS)


def test_every_technique_and_every_net_has_its_page() -> None:
    shown = sources.shared_files(FRAMEWORKS)
    found = {f"techniques/{path.name}" for path in TECHNIQUES.glob("[!_]*.py")} | {*ARCHITECTURES}
    assert found <= {*shown.values()}
    assert all(title == Path(file).stem for title, file in shown.items())


def test_no_line_is_lost() -> None:
    for path in sorted((ROOT / "implementations").rglob("*.py")):
        found = "\n".join(sources.pieces(path).values()).split()
        assert sorted(found) == sorted(path.read_text().split()), path


def test_a_name_that_others_have_stands_where_they_have_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for framework, names in {"one": "ac", "other": "abc"}.items():
        folder = tmp_path / "implementations" / framework
        folder.mkdir(parents=True)
        (folder / "x.py").write_text("".join(f"def {name}(): ...\n" for name in names))
    monkeypatch.setattr(sources, "ROOT", tmp_path)
    rows = sources.side_by_side("x.py", ["one", "other"])
    assert [row.name for row in rows] == ["a", "b", "c"]
