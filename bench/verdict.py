"""From runs to verdicts: each rule of bench/claim.py, decided.

Seeds that several frameworks share count once in the pooled effect (their mean): counting one four
times would let a 95 % interval cover 84 %. A framework's own row is an estimate from its own runs;
that the frameworks differ is said by Cochran's Q alone. The p values of all levels and differences
that are judged together form one family, and are adjusted by Holm.

A run that diverged has no value and is not dropped in silence: it is counted, a level with a
diverged run is not supported (refuted when half of them diverged), a difference is not supported
when the arm diverged more often than its baseline, frameworks of which one diverged on a seed are
not equivalent, and a bound is broken.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from bench import inference
from bench.claim import AtLeast, Bound, Claim, Difference, Equivalent, Hypothesis
from bench.rules_text import sentence

SCHEMA_VERSION = 1
POOLED = "pooled"
COMPOSITE = "claim"
NOT_JUDGED, INCONCLUSIVE, DIFFERS = "not judged", "inconclusive", "differs between frameworks"
SUPPORTED, REFUTED, CONDITIONAL = "supported", "refuted", "conditional"

Planned = Mapping[tuple[str, str], Sequence[tuple[str, int, bool]]]
EMPTY = pd.DataFrame(columns=["framework", "arm", "seed", "metric", "value", "rule_hash"])


@dataclass
class Finding:
    """One row of verdicts.json."""

    claim: str
    hypothesis: str
    framework: str
    verdict: str = NOT_JUDGED
    effect: float | None = None
    low: float | None = None
    high: float | None = None
    smallest_effect: float | None = None
    detectable_effect: float | None = None
    power: float | None = None
    seeds: int = 0
    diverged: int = 0
    p_value: float | None = None
    agreement: float | None = None
    probability_of_superiority: float | None = None
    compared: str | None = None  # the two frameworks that differ most
    complete: bool = False
    conditional_on: list[str] = field(default_factory=list)
    reason: str = ""

    def record(self, budget: str) -> dict[str, Any]:
        numbers = {k: _finite(v) if isinstance(v, float) else v for k, v in vars(self).items()}
        return {"schema_version": SCHEMA_VERSION, "budget": budget, "level": 0.95, **numbers}


def judge(
    claims: Sequence[Claim], runs: pd.DataFrame, budget: str, planned: Planned
) -> list[dict[str, Any]]:
    """Rows for every claim: per hypothesis and framework, pooled, and composites."""
    judged: list[tuple[Claim, list[Finding]]] = []
    for claim in claims:
        frameworks = [f for name, f in planned if name == claim.name]
        own = runs[runs["claim"] == claim.name] if len(runs) else EMPTY
        valid = own[own["rule_hash"] == claim.rule_hash()]
        stale = len(own[["framework", "arm", "seed"]].drop_duplicates()) - len(
            valid[["framework", "arm", "seed"]].drop_duplicates()
        )
        findings: list[Finding] = []
        for hypothesis in claim.hypotheses:
            rows = _hypothesis(claim, hypothesis, valid, frameworks)
            _complete(rows, claim, hypothesis, valid, planned)
            findings += rows
        if stale:
            for finding in findings:
                finding.reason += f" {stale} runs under another rule were left out."
        judged.append((claim, findings))
    _correct_family([f for _, findings in judged for f in findings])
    records = []
    for claim, findings in judged:
        if budget not in claim.judged_at:
            for finding in findings:
                finding.verdict = NOT_JUDGED
                finding.reason = f"The {budget} budget proves the path and gives no verdict."
        frameworks = list(dict.fromkeys(f.framework for f in findings))
        composites = [_composite(claim, findings, framework) for framework in frameworks]
        records += [finding.record(budget) for finding in [*composites, *findings]]
    return records


def _hypothesis(
    claim: Claim, hypothesis: Hypothesis, runs: pd.DataFrame, frameworks: Sequence[str]
) -> list[Finding]:
    """The pooled row first, then a row for each framework."""
    rule = hypothesis.rule
    decide = {
        Bound: _bound,
        AtLeast: _level,
        Difference: _difference,
        Equivalent: _equivalent,
    }[type(rule)]
    rows = [Finding(claim.name, hypothesis.name, name) for name in (POOLED, *frameworks)]
    of_metric = runs[runs["metric"] == rule.metric]
    for finding in rows:
        chosen = of_metric
        if finding.framework != POOLED and not isinstance(rule, Equivalent):
            chosen = of_metric[of_metric["framework"] == finding.framework]
        if chosen[chosen["arm"] == rule.arm].empty:
            finding.reason = "No run has finished yet."
            continue
        decide(rule, chosen, finding, frameworks)
        finding.reason = sentence(rule, finding)
    return rows


def _bound(rule: Bound, runs: pd.DataFrame, finding: Finding, _: Sequence[str]) -> None:
    arm = runs[runs["arm"] == rule.arm]
    finding.diverged = int(arm["value"].isna().sum())
    values = arm["value"].fillna(math.inf)
    finding.effect, finding.low, finding.high = values.max(), values.min(), values.max()
    finding.smallest_effect, finding.seeds = rule.limit, arm["seed"].nunique()
    finding.verdict = _side(values <= rule.limit)
    if finding.framework == POOLED:
        sides = {_side(group <= rule.limit) for _, group in values.groupby(arm["framework"])}
        if len(sides) > 1:
            finding.verdict = DIFFERS


def _side(holds: pd.Series) -> str:
    return SUPPORTED if holds.all() else CONDITIONAL if holds.any() else REFUTED


def _level(rule: AtLeast, runs: pd.DataFrame, finding: Finding, _: Sequence[str]) -> None:
    arm = runs[runs["arm"] == rule.arm]
    values = [value - rule.threshold for value in _pooled(arm)]
    finding.diverged = int(arm["value"].isna().sum())
    finding.smallest_effect, finding.seeds = rule.smallest_effect, len(values)
    _describe(finding, values, arm, rule.threshold)
    finding.power = inference.power_of_level(len(values), rule.smallest_effect, rule.deviation)
    if 2 * finding.diverged >= len(arm):
        finding.verdict = REFUTED
    elif finding.low is not None and finding.high is not None and len(values) > 1:
        finding.verdict = (
            SUPPORTED if finding.low >= 0 else REFUTED if finding.high < 0 else INCONCLUSIVE
        )
        if finding.diverged and finding.verdict == SUPPORTED:
            finding.verdict = INCONCLUSIVE
    else:
        finding.verdict = INCONCLUSIVE


def _difference(rule: Difference, runs: pd.DataFrame, finding: Finding, _: Sequence[str]) -> None:
    wide = runs.pivot_table(
        index=["framework", "seed"], columns="arm", values="value", dropna=False
    ).reindex(columns=[rule.arm, rule.baseline])
    sign = 1 if rule.direction == "greater" else -1
    paired = ((wide[rule.arm] - wide[rule.baseline]) * sign).dropna().rename("value").reset_index()
    lost = wide.isna().sum()
    values = _pooled(paired)
    finding.diverged, finding.seeds = int(lost.sum()), len(values)
    finding.smallest_effect = rule.smallest_effect
    finding.verdict = INCONCLUSIVE
    if not values:
        return
    _describe(finding, values, paired, 0.0)
    finding.power = inference.power_of_level(len(values), rule.smallest_effect, rule.deviation)
    finding.probability_of_superiority = inference.superiority(values)
    if len(values) < 2 or finding.low is None or finding.high is None:
        return
    within = inference.p_equivalent(values, rule.smallest_effect) < inference.ALPHA
    if finding.high < 0 or within:
        finding.verdict = REFUTED
    elif finding.low > 0 and lost[rule.arm] <= lost[rule.baseline]:
        finding.verdict = SUPPORTED


def _equivalent(
    rule: Equivalent, runs: pd.DataFrame, finding: Finding, frameworks: Sequence[str]
) -> None:
    """All pairs for the pooled row; for a framework's row the pairs it belongs to."""
    arm = runs[runs["arm"] == rule.arm]
    wide = arm.pivot_table(index="seed", columns="framework", values="value", dropna=False)
    there = [name for name in frameworks if name in wide.columns]
    pairs = [(a, b) for i, a in enumerate(there) for b in there[i + 1 :]]
    pairs = [pair for pair in pairs if finding.framework in (POOLED, *pair)]
    finding.smallest_effect = rule.margin
    finding.diverged = int(arm["value"].isna().sum())
    if not pairs:
        return
    differences = {pair: wide[pair[0]] - wide[pair[1]] for pair in pairs}
    one_sided_loss = any((wide[a].isna() != wide[b].isna()).any() for a, b in pairs)
    clean = {pair: d.dropna().tolist() for pair, d in differences.items()}
    finding.seeds = min(len(values) for values in clean.values())
    if finding.seeds < 2:
        finding.verdict = INCONCLUSIVE
        return
    worst = max(pairs, key=lambda pair: abs(sum(clean[pair]) / len(clean[pair])))
    found = inference.interval(clean[worst], 0.90)  # two one-sided tests at 5 %
    finding.effect, finding.low, finding.high = found.mean, found.low, found.high
    finding.compared = f"{worst[0]} minus {worst[1]}"
    finding.p_value = max(inference.p_equivalent(d, rule.margin) for d in clean.values())
    outside = inference.holm([inference.p_outside(d, rule.margin) for d in clean.values()])
    finding.power = inference.power_of_equivalence(
        finding.seeds, len(there), rule.margin, rule.deviation
    )
    if one_sided_loss or min(outside) < inference.ALPHA:
        finding.verdict = REFUTED
    else:
        passed = finding.p_value < inference.ALPHA
        finding.verdict = SUPPORTED if passed else INCONCLUSIVE


