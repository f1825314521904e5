"""Claims without runs, and tables of runs with values that the tests choose."""

import json
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd

from bench import verdict
from bench.claim import Budget, Claim
from bench.hypothesis import AtLeast, Bound, Difference, Equivalent, Hypothesis, Rule, Same, Within

FRAMEWORKS = ("numpy", "pytorch", "tensorflow", "jax")
LEVEL = AtLeast("score", "new", 0.9, smallest_effect=0.01, deviation=0.01)
GAIN = Difference("score", "new", "old", "greater", smallest_effect=0.05, deviation=0.05)
SAME = Equivalent("score", "new", margin=0.01, deviation=0.004)
EXACT = Bound("score", "new", 1e-10)
LAW = Within("score", "new", 0.88, 0.92, deviation=0.018)
ALIKE = Same("score", "new", "old", margin=0.05, deviation=0.045)


Series = Sequence[float] | np.ndarray
Values = Mapping[str, Mapping[str, Series]]


def claim(
    *rules: Rule, role: str = "claim", censored: Mapping[str, str] = MappingProxyType({})
) -> Claim:
    names = [f"part {number}" for number in range(len(rules))]
    return Claim(
        name="toy",
        title="",
        topic="",
        deck="",
        translation="",
        compared="",
        arms={"new": "", "old": ""},
        metrics={"score": "", "reached": ""},
        censored=censored,
        hypotheses=tuple(
            Hypothesis(name, "", rule, role=role, setting=f"setting {name}")  # type: ignore[arg-type]
            for name, rule in zip(names, rules, strict=True)
        ),
        budgets={"standard": Budget((0, 1, 2), 0)},
        architectures=(),
    )


def table(described: Claim, values: Values, own: bool = False) -> pd.DataFrame:
    """values[framework][arm] is a list by seed; own: every framework has seeds of its own."""
    rows = [
        {
            "claim": described.name,
            "framework": framework,
            "arm": arm,
            "seed": seed + 1000 * FRAMEWORKS.index(framework) * own,
            "shared": not own,
            "rule_hash": described.rule_hash(),
            "metric": "score",
            "value": value,
        }
        for framework, arms in values.items()
        for arm, series in arms.items()
        for seed, value in enumerate(series)
    ]
    return pd.DataFrame(rows)


def planned(described: Claim, runs: pd.DataFrame) -> dict[tuple[str, str], list[Any]]:
    plan: dict[tuple[str, str], list[Any]] = {}
    for row in runs.itertuples():
        plan.setdefault((described.name, str(row.framework)), []).append(
            (row.arm, row.seed, row.shared)
        )
    return plan


def judged(
    described: Claim, runs: pd.DataFrame, budget: str = "standard", plan: Any = None
) -> dict[tuple[str, str], dict[str, Any]]:
    records = verdict.judge([described], runs, budget, plan or planned(described, runs))
    json.dumps(records, allow_nan=False)
    return {(r["hypothesis"], r["framework"]): r for r in records}


def everywhere(**arms: Series) -> dict[str, Mapping[str, Series]]:
    return {name: dict(arms) for name in FRAMEWORKS}
