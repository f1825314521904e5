"""The state of the machine while something is timed: what it is, who else used it, what held it.

    python -m bench.machine

prints it. Everything is read from what Linux tells in proc and sys; what it does not tell is None
here and "not told" in the report, never guessed. Counters count from when the machine started, so
that what happened during a measurement is the difference of two states: during().
"""

import os
import platform
import statistics
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench import cgroups, command, store

ROOT = Path("/")
CPUS = "sys/devices/system/cpu"
TICKS = ("user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal")  # of proc/stat
SECOND = os.sysconf("SC_CLK_TCK")  # ticks

# From where on a timing is called disturbed. Shares of the machine's processor time or of the time.
OTHERS, STEAL, WAITING = 0.05, 0.01, 0.05
LOAD = 0.5  # of the cores


def description(root: Path = ROOT) -> dict[str, Any]:
    """What does not change while something runs. cgroup: its limits; see bench/cgroups.py."""
    limits = cgroups.state(root)
    return {
        "cpu_model": _cpuinfo(root, "model name") or platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "smt": _switch(root, f"{CPUS}/smt/active"),
        "last_level_cache": last_level_cache(root),
        "governor": _each(root, "cpufreq/scaling_governor"),
        "turbo": _turbo(root),
        "highest_mhz": _megahertz(root, "cpuinfo_max_freq", max),
        "virtualization": _virtualization(root),
        "aslr": _number(root, "proc/sys/kernel/randomize_va_space"),
        "cgroup": limits and {name: limits[name] for name in ("cores", "memory")},
    }


def state(root: Path = ROOT) -> dict[str, Any]:
    """The description, and what changes: load, frequency, and the counters."""
    group = cgroups.state(root) or {}
    return {
        **description(root),
        "time": time.monotonic(),
        "load": _load(root),
        "mhz": _megahertz(root, "scaling_cur_freq", statistics.median) or _reported_mhz(root),
        "ticks": _ticks(root),
        "own_seconds": own_seconds(root),
        "pressure_seconds": _pressure(root),
        "thermal_throttles": _throttles(root),
        "periods": group.get("periods"),
        "throttled_periods": group.get("throttled_periods"),
        "throttled_seconds": group.get("throttled_seconds"),
    }


