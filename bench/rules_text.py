"""Rules and findings in words, for a reader who runs nothing."""

from collections.abc import Mapping
from typing import Any

from bench import inference
from bench.hypothesis import AtLeast, Bound, Difference, Rule, Same, Within


def number(value: float | None) -> str:
    """Three digits that count; nothing that was not measured."""
    if value is None:
        return "not measured"
    return f"{value:.3g}" if value == value and abs(value) != float("inf") else "unbounded"


def described(rule: Rule, metrics: Mapping[str, str]) -> str:
    """What is measured, as the claim describes it: a metric's name says little to a reader."""
    text = metrics.get(rule.metric) or rule.metric.replace("_", " ")
    return text[:1].upper() + text[1:]


def rule_in_words(rule: Rule, metrics: Mapping[str, str]) -> str:
    """What was fixed before the runs."""
    return f"{described(rule, metrics)}. {_wanted(rule)}"


def _wanted(rule: Rule) -> str:
    if isinstance(rule, Bound):
        return (
            f"Supported if it stays at or below {rule.limit:g} in every run of arm "
            f"{rule.arm}, refuted if it is above in every run."
        )
    if isinstance(rule, AtLeast):
        return (
            f"Supported if the 95 % interval of its mean in arm {rule.arm} lies at "
            f"or above {rule.threshold:g}, refuted if it lies below. Smallest effect of interest: "
            f"{rule.smallest_effect:g}; planned for a deviation of {rule.deviation:g} over seeds."
        )
    if isinstance(rule, Difference):
        return (
            f"Supported if that of {rule.arm} is {rule.direction} than that of "
            f"{rule.baseline} on paired seeds: the 95 % interval of the difference excludes 0, and "
            f"is not shown to be smaller than {rule.smallest_effect:g}. Refuted if it excludes 0 "
            f"the other way, or lies within plus or minus {rule.smallest_effect:g} by two "
            f"one-sided tests."
        )
    if isinstance(rule, Within):
        return (
            f"Supported if its mean in arm {rule.arm} lies between {rule.low:g} and "
            f"{rule.high:g}, by two one-sided tests at 5 %; refuted if it is shown to lie outside. "
            f"Planned for a deviation of {rule.deviation:g} over seeds."
        )
    if isinstance(rule, Same):
        return (
            f"Supported if that of {rule.arm} differs from that of {rule.baseline} by less "
            f"than {rule.margin:g} on paired seeds, by two one-sided tests at 5 %; refuted if it "
            f"is shown to differ by more. Planned for a deviation of {rule.deviation:g}."
        )
    return (
        f"Supported if every two frameworks differ by less than {rule.margin:g} "
        f"on shared seeds, by two one-sided tests at 5 %; refuted if two are shown to differ "
        f"by more (Holm over the pairs). Planned for a deviation of {rule.deviation:g}."
    )


def sentence(rule: Rule, finding: Any, metrics: Mapping[str, str]) -> str:
    """What was found, with the numbers that decided."""
    return f"{described(rule, metrics)}. {_found(rule, finding)}"


def _found(rule: Rule, finding: Any) -> str:
    seeds = f"{finding.seeds} seed{'s' if finding.seeds != 1 else ''}"
    lost = f" {finding.diverged} of {finding.runs} runs diverged." if finding.diverged else ""
    if finding.censored and isinstance(rule, Difference | Same):
        lost += (
            f" In {finding.censored} pair{'s' if finding.censored != 1 else ''} a run did not "
            "arrive within its horizon, which then stands for its value: that speaks for a "
            "difference, and never for sameness."
        )
    span = f"{number(finding.low)} to {number(finding.high)}"
    if isinstance(rule, Bound):
        return (
            f"The largest value over {seeds} is {number(finding.effect)}, "
            f"the limit {rule.limit:g}.{lost}"
        )
    if isinstance(rule, AtLeast | Difference) and finding.diverged:
        lost += " A run that diverged counts as worse than any number, which leaves no mean."
    seen = (
        f" An effect of {number(finding.detectable_effect)} would have been seen."
        if finding.verdict == "inconclusive" and finding.detectable_effect is not None
        else ""
    )
    if isinstance(rule, AtLeast) and finding.censored:
        return (
            f"{finding.censored} of {finding.runs} runs did not arrive within their horizon, so "
            f"that there is no mean.{lost}"
        )
    if isinstance(rule, AtLeast):
        mean = None if finding.effect is None else finding.effect + rule.threshold
        return (
            f"The mean is {number(mean)} over {seeds}; its distance from "
            f"{rule.threshold:g} is {number(finding.effect)} (95 % interval {span}).{seen}{lost}"
        )
    if isinstance(rule, Difference):
        if not finding.seeds:
            return f"No seed has both arms yet.{lost}"
        ahead = f"{finding.probability_of_superiority:.0%}".replace("%", " %")
        small = finding.p_within is not None and finding.p_within < inference.ALPHA
        matters = (
            f" It is too small to matter: within plus or minus {rule.smallest_effect:g} by two "
            f"one-sided tests (p = {number(finding.p_within)})."
            if small
            else f" The smallest effect of interest is {rule.smallest_effect:g}."
        )
        return (
            f"{rule.arm} against {rule.baseline}: a difference of {number(finding.effect)} in the "
            f"claimed direction (95 % interval {span}) over {seeds}, ahead on {ahead} of them."
            f"{matters}{seen}{lost}"
        )
    if isinstance(rule, Within | Same):
        what = (
            f"The mean of {rule.arm}"
            if isinstance(rule, Within)
            else f"{rule.arm} minus {rule.baseline}"
        )
        limits = (
            f"between {rule.low:g} and {rule.high:g}"
            if isinstance(rule, Within)
            else f"within plus or minus {rule.margin:g}"
        )
        seen = seen.replace("An effect", "Sameness within a margin")
        return (
            f"{what}: {number(finding.effect)} (90 % interval {span}) over {seeds}; wanted "
            f"{limits}.{seen}{lost}"
        )
    if finding.effect is None:
        return f"Fewer than two frameworks or seeds to compare.{lost}"
    seen = seen.replace("An effect", "Sameness within a margin")
    return (
        f"The two that differ most, {finding.compared}: {number(finding.effect)} (90 % interval "
        f"{span}) over {seeds}, margin {rule.margin:g}.{seen}{lost}"
    )
