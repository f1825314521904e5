"""Summaries tell of what takes part, and of runs that are whole."""

import json
from pathlib import Path

import pytest

from bench import store, summaries


@pytest.fixture
def results(tmp_path: Path) -> Path:
    known = [{"framework": f, "available": f != "jax"} for f in ("numpy", "pytorch", "jax")]
    store.write_file(tmp_path / "frameworks.json", store.canonical(known))
    return tmp_path


@pytest.mark.parametrize("kind", ["conformance", "mutants", "atlas"])
def test_what_an_earlier_plan_left_behind_is_not_told(results: Path, kind: str) -> None:
    for framework in ("pytorch", "jax", "tensorflow"):
        record = {"framework": framework, "row": "Z1", "default": 1.0, "note": None}
        store.write_file(results / kind / f"{framework}.json", store.canonical([record]))
    told = json.loads(summaries.SUMMARIES[kind][1](results))
    assert [record["framework"] for record in told] == ["pytorch"]


def test_a_run_that_was_changed_afterwards_is_not_counted(results: Path) -> None:
    run = {"claim": "max_pool_gradient", "framework": "numpy", "arm": "tied", "seed": 0}
    store.write_file(results / "plan.json", store.canonical([run]))
    folder = results / "store/max_pool_gradient/numpy/tied-0"
    store.write_run(folder, dict.fromkeys(store.RECORDS, "{}"))
    assert [found for found, _ in summaries.finished(results)] == [folder]
    (folder / "outcome.json").write_text('{"metrics": {"deviation": 0.0}}')
    assert list(summaries.finished(results)) == []
