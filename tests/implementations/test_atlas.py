"""The atlas: its rows, what makes one red, and what the summary and the page say of it.

suite_atlas.py asks the rows, one process a framework.
"""

from dataclasses import replace
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from bench import atlas, store, summaries
from bench.errors import UserError
from bench.report import atlas as pages
from implementations.atlas.row import FRAMEWORKS, Answer, Row, collected, row, rows
from tests.conftest import run_suite

AT_LEAST = 60


@pytest.mark.parametrize("framework", FRAMEWORKS, indirect=True)
def test_every_row(framework: str) -> None:
    run_suite("tests/implementations/suite_atlas.py", framework)


def test_there_are_enough_rows_and_each_says_why() -> None:
    found = rows()
    assert len(found) >= AT_LEAST
    assert [entry.key for entry in found if len(entry.why) < 20] == []
    assert {entry.topic for entry in found} >= {"batch_norm", "convolution", "pooling", "losses"}


def planted(key: str = "Z1") -> Row:
    @row(key, "a title", {"pytorch": 1.0, "tensorflow": 1.0, "jax": 2.0})
    def question(framework: str) -> Answer:
        """Something goes wrong."""
        return Answer(1.0, "none")

    return question


def module(**entries: Row) -> ModuleType:
    made = ModuleType("implementations.atlas.planted")
    vars(made).update(entries)
    return made


def test_a_key_that_stands_twice_is_refused() -> None:
    assert len(collected([module(a=planted("Z1")), module(b=planted("Z2"))])) == 2
    with pytest.raises(ValueError, match=r"keys stand twice: \['Z1'\]"):
        collected([module(a=planted("Z1")), module(b=planted("Z1"))])


def test_a_row_that_pins_two_frameworks_is_refused() -> None:
    with pytest.raises(ValueError, match="row Z1 must pin pytorch, tensorflow, jax"):
        row("Z1", "a title", {"pytorch": 1.0, "jax": 1.0})


def test_a_missing_package_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in atlas.SURROUNDINGS.items():
        monkeypatch.setenv(name, value)  # and taken away again after the test
    monkeypatch.setattr(atlas, "MODULES", {"jax": ("no_such_package",)})
    with pytest.raises(UserError, match="the package no_such_package is not installed"):
        list(atlas.asked("jax", [planted()]))


@pytest.mark.parametrize(
    ("default", "written"),
    [(-0.0, 0.0), (float("nan"), "nan"), (float("inf"), "inf"), ([1, 2.00001], [1.0, 2.0])],
)
def test_defaults_are_written_as_json_can(default: object, written: object) -> None:
    assert str(atlas.rounded(default, 3)) == str(written)  # type: ignore[arg-type]


@pytest.fixture
def answered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A results folder with three rows: all alike, one apart, one that fails in a framework."""
    started = SimpleNamespace(__version__="1.0")
    monkeypatch.setattr(atlas, "_started", lambda framework: {framework: started})

    def apart(framework: str) -> Answer:
        return Answer(None if framework == "jax" else 1.0, "none")

    def failing(framework: str) -> Answer:
        if framework != "pytorch":
            raise AttributeError("gone")
        return Answer(1.0, "none")

    pinned = dict.fromkeys(FRAMEWORKS, 1.0)
    planned = [
        replace(planted("Z1"), pinned=pinned),
        replace(planted("Z2"), pinned={**pinned, "jax": None}, ask=apart),
        replace(planted("Z3"), pinned=pinned, ask=failing),
    ]
    for framework in FRAMEWORKS:
        records = list(atlas.asked(framework, planned))
        store.write_file(tmp_path / "atlas" / f"{framework}.json", store.canonical(records))
    known = [{"framework": name, "available": True} for name in FRAMEWORKS]
    store.write_file(tmp_path / "frameworks.json", store.canonical(known))
    summaries.write(tmp_path, "atlas")
    return tmp_path


def test_the_summary_says_which_defaults_disagree(answered: Path) -> None:
    records = store.read(answered / "atlas.json")
    told = {r["row"]: r["frameworks_disagree"] for r in records}
    assert told == {"Z1": False, "Z2": True, "Z3": None}
    assert [(r["row"], r["framework"]) for r in records if r["red"]] == [
        ("Z3", "jax"),
        ("Z3", "tensorflow"),
    ]


def test_the_page_counts_and_names_what_is_red(answered: Path) -> None:
    page = pages.page(store.read(answered / "atlas.json"))
    assert page["counts"] == {"disagree": 1, "agree": 1, "red": 1}
    assert page["asked"] == ["pytorch", "tensorflow", "jax"]
    assert [framework for framework, _ in page["red"]] == ["jax", "tensorflow"]
    assert all("row Z3 of the atlas" in why for _, why in page["red"])
    assert pages.page([])["rows"] == 0


@pytest.mark.parametrize(
    ("default", "text"),
    [(None, "has none"), (True, "yes"), ([0.0, "nan"], "0, nan"), (1e-5, "1e-05")],
)
def test_a_default_is_written_for_a_reader(default: object, text: str) -> None:
    assert pages.shown(default) == text
