"""From runs to verdicts: every claim judged on the runs there are.

A framework's own row is an estimate from its own runs; the pooled row is the verdict. What is
judged together is corrected together, by Holm, claim by claim, so that no other claim changes its
verdict, in three families at 5 % each: the pooled tests of
levels and differences, and those that place a law or a sameness outside of its margin; the tests
that place something within its margin, be it a sameness or a difference too small to matter;
and Cochran's Q, which alone says that the frameworks differ (bounds, which are exact, differ where
the frameworks' verdicts do). Frameworks that differ in the size of an effect, and of which each
alone has the verdict of all, differ in its size only. An equivalence needs no correction: all its
pairs must pass.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from bench import decide, inference
from bench.claim import Claim
from bench.decide import (
    CONDITIONAL,
    DIFFERS,
    INCONCLUSIVE,
    NOT_JUDGED,
    POOLED,
    REFUTED,
    SUPPORTED,
    Design,
    Finding,
)
from bench.errors import UserError
from bench.hypothesis import AtLeast, Difference, Equivalent, Hypothesis, Rule, Same, Within
from bench.rules_text import sentence

SCHEMA_VERSION = 1
COMPOSITE = "claim"
RUN = ("framework", "arm", "seed")

Planned = Mapping[tuple[str, str], Sequence[tuple[str, int, bool]]]


def judge(
    claims: Sequence[Claim], runs: pd.DataFrame, budget: str, planned: Planned
) -> list[dict[str, Any]]:
    """Records for every claim: pooled and per framework, the whole first, then its hypotheses.

    runs: claim, framework, arm, seed, shared, rule_hash, metric, value, one row a run and metric.
    planned: (claim, framework) -> (arm, seed, shared) of its runs; skipped frameworks are not in
    it. What is not planned, or ran under another rule, is not judged. Raises UserError for a run
    that is listed twice.
    """
    findings: dict[str, list[Finding]] = {}
    rules: dict[tuple[str, str], Rule] = {}
    for claim in claims:
        plan = _plan(claim, planned)
        table, left_out = _judgeable(claim, runs, plan)
        findings[claim.name] = []
        for hypothesis in claim.hypotheses:
            rules[claim.name, hypothesis.name] = hypothesis.rule
            for finding in _rows(claim, hypothesis, table, plan):
                finding.reason += left_out
                findings[claim.name].append(finding)
    for rows in findings.values():
        _correct_families(rows, rules)
    records = []
    for claim in claims:
        rows = findings[claim.name]
        judged = budget in claim.judged_at
        for finding in rows:
            found = "No run has finished yet."
            if finding.runs:
                found = sentence(rules[claim.name, finding.hypothesis], finding, claim.metrics)
            finding.reason = f"{found}{finding.reason}"
            if not judged:
                finding.verdict, finding.conditional_on = NOT_JUDGED, []
                finding.reason = f"The {budget} budget proves the path and gives no verdict."
        names = dict.fromkeys(finding.framework for finding in rows)
        composites = [_composite(claim, rows, name) for name in names]
        records += [
            {"schema_version": SCHEMA_VERSION, "budget": budget, **finding.record()}
            for finding in [*composites, *rows]
        ]
    return records


def _plan(claim: Claim, planned: Planned) -> pd.DataFrame:
    rows = [
        (framework, *run)
        for (name, framework), wanted in planned.items()
        if name == claim.name
        for run in wanted
    ]
    return pd.DataFrame(rows, columns=[*RUN, "shared"])


def _judgeable(claim: Claim, runs: pd.DataFrame, plan: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """The planned runs under the claim's present rule, and a sentence on those left out."""
    own = runs[runs["claim"] == claim.name]
    shared = {tuple(row[:3]): row[3] for row in plan.itertuples(index=False)}
    keys = list(zip(*(own[column] for column in RUN), strict=True))
    expected = claim.rule_hash()
    kept, stale = [], set()
    for key, rule, metric, value in zip(
        keys, own["rule_hash"], own["metric"], own["value"], strict=True
    ):
        if key in shared and rule == expected:
            kept.append((*key, bool(shared[key]), metric, float(value)))
        elif key in shared:
            stale.add(key)
    table = pd.DataFrame(kept, columns=[*RUN, "shared", "metric", "value"])
    table["value"] = table["value"].where(table["value"].abs() < float("inf"))
    twice = table[table.duplicated([*RUN, "metric"])]
    if len(twice):
        framework, arm, seed = twice.iloc[0][list(RUN)]
        raise UserError(
            f"the runs of {claim.name} list {framework}, arm {arm}, seed {seed} twice: remove one"
        )
    table["censored"] = _censored(claim, table)
    return table, f" {len(stale)} runs under another rule were left out." if stale else ""


