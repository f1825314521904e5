"""Figures of timings: where the roof is, and who stands where."""

import re
from typing import Any

import pytest

from bench.report import speed_figures
from tests.bench.report.timings import RATIOS, record, sample


@pytest.fixture(scope="module")
def rows() -> list[dict[str, Any]]:
    return [row for row in sample() if row["absent"] is None]


def test_the_roof_has_its_limits_and_its_points(rows: list[dict[str, Any]]) -> None:
    svg = speed_figures.roofline([r for r in rows if r["call"] == "update"], "roof")
    assert "GEMM 134 GFLOP/s" in svg
    assert ">23 GB/s<" in svg
    for net in ("mlp", "lenet", "resnet"):
        assert f">{net}<" in svg
    for key in RATIOS:
        assert f"var(--p-{key})" in svg


def test_names_above_the_roof_do_not_meet() -> None:
    nets = [{"net": name, "intensity": x} for name, x in (("a_long_name", 10.0), ("another", 10.5))]
    levels = speed_figures._labels([*nets, {"net": "far", "intensity": 90.0}], 5.0, 100.0)
    assert levels == [("a long name", 10.0, 0), ("another", 10.5, 1), ("far", 90.0, 0)]


def test_the_fastest_is_drawn_above(rows: list[dict[str, Any]]) -> None:
    own = [r for r in rows if (r["net"], r["call"]) == ("lenet", "update")]
    svg = speed_figures.ratios(own, "ratios")
    assert svg
    heights = {}
    for r in own:
        if r["ratio"] is not None:
            text = re.search(rf'y="([\d.]+)"[^>]*>{speed_figures.named(r)}<', svg)
            moved = re.search(rf"translate\([\d.]+ ([\d.]+)\)[^>]*>{speed_figures.named(r)}<", svg)
            heights[r["ratio"]] = float((text or moved).group(1))  # type: ignore[union-attr]
    assert [heights[ratio] for ratio in sorted(heights)] == sorted(heights.values())


def test_a_baseline_alone_has_no_figure() -> None:
    assert speed_figures.ratios([record("mlp", "update", "pytorch", "eager")], "alone") is None
