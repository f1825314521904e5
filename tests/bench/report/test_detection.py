"""The page says of the regression gate what its trials say."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from bench.contract import VARIANTS
from bench.report import detection
from bench.timing.gate import TRIALS, proof


def trial(kind: str, verdict: str, mean: float) -> dict[str, Any]:
    return {
        "kind": kind,
        "share": 0.1 if kind == "planted" else 0.0,
        "verdict": verdict,
        "date": "2026-01-01T00:00:00+00:00",
        "seconds": 40.0,
        "differences": [mean - 0.01, mean + 0.01] * 5,
        "ratio": 1 + mean,
        "low": 1 + mean - 0.01,
        "high": 1 + mean + 0.01,
        "allowed": 0.03,
        "among": 10,
        "most_pairs": 24,
        "load": 1.0,
        "base_seconds": 0.03,
        "same_bits": True,
        "git_commit": "0" * 40,
    }


def whole(seconds: float) -> dict[str, Any]:
    made = trial("equal", "as fast", 0.0) | {"seconds": seconds}
    said = {key: made.pop(key) for key in ("ratio", "low", "high", "verdict")}
    for key in ("differences", "base_seconds", "same_bits"):
        del made[key]
    return made | {"benchmarks": {f"numpy/{form}/mlp": said | {"pairs": 6} for form in VARIANTS}}


def kept(folder: Path, trials: list[dict[str, Any]], *runs: dict[str, Any]) -> Path:
    path = folder / "gate.json"
    proof.write({"trials": trials, "whole": list(runs)} | proof.summary(trials), path)
    return path


def test_rates_are_those_of_the_trials(tmp_path: Path) -> None:
    equal = [trial("equal", "as fast", 0.0), trial("equal", "slower", 0.06)]
    trials = [*equal, trial("planted", "slower", 0.05)]
    page = detection.page(kept(tmp_path, trials, whole(240.0), whole(300.0)))
    assert page
    assert page["rates"]["false_alarms"]["count"] == 1
    assert page["rates"]["false_alarms"]["of"] == 2
    assert page["rates"]["detected"]["of"] == 1
    assert page["slowdown"] == pytest.approx(0.05)
    assert (page["share"], page["allowed"], page["among"]) == (0.1, 0.03, 10)
    assert page["minutes"] == 5.0
    assert page["figure"].startswith("<svg")


def test_equal_trials_alone_have_no_planted_slowdown(tmp_path: Path) -> None:
    page = detection.page(kept(tmp_path, [trial("equal", "as fast", 0.0)]))
    assert page
    assert page["slowdown"] is page["minutes"] is None


def test_without_trials_nothing_is_said(tmp_path: Path) -> None:
    assert detection.page(tmp_path / "gate.json") is None


def test_what_the_schema_does_not_allow_is_not_kept(tmp_path: Path) -> None:
    path = tmp_path / "gate.json"
    with pytest.raises(jsonschema.ValidationError, match="perhaps"):
        kept(tmp_path, [trial("perhaps", "as fast", 0.0)])
    assert not path.exists()


def test_what_is_published_is_what_its_trials_say() -> None:
    found = json.loads(TRIALS.read_text())
    jsonschema.validate(found, json.loads(proof.SCHEMA.read_text()))
    told = proof.summary(found["trials"])
    assert all(found[key] == told[key] for key in ("rates", "planted_ratio"))
    assert [point["count"] for point in found["curve"]] == [p["count"] for p in told["curve"]]
