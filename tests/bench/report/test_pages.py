"""What the pages say of summaries that the tests make."""

import json
from pathlib import Path
from typing import Any

import pytest

from bench import claim as claims
from bench.report import conformance, gather, pages

CLAIM = "lenet_accuracy"


def compared(framework: str, dtype: str, deviation: float | None, **more: Any) -> dict[str, Any]:
    known = {"model": "lenet", "optimizer": "adam", "steps": 20, "tolerance": 1e-6}
    rest = {"quantity": "loss", "passed": True, "first_divergence": None, "near_ties": 0}
    found = {"framework": framework, "dtype": dtype, "max_relative_deviation": deviation}
    return {**known, **rest, **found, **more}


def verdict(framework: str, hypothesis: str, word: str) -> dict[str, Any]:
    numbers = dict.fromkeys(("effect", "low", "high", "level", "power", "smallest_effect"), 0.1)
    return {
        **{"claim": CLAIM, "hypothesis": hypothesis, "framework": framework, "verdict": word},
        **numbers,
        **{"detectable_effect": 0.1, "seeds": 6, "diverged": 0, "p_value": 0.01},
        **{"complete": True, "conditional_on": [], "reason": "Because."},
    }


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """The standard budget with one claim judged: its first part supported, the whole not."""
    folder = tmp_path / "standard"
    folder.mkdir()
    parts = [hypothesis.name for hypothesis in claims.get(CLAIM).hypotheses]
    words = dict(zip(("claim", *parts), ("inconclusive", "supported", "inconclusive"), strict=True))
    (folder / "verdicts.json").write_text(
        json.dumps([verdict("pooled", name, word) for name, word in words.items()])
    )
    step = {"first_step_beyond_1e-5": 36}
    records = [
        compared("jax", "float64", 3e-7),
        compared("pytorch", "float32", 8e-7, near_ties=7, **step),
        compared("pytorch", "float64", 2e-7),
        compared("tensorflow", "float64", None, passed=False),
    ]
    (folder / "conformance.json").write_text(json.dumps(records))
    return folder


def test_a_claim_stands_under_its_topic(results: Path) -> None:
    front = pages.front(gather.gather(results))
    assert sorted(row["claim"].name for rows in front["topics"].values() for row in rows) == (
        claims.names()
    )
    for topic, rows in front["topics"].items():
        assert {row["claim"].topic for row in rows} == {topic}
    text = pages.pages(gather.gather(results))["index.html"]
    assert text.count('scope="rowgroup"') == len(front["topics"])


def test_only_what_was_judged_is_told_in_short(results: Path) -> None:
    front = pages.front(gather.gather(results))
    told = {word: [row["claim"].name for row in rows] for word, rows in front["tally"].items()}
    assert told == {"inconclusive": [CLAIM]}
    assert front["judged"] == 1


def test_a_supported_part_shows_where_the_whole_is_inconclusive(results: Path) -> None:
    text = pages.pages(gather.gather(results))["index.html"]
    assert "1 of 2 parts supported" in text
    first = claims.get(CLAIM).hypotheses[0]
    assert f'claims/{CLAIM}.html#h1">{first.setting or first.name}</a>: supported' in text


def test_conformance_is_summed_up_in_the_order_of_the_columns(results: Path) -> None:
    page = conformance.page(gather.gather(results))
    short = [(s["framework"], s["dtype"], s["passed"], s["share"]) for s in page["summary"]]
    assert short == [
        ("pytorch", "float64", 1, "20.0 %"),
        ("pytorch", "float32", 1, "80.0 %"),
        ("tensorflow", "float64", 0, "beyond"),
        ("jax", "float64", 1, "30.0 %"),
    ]
    assert [r["framework"] for r in page["records"]] == ["pytorch", "pytorch", "tensorflow", "jax"]


def test_near_ties_and_the_first_step_of_float32_are_shown(results: Path) -> None:
    page = conformance.page(gather.gather(results))
    assert page["summary"][1]["near_ties"] == 7
    assert page["summary"][1]["first_steps"] == "lenet adam from step 36"
    text = pages.pages(gather.gather(results))["conformance.html"]
    assert "lenet adam from step 36" in text