def _pooled(runs: pd.DataFrame) -> list[float]:
    """One value a distinct seed: the mean over the frameworks that ran it."""
    return runs.dropna(subset="value").groupby("seed")["value"].mean().tolist()


def _describe(finding: Finding, values: list[float], runs: pd.DataFrame, null: float) -> None:
    """Effect, interval, p, what could have been seen, and whether the frameworks agree."""
    if not values:
        return
    found = inference.interval(values)
    finding.effect, finding.low, finding.high = found.mean, found.low, found.high
    if len(values) > 1:
        finding.p_value = inference.p_two_sided(values)
        deviation = float(pd.Series(values).std(ddof=1))
        finding.detectable_effect = inference.detectable(len(values), deviation)
    if finding.framework == POOLED:
        groups = runs.dropna(subset="value").groupby("framework")["value"]
        finding.agreement = inference.cochran_q([g.to_numpy() - null for _, g in groups])


def _correct_family(findings: Sequence[Finding]) -> None:
    """Holm over the pooled tests of levels and differences, and over their Cochran's Q."""
    pooled = [f for f in findings if f.framework == POOLED and f.detectable_effect is not None]
    adjusted = inference.holm([f.p_value if f.p_value is not None else 1.0 for f in pooled])
    for finding, p_value in zip(pooled, adjusted, strict=True):
        finding.p_value = p_value
        excludes_zero = finding.low is not None and finding.high is not None
        excludes_zero = excludes_zero and (finding.low >= 0 or finding.high < 0)  # type: ignore[operator]
        if excludes_zero and p_value >= inference.ALPHA and finding.verdict in (SUPPORTED, REFUTED):
            finding.verdict = INCONCLUSIVE
            finding.reason += " After Holm's correction over the family it is inconclusive."
    asked = [f for f in pooled if f.agreement is not None]
    for finding, p_value in zip(
        asked, inference.holm([f.agreement or 0.0 for f in asked]), strict=True
    ):
        finding.agreement = p_value
        if p_value < inference.ALPHA:
            finding.verdict = DIFFERS
            finding.reason += f" The frameworks differ (Cochran's Q, p = {p_value:.2g})."