def _censored(claim: Claim, table: pd.DataFrame) -> list[bool]:
    """Whether a value is only a bound: a run that diverged has none, and is not censored."""
    keys = [*RUN, "metric"]
    values = dict(zip(table[keys].itertuples(index=False, name=None), table["value"], strict=True))
    return [
        value == value and values.get((*run, claim.censored.get(metric)), 1.0) < 1
        for (*run, metric), value in values.items()
    ]


def _rows(
    claim: Claim, hypothesis: Hypothesis, table: pd.DataFrame, plan: pd.DataFrame
) -> list[Finding]:
    """The pooled row first, then a row for each framework."""
    rule = hypothesis.rule
    arms = [rule.arm, rule.baseline] if isinstance(rule, Difference | Same) else [rule.arm]
    wanted = plan[plan["arm"].isin(arms)]
    there = table[table["arm"].isin(arms) & (table["metric"] == rule.metric)]
    frameworks = tuple(dict.fromkeys(plan["framework"]))
    rows = []
    for name in (POOLED, *frameworks):
        mine, planned = there, wanted
        if name != POOLED and not isinstance(rule, Equivalent):
            mine, planned = (part[part["framework"] == name] for part in (there, wanted))
        finding = Finding(claim.name, hypothesis.name, name, runs=len(mine))
        missing = len(planned) - len(mine)
        finding.complete = missing == 0 and len(mine) > 0
        finding.reason = f" {missing} planned runs are still missing." if missing else ""
        if len(mine):
            if isinstance(rule, Equivalent):
                planned = planned[planned["shared"]]
            seeds = decide.distinct_seeds(planned).nunique()
            decide.decide(rule, mine, finding, Design(seeds, frameworks))
        rows.append(finding)
    return rows


def _correct_families(findings: Sequence[Finding], rules: Mapping[tuple[str, str], Rule]) -> None:
    """Holm over a claim's pooled means: their verdicts follow the adjusted p values."""
    pooled = [
        f
        for f in findings
        if f.framework == POOLED
        and f.p_value is not None
        and isinstance(rules[f.claim, f.hypothesis], AtLeast | Difference | Within | Same)
    ]
    for name in ("p_value", "p_within", "agreement"):
        asked = [f for f in pooled if getattr(f, name) is not None]
        adjusted = inference.holm([getattr(f, name) for f in asked])
        for finding, p_value in zip(asked, adjusted, strict=True):
            setattr(finding, name, p_value)
    for finding in pooled:
        alone = finding.verdict
        finding.verdict = decide.ruling(rules[finding.claim, finding.hypothesis], finding)
        if finding.verdict != alone:
            finding.reason += f" Alone it would be {alone}: Holm's correction over the family."
        if finding.agreement is not None and finding.agreement < inference.ALPHA:
            by = f"Cochran's Q, p = {finding.agreement:.2g}"
            alike = {f.verdict for f in findings if f.hypothesis == finding.hypothesis}
            if alike == {finding.verdict}:
                finding.reason += f" The frameworks agree in this, and differ in its size ({by})."
            else:
                finding.verdict = DIFFERS
                finding.reason += f" The frameworks differ ({by})."


def _together(verdicts: set[str]) -> str:
    """The word for a claim whose parts have these: what one part knows, the others cannot undo.

    Where it holds in one setting and fails in another, it is conditional, whatever is still
    undecided elsewhere.
    """
    if NOT_JUDGED in verdicts:
        return NOT_JUDGED
    if {SUPPORTED, REFUTED} <= verdicts:
        return CONDITIONAL
    for word in (DIFFERS, INCONCLUSIVE, CONDITIONAL):
        if word in verdicts:
            return word
    return verdicts.pop()


def _composite(claim: Claim, findings: Sequence[Finding], framework: str) -> Finding:
    """The claim as a whole: what its hypotheses of role "claim" say together."""
    of = {h.name: h for h in claim.hypotheses}
    parts = [f for f in findings if f.framework == framework and of[f.hypothesis].role == "claim"]
    whole = Finding(claim.name, COMPOSITE, framework)
    whole.verdict = _together({part.verdict for part in parts})
    if whole.verdict == CONDITIONAL:
        whole.conditional_on = [
            f"{of[part.hypothesis].setting or part.hypothesis}: {part.verdict}" for part in parts
        ]
    if len(parts) == 1:
        only = parts[0]
        whole.effect, whole.low, whole.high = only.effect, only.low, only.high
        whole.level, whole.smallest_effect = only.level, only.smallest_effect
    whole.runs = sum(part.runs for part in parts)
    whole.seeds = min((part.seeds for part in parts), default=0)
    whole.diverged = max((part.diverged for part in parts), default=0)
    whole.censored = max((part.censored for part in parts), default=0)
    whole.complete = all(part.complete for part in parts)
    whole.reason = " ".join(dict.fromkeys(part.reason for part in parts))
    return whole
