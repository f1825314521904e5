"""RAPL's counters, from trees that stand in for sys."""

import os
from pathlib import Path

import pytest

from bench import energy
from tests.bench.test_machine import planted

HIGHEST = 262_143_328_850


def tree(*packages: int) -> dict[str, str]:
    """Packages, each with its cores, and the platform."""
    found = {}
    folders = {f"intel-rapl:{n}": (f"package-{n}", count) for n, count in enumerate(packages)}
    folders |= {f"intel-rapl:{n}:0": ("core", 10**6) for n in range(len(packages))}
    folders[f"intel-rapl:{len(packages)}"] = ("psys", 10**6)
    for folder, (name, count) in folders.items():
        home = f"sys/class/powercap/{folder}"
        found |= {f"{home}/name": name, f"{home}/energy_uj": str(count)}
        found[f"{home}/max_energy_range_uj"] = str(HIGHEST)
    return found


def test_packages_are_added_and_nothing_else(tmp_path: Path) -> None:
    before = energy.read(planted(tmp_path, tree(5_000_000, 1_000_000)))
    after = energy.read(planted(tmp_path, tree(7_500_000, 1_250_000)))
    assert before == {"intel-rapl:0": (5_000_000, HIGHEST), "intel-rapl:1": (1_000_000, HIGHEST)}
    assert energy.between(before, after) == pytest.approx(2.75)


def test_a_counter_that_began_anew(tmp_path: Path) -> None:
    before = energy.read(planted(tmp_path, tree(HIGHEST - 2_000_000)))
    after = energy.read(planted(tmp_path, tree(1_000_000)))
    assert energy.between(before, after) == pytest.approx(3.0)


def test_what_is_not_exposed_is_none(tmp_path: Path) -> None:
    assert energy.read(tmp_path) is None
    assert energy.between(None, {"intel-rapl:0": (1, 2)}) is None
    assert energy.between({"intel-rapl:0": (1, 2)}, None) is None
    only = planted(tmp_path, {"sys/class/powercap/intel-rapl:0/name": "package-0"})
    assert energy.read(only) is None


def test_a_counter_that_may_not_be_read_is_none(tmp_path: Path) -> None:
    root = planted(tmp_path, tree(1))
    counter = root / "sys/class/powercap/intel-rapl:0/energy_uj"
    counter.chmod(0)
    if os.access(counter, os.R_OK):
        pytest.skip("this user may read everything")
    assert energy.read(root) is None
