"""The machine's state, read from trees that stand in for what Linux tells."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from bench import machine

ME = os.getpid()
CPUINFO = "model name\t: A processor\ncpu MHz\t\t: 2300.000\nflags\t\t: fpu hypervisor sse\n"
TREE = {
    "proc/cpuinfo": CPUINFO,
    "proc/loadavg": "0.25 1.00 2.00 1/90 4711",
    "proc/meminfo": "MemTotal: 16000 kB\nMemAvailable:    8000 kB\n",
    "proc/stat": "cpu  100 0 50 800 10 0 5 35 0 0\ncpu0 1 2 3\n",
    "proc/pressure/cpu": "some avg10=2.70 avg60=7.11 avg300=2.50 total=2500000\nfull total=1\n",
    "proc/sys/kernel/randomize_va_space": "2",
    "sys/class/dmi/id/sys_vendor": "A maker",
    "sys/devices/system/cpu/smt/active": "1",
    "sys/devices/system/cpu/intel_pstate/no_turbo": "0",
    "sys/devices/system/cpu/cpu0/cache/index0/size": "48K",
    "sys/devices/system/cpu/cpu0/cache/index3/size": "32768K",
    **{
        f"sys/devices/system/cpu/cpu{cpu}/{file}": text
        for cpu, mhz in (("0", 3000), ("1", 2000), ("10", 1000))
        for file, text in {
            "cpufreq/scaling_governor": "performance",
            "cpufreq/scaling_cur_freq": f"{mhz}000",
            "cpufreq/cpuinfo_max_freq": "3600000",
            "thermal_throttle/core_throttle_count": "2",
        }.items()
    },
}


def planted(root: Path, tree: Mapping[str, str]) -> Path:
    for path, text in tree.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text + "\n")
    return root


def process(pid: int, parent: int, *ticks: int) -> dict[str, str]:
    """A line of proc, of a name that is meant to mislead."""
    own = " ".join(map(str, ticks))
    return {f"proc/{pid}/stat": f"{pid} (a) b (c) S {parent} 1 1 0 -1 0 0 0 0 0 {own} 20 0"}


def test_what_a_machine_is(tmp_path: Path) -> None:
    root = planted(tmp_path, TREE)
    assert machine.description(root) == {
        "cpu_model": "A processor",
        "cores": os.cpu_count(),
        "smt": True,
        "last_level_cache": 32 << 20,
        "governor": "performance",
        "turbo": True,
        "highest_mhz": 3600.0,
        "virtualization": "A maker",
        "aslr": 2,
        "cgroup": None,
    }
    found = machine.state(root)
    assert (found["load"], found["mhz"]) == (0.25, 2000.0)
    assert (found["pressure_seconds"], found["thermal_throttles"]) == (2.5, 6)
    assert found["ticks"]["steal"] == 35
    assert found["periods"] is found["throttled_seconds"] is None
    assert machine.available_memory(root) == 8000 << 10


@pytest.mark.parametrize(
    ("path", "text", "key", "expected"),
    [
        ("sys/devices/system/cpu/intel_pstate/no_turbo", "1", "turbo", False),
        ("sys/devices/system/cpu/cpufreq/boost", "0", "turbo", True),
        ("sys/devices/system/cpu/smt/active", "0", "smt", False),
        (
            "sys/devices/system/cpu/cpu1/cpufreq/scaling_governor",
            *("powersave", "governor", "performance, powersave"),
        ),
        ("proc/cpuinfo", CPUINFO.replace("hypervisor ", ""), "virtualization", "none"),
    ],
)
def test_switches(tmp_path: Path, path: str, text: str, key: str, expected: Any) -> None:
    assert machine.description(planted(tmp_path, {**TREE, path: text}))[key] == expected


def test_boost_of_a_driver_without_intels_switch(tmp_path: Path) -> None:
    tree = {key: text for key, text in TREE.items() if "no_turbo" not in key}
    root = planted(tmp_path, {**tree, "sys/devices/system/cpu/cpufreq/boost": "1"})
    assert machine.description(root)["turbo"] is True


def test_what_is_not_told_is_none(tmp_path: Path) -> None:
    """Nothing is there: nothing is guessed, and nothing is called disturbed."""
    found = machine.state(tmp_path)
    known = {"cpu_model", "cores", "time"}
    assert [key for key, value in found.items() if value is not None and key not in known] == []
    happened = machine.during(found, found)
    assert {key for key, value in happened.items() if value is not None} == {"seconds"}
    assert machine.warnings(found, found) == []
    assert machine.last_level_cache(tmp_path) is machine.available_memory(tmp_path) is None


def test_frequency_of_a_machine_without_drivers(tmp_path: Path) -> None:
    assert machine.state(planted(tmp_path, {"proc/cpuinfo": CPUINFO}))["mhz"] == 2300.0


def test_own_time_is_that_of_the_family(tmp_path: Path) -> None:
    """Children, their children, and those that have ended; nobody else."""
    root = planted(
        tmp_path,
        process(ME, 1, 100, 20, 3, 4)
        | process(900001, ME, 10, 0, 0, 0)
        | process(900002, 900001, 5, 5, 0, 0)
        | process(900003, 1, 7000, 0, 0, 0),
    )
    assert machine.own_seconds(root) == (127 + 10 + 10) / machine.SECOND


def test_own_time_of_this_process() -> None:
    found = machine.own_seconds()
    if found is None:
        pytest.skip("this system has no proc")
    assert found > 0


BEFORE: dict[str, Any] = {
    "cores": 4,
    "time": 100.0,
    "load": 0.5,
    "ticks": dict.fromkeys(machine.TICKS, 1000),
    "own_seconds": 10.0,
    "pressure_seconds": 1.0,
    "thermal_throttles": 3,
    "periods": 50,
    "throttled_periods": 5,
    "throttled_seconds": 0.5,
    "cgroup": {"cores": 1.5, "memory": None},
}


def later(**changes: Any) -> dict[str, Any]:
    """Ten seconds on four quiet cores, one of them ours."""
    ticks = {"user": 10 * machine.SECOND, "idle": 30 * machine.SECOND} | changes.pop("ticks", {})
    grown = {name: 1000 + ticks.get(name, 0) for name in machine.TICKS}
    quiet = {"time": 110.0, "own_seconds": 20.0, "ticks": grown, "periods": 150}
    return BEFORE | quiet | changes


def test_a_quiet_time_is_not_warned_of() -> None:
    happened = machine.during(BEFORE, later())
    assert happened["busy"] == pytest.approx(0.25)
    assert (happened["steal"], happened["others"], happened["waiting"]) == (0, 0, 0)
    assert (happened["periods"], happened["throttled_periods"]) == (100, 0)
    assert machine.warnings(BEFORE, later()) == []


DISTURBED = {
    "The load was 2.5 on 4 cores before it began.": ({"load": 2.5}, {"own_seconds": None}),
    "Other processes used 0.50 of 4 cores meanwhile.": ({}, {"own_seconds": 15.0}),
    "Some process waited for a processor 20 % of the time.": ({}, {"pressure_seconds": 3.0}),
    "The hypervisor took 2.4 % of the processors' time: steal.": (
        *({}, {"ticks": {"steal": machine.SECOND}}),
    ),
    "The control group was held back in 7 of 100 periods, its quota being 1.5 cores.": (
        *({}, {"throttled_periods": 12}),
    ),
    "A core was slowed for its heat 2 times.": ({}, {"thermal_throttles": 5}),
}


@pytest.mark.parametrize("sentence", DISTURBED)
def test_what_disturbs_is_said(sentence: str) -> None:
    before, after = DISTURBED[sentence]
    assert machine.warnings(BEFORE | before, later(**after)) == [sentence]


def test_what_a_hypervisor_takes_is_no_load_of_others() -> None:
    happened = machine.during(BEFORE, later(ticks={"steal": 40 * machine.SECOND}))
    assert happened["steal"] == pytest.approx(0.5)
    assert happened["busy"] == pytest.approx(0.125)
    assert happened["others"] == 0


def test_a_span_without_ticks_tells_no_share() -> None:
    assert machine.during(BEFORE, BEFORE)["steal"] is None


def test_this_machine_tells_its_state() -> None:
    """Whatever it is: two states in a row can be compared."""
    before = machine.state()
    assert machine.during(before, machine.state())["seconds"] >= 0
