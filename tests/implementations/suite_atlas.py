"""Every row of the atlas in one framework: pytest tests/implementations/suite_atlas.py
--framework pytorch. Collected by test_atlas.py, one process a framework."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from bench import atlas
from implementations.atlas.row import Answer, Row, rows

ROWS = {row.key: row for row in rows()}
CHEAP = "B13"  # the standard deviation of four numbers
PLANTED = {  # what a row may give in place of its aligned result
    "a wrong number": lambda found: found + 1e-9,
    "a wrong shape": lambda found: np.asarray(found)[None],
    "not a number": lambda found: found * np.nan,
    "nothing": lambda found: None,
}


@pytest.fixture
def framework(request: pytest.FixtureRequest) -> str:
    return str(request.config.getoption("--framework"))


def asked(row: Row, framework: str) -> dict[str, Any]:
    (record,) = atlas.asked(framework, [row])
    return record


@pytest.mark.parametrize("key", ROWS)
def test_a_row_answers_as_pinned_and_its_recipe_aligns(key: str, framework: str) -> None:
    record = asked(ROWS[key], framework)
    assert not record["red"], atlas.sentence(record)
    assert record["recipe"]
    assert record["aligned"] is (None if ROWS[key].reference is None else True)


def test_a_changed_default_is_red(framework: str) -> None:
    row = ROWS[CHEAP]
    pinned = {**row.pinned, framework: float(row.pinned[framework]) + 1e-3}  # type: ignore[arg-type]
    record = asked(replace(row, pinned=pinned), framework)
    assert (record["red"], record["changed"], record["aligned"]) == (True, True, True)
    assert f"row {CHEAP} " in atlas.sentence(record)
    assert "is pinned" in atlas.sentence(record)


@pytest.mark.parametrize("plant", PLANTED)
def test_a_recipe_that_does_not_align_is_red(plant: str, framework: str) -> None:
    row = ROWS[CHEAP]

    def wrong(framework: str) -> Answer:
        honest = row.ask(framework)
        return replace(honest, aligned=PLANTED[plant](honest.aligned))

    record = asked(replace(row, ask=wrong), framework)
    assert record["red"]
    assert record["aligned"] is not True
    assert f"row {CHEAP} " in atlas.sentence(record)


def test_a_row_that_raises_is_red_and_named(framework: str) -> None:
    def gone(framework: str) -> Answer:
        raise AttributeError("no such function any more")

    after, before = ROWS[CHEAP], replace(ROWS[CHEAP], ask=gone)
    first, second = atlas.asked(framework, [before, after])
    assert (first["red"], first["note"]) == (True, "AttributeError: no such function any more")
    assert atlas.sentence(first).startswith(f"row {CHEAP} ")
    assert not second["red"]


def test_numbers_are_those_of_the_installed_versions(framework: str) -> None:
    versions = asked(ROWS[CHEAP], framework)["versions"]
    assert all(version[0].isdigit() for version in versions.values())