def _complete(
    rows: Sequence[Finding],
    claim: Claim,
    hypothesis: Hypothesis,
    runs: pd.DataFrame,
    planned: Planned,
) -> None:
    """A row is complete when every planned run that it rests on is there."""
    arms = {hypothesis.rule.arm, getattr(hypothesis.rule, "baseline", hypothesis.rule.arm)}
    there = set(zip(runs["framework"], runs["arm"], runs["seed"], strict=True))
    missing: dict[str, int] = {}
    for (name, framework), wanted in planned.items():
        if name == claim.name:
            runs_of = [(framework, arm, seed) for arm, seed, _ in wanted if arm in arms]
            missing[framework] = sum(run not in there for run in runs_of)
    everything = sum(missing.values())
    for row in rows:
        whole = row.framework == POOLED or isinstance(hypothesis.rule, Equivalent)
        lacking = everything if whole else missing.get(row.framework, 0)
        row.complete = lacking == 0
        if lacking:
            row.reason += f" {lacking} planned runs are still missing."


def _composite(claim: Claim, findings: Sequence[Finding], framework: str) -> Finding:
    """The claim as a whole: what its hypotheses of role "claim" say together."""
    role = {h.name: h for h in claim.hypotheses}
    parts = [f for f in findings if f.framework == framework and role[f.hypothesis].role == "claim"]
    whole = Finding(claim.name, COMPOSITE, framework)
    verdicts = {part.verdict for part in parts}
    for word in (NOT_JUDGED, DIFFERS, INCONCLUSIVE, CONDITIONAL):
        if word in verdicts:
            whole.verdict = word
            break
    else:
        whole.verdict = verdicts.pop() if len(verdicts) == 1 else CONDITIONAL
    if whole.verdict == CONDITIONAL:
        whole.conditional_on = [
            f"{role[part.hypothesis].setting or part.hypothesis}: {part.verdict}" for part in parts
        ]
    if len(parts) == 1:
        only = parts[0]
        whole.effect, whole.low, whole.high = only.effect, only.low, only.high
        whole.smallest_effect = only.smallest_effect
    whole.seeds = min((part.seeds for part in parts), default=0)
    whole.diverged = max((part.diverged for part in parts), default=0)
    whole.complete = all(part.complete for part in parts)
    whole.reason = " ".join(dict.fromkeys(part.reason for part in parts))
    return whole


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
