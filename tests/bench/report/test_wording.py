"""What rules, findings and figures say is what a metric is, not how it is called in the code."""

import re
from xml.etree import ElementTree

import pandas as pd
import pytest

from bench import claim as claims
from bench import decide, rules_text
from bench.decide import Finding
from bench.hypothesis import AtLeast, Bound, Difference, Equivalent, Rule, Same, Within
from bench.report import evidence, pages

METRICS = {"slope": "log variance by log size, in halvings"}
RULES: list[Rule] = [
    Bound("slope", "new", 1e-10),
    Bound("slope", "new", 0.0),
    AtLeast("slope", "new", 0.9, smallest_effect=0.01, deviation=0.01),
    Difference("slope", "new", "old", "greater", smallest_effect=0.05, deviation=0.05),
    Equivalent("slope", "new", margin=0.01, deviation=0.004),
    Within("slope", "new", 0.88, 0.92, deviation=0.018),
    Same("slope", "new", "old", margin=0.05, deviation=0.045),
]


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_and_its_finding_say_what_is_measured(rule: Rule) -> None:
    finding = Finding("toy", "part", "pooled", effect=0.1, low=0.0, high=0.2, seeds=5)
    finding.probability_of_superiority = 0.5
    for text in (
        rules_text.rule_in_words(rule, METRICS),
        rules_text.sentence(rule, finding, METRICS),
    ):
        assert text.startswith("Log variance by log size, in halvings. ")
        assert "slope" not in text


@pytest.mark.parametrize("name", claims.names())
def test_a_metric_is_described_without_the_others(name: str) -> None:
    described = claims.get(name).metrics
    for metric, text in described.items():
        assert not re.match(r"(the )?(same|these)\b", text), metric
        assert not [other for other in described if "_" in other and other in text], metric


def runs(value: float) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {"framework": framework, "arm": arm, "seed": seed, "slope": value * (seed + 1)}
            for framework in ("numpy", "jax")
            for arm in ("new", "old")
            for seed in range(3)
        ]
    )


@pytest.mark.parametrize("value", [0.0, 1e-12, 0.9, 4e7])
@pytest.mark.parametrize("rule", RULES)
def test_every_run_is_drawn_whatever_its_size(rule: Rule, value: float) -> None:
    svg = evidence.runs_of(rule, runs(value), "log variance by log size", "toy")
    assert svg is not None
    ElementTree.fromstring(svg)
    assert "log variance by log size" in svg


def test_a_law_shows_the_band_in_which_it_holds() -> None:
    svg = evidence.runs_of(RULES[5], runs(0.9), "log variance", "toy")
    assert svg is not None
    assert ">0.88<" in svg
    assert ">0.92<" in svg


def test_the_band_of_a_level_is_no_part_of_its_rule() -> None:
    assert "too small to matter" not in pages.EFFECTS[AtLeast]
    assert "no part of the rule" in pages.EFFECTS[AtLeast]


@pytest.mark.parametrize("rule", [RULES[4], RULES[5], RULES[6]])
def test_the_level_of_an_interval_is_a_round_number(rule: Rule) -> None:
    finding = Finding("toy", "part", "pooled")
    measured = runs(0.9).rename(columns={"slope": "value"}).assign(shared=True)
    if isinstance(rule, Equivalent):
        measured = measured[measured["arm"] == rule.arm]
    whole = measured.assign(censored=False)
    decide.decide(rule, whole, finding, decide.Design(3, ("numpy", "jax")))
    assert finding.level == 0.9