def during(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """What happened between two states; None for what either of them does not tell.

    steal     share of the processors' time that the hypervisor gave to other guests
    busy      share in which a processor computed, for whomever
    others    busy without this process and its descendants, in cores
    waiting   share of the time in which a process that could run had no processor
    """
    ticks = None
    if before["ticks"] and after["ticks"]:
        ticks = {name: after["ticks"][name] - before["ticks"][name] for name in TICKS}
    total = sum(ticks.values()) if ticks else 0
    seconds = after["time"] - before["time"]
    steal = busy = others = None
    if ticks and total > 0:
        steal = ticks["steal"] / total
        busy = 1 - (ticks["idle"] + ticks["iowait"] + ticks["steal"]) / total
        own = _more(before, after, "own_seconds")
        if own is not None:
            others = max(0.0, busy - own * SECOND / total) * after["cores"]
    waited = _more(before, after, "pressure_seconds")
    counted = ("thermal_throttles", "periods", "throttled_periods", "throttled_seconds")
    return {
        "seconds": seconds,
        "load_before": before["load"],
        "load_after": after["load"],
        "steal": steal,
        "busy": busy,
        "others": others,
        "waiting": min(1.0, waited / seconds) if waited is not None and seconds > 0 else None,
        **{name: _more(before, after, name) for name in counted},
    }


def warnings(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """A sentence for everything that disturbs a timing and happened between two states."""
    found, cores = during(before, after), after["cores"]
    said = []
    if found["others"] is None and (found["load_before"] or 0) > LOAD * cores:
        # A load is an average over a minute, of this process's own work too: a makeshift.
        said.append(f"The load was {found['load_before']:.1f} on {cores} cores before it began.")
    if (found["others"] or 0) > OTHERS * cores:
        said.append(f"Other processes used {found['others']:.2f} of {cores} cores meanwhile.")
    if (found["waiting"] or 0) > WAITING:
        said.append(f"Some process waited for a processor {found['waiting']:.0%} of the time.")
    if (found["steal"] or 0) > STEAL:
        said.append(f"The hypervisor took {found['steal']:.1%} of the processors' time: steal.")
    if found["throttled_periods"]:
        quota = (after["cgroup"] or {}).get("cores")
        allowed = "" if quota is None else f", its quota being {quota:g} cores"
        said.append(
            f"The control group was held back in {found['throttled_periods']} of "
            f"{found['periods']} periods{allowed}."
        )
    if found["thermal_throttles"]:
        said.append(f"A core was slowed for its heat {found['thermal_throttles']} times.")
    return [sentence.replace("%", " %") for sentence in said]


def last_level_cache(root: Path = ROOT) -> int | None:
    """Bytes of the largest cache that the first core shares in."""
    sizes = [
        int(size[:-1]) << {"K": 10, "M": 20}[size[-1]]
        for path in (root / CPUS / "cpu0/cache").glob("index*/size")
        if (size := _text(path)) and size[-1] in "KM"
    ]
    return max(sizes, default=None)


def available_memory(root: Path = ROOT) -> int | None:
    """Bytes that can be taken without swapping, of the machine or of the control group."""
    lines = (_text(root / "proc/meminfo") or "").splitlines()
    free = [int(line.split()[1]) << 10 for line in lines if line.startswith("MemAvailable:")]
    limit = (cgroups.state(root) or {}).get("memory")
    return min([*free, *([limit] if limit else [])], default=None)


def own_seconds(root: Path = ROOT) -> float | None:
    """CPU seconds of this process, its descendants, and those of them that have ended."""
    parents: dict[int, int] = {}
    spent: dict[int, int] = {}
    for path in (root / "proc").glob("[0-9]*/stat"):
        # The name in parentheses may hold anything; what follows it is numbers.
        fields = (_text(path) or "").rpartition(")")[2].split()
        if len(fields) > 14:
            parents[int(path.parent.name)] = int(fields[1])
            spent[int(path.parent.name)] = sum(map(int, fields[11:15]))
    family = {os.getpid()} & parents.keys()
    while more := {pid for pid, parent in parents.items() if parent in family} - family:
        family |= more
    return sum(spent[pid] for pid in family) / SECOND if family else None


def _more(before: Mapping[str, Any], after: Mapping[str, Any], name: str) -> Any:
    told = before[name] is not None and after[name] is not None
    return after[name] - before[name] if told else None


def _text(path: Path) -> str | None:
    try:
        return path.read_text().strip()
    except OSError:
        return None


def _number(root: Path, path: str) -> int | None:
    text = _text(root / path)
    return int(text) if text else None


def _switch(root: Path, path: str) -> bool | None:
    found = _number(root, path)
    return None if found is None else bool(found)


def _cpuinfo(root: Path, key: str) -> str | None:
    """The first line of a key."""
    for line in (_text(root / "proc/cpuinfo") or "").splitlines():
        name, _, value = line.partition(":")
        if name.strip() == key:
            return value.strip()
    return None


def _each(root: Path, path: str) -> str | None:
    """What the cores say, where they agree; all that they say where they do not."""
    said = {_text(found) for found in (root / CPUS).glob(f"cpu[0-9]*/{path}")} - {None, ""}
    return ", ".join(sorted(map(str, said))) or None


def _turbo(root: Path) -> bool | None:
    """Whether a core may go above its base frequency, by either of the two drivers' switches."""
    off = _switch(root, f"{CPUS}/intel_pstate/no_turbo")
    return _switch(root, f"{CPUS}/cpufreq/boost") if off is None else not off


def _megahertz(root: Path, file: str, of: Any) -> float | None:
    paths = (root / CPUS).glob(f"cpu[0-9]*/cpufreq/{file}")
    found = [int(text) / 1000 for path in paths if (text := _text(path))]
    return of(found) if found else None


def _reported_mhz(root: Path) -> float | None:
    """Of the first core; a virtual machine tells a constant."""
    found = _cpuinfo(root, "cpu MHz")
    return float(found) if found else None


def _virtualization(root: Path) -> str | None:
    """The machine's maker where a hypervisor runs it; "none" where the processor sees none."""
    flags = _cpuinfo(root, "flags")
    if flags is None:
        return None
    if "hypervisor" not in flags.split():
        return "none"
    return _text(root / "sys/class/dmi/id/sys_vendor") or "a hypervisor that does not say which"


def _load(root: Path) -> float | None:
    """Processes that ran or wanted to, over the last minute."""
    text = _text(root / "proc/loadavg")
    return float(text.split()[0]) if text else None


def _ticks(root: Path) -> dict[str, int] | None:
    first = (_text(root / "proc/stat") or "").partition("\n")[0].split()
    if len(first) <= len(TICKS):
        return None
    return dict(zip(TICKS, map(int, first[1:]), strict=False))


def _pressure(root: Path) -> float | None:
    """Seconds in which some process that could run had no processor."""
    first = (_text(root / "proc/pressure/cpu") or "").partition("\n")[0]
    total = first.partition("total=")[2]
    return int(total) / 1e6 if total else None


def _throttles(root: Path) -> int | None:
    paths = (root / CPUS).glob("cpu[0-9]*/thermal_throttle/core_throttle_count")
    found = [int(text) for path in paths if (text := _text(path))]
    return sum(found) if found else None


def main() -> int:
    print(store.canonical(state()))
    return 0


if __name__ == "__main__":
    command.run(main)
