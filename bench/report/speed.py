"""Timings as a page shows them: at a glance, net by net, against the limits of the machine."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from bench.contract import VARIANTS
from bench.report import detection, speed_figures
from bench.report.gather import Gathered
from bench.report.style import LOOKS, in_order

CALLS = {"update": "training step", "forward": "forward pass"}
NESTED = ("machine", "versions")  # left out of what is saved as CSV
NOT_TOLD = "not told"

Record = Mapping[str, Any]


@dataclass(frozen=True)
class Race:
    """One call of one net: everyone that took turns, framework by framework."""

    net: str
    call: str
    rows: list[Record]
    figure: Markup | None  # None where nothing is compared with a baseline

    @property
    def key(self) -> str:
        return f"{self.net}-{self.call}"

    @property
    def deviation(self) -> float | None:
        """The largest of what computed the right thing."""
        return max((row["deviation"] for row in self.rows if row["correct"]), default=None)

    @property
    def once(self) -> list[Record]:
        """Those that were not compared after all the steps that they made."""
        return [row for row in self.rows if row["compared_steps"] < row["steps"]]

    @property
    def first(self) -> Record:
        return self.rows[0]


@dataclass(frozen=True)
class Glance:
    """A framework's ratios on one net: both variants, and the best form of its own library."""

    reference: Record | None
    native: Record | None
    library: Record | None


def page(found: Gathered) -> dict[str, Any]:
    """Everything the template needs."""
    everyone = sorted(found.throughput, key=_place)
    records = [r for r in everyone if r["absent"] is None]
    races = list(_races(records))
    frameworks = in_order({r["framework"] for r in records})
    return {
        "records": [{k: v for k, v in r.items() if k not in NESTED} for r in everyone],
        "absent": _absent(everyone),
        "races": races,
        "calls": CALLS,
        "frameworks": frameworks,
        "glances": {race.key: {f: _glance(race.rows, f) for f in frameworks} for race in races},
        "libraries": {
            call: {r["framework"] for r in records if r["call"] == call and r["library"]}
            for call in CALLS
        },
        "roofs": _roofs(records),
        "disturbed": [race for race in races if race.first["machine"]["warnings"]],
        "wrong": [r for r in records if not r["correct"]],
        "machine": _machine(records) if records else None,
        "gate": detection.page(),
        "outcome": outcome,
        "interval": interval,
        "percent": percent,
        "seconds": seconds,
        "named": speed_figures.named,
        "baselines": {race.call: speed_figures.baseline(race.first) for race in races},
    }


def _place(record: Record) -> tuple[Any, ...]:
    """Frameworks in the order of all pages; in each the reference, the native one, its library."""
    rank = {name: place for place, name in enumerate(LOOKS)}
    form = record["form"]
    own = VARIANTS.index(form) if form in VARIANTS else len(VARIANTS)
    return rank.get(record["framework"], len(rank)), record["framework"], own, form


def _races(records: Sequence[Record]) -> Iterable[Race]:
    """Training steps first; the nets in the order of their cost."""
    groups: dict[tuple[str, str], list[Record]] = {}
    for record in records:
        groups.setdefault((record["net"], record["call"]), []).append(record)
    calls = list(CALLS)
    for (net, call), rows in sorted(
        groups.items(), key=lambda g: (calls.index(g[0][1]), g[1][0]["operations"], g[0][0])
    ):
        label = f"{net}, {CALLS[call]}: ratios to {speed_figures.baseline(rows[0])}"
        svg = speed_figures.ratios(rows, label)
        yield Race(net, call, rows, Markup(svg) if svg else None)


def _machine(records: Sequence[Record]) -> dict[str, Any]:
    """What it is, what it attains, and its largest load and steal."""
    machines = [record["machine"] for record in records]
    return {
        "state": machines[-1]["state"],
        "limits": speed_figures.attained(records),
        **{
            what: max((m[what] for m in machines if m[what] is not None), default=None)
            for what in ("load", "steal")
        },
    }


def _absent(everyone: Sequence[Record]) -> list[tuple[str, str, list[str]]]:
    """Who was not timed, why, and in which nets and calls."""
    found: dict[tuple[str, str], list[str]] = {}
    for row in everyone:
        if row["absent"] is not None:
            where = f"{row['net'].replace('_', ' ')}, {CALLS[row['call']]}"
            found.setdefault((speed_figures.named(row), row["absent"]), []).append(where)
    return [(who, why, sorted(where)) for (who, why), where in found.items()]


def _roofs(records: Sequence[Record]) -> list[tuple[str, Markup]]:
    """A roofline figure for each call."""
    drawn = []
    for call, words in CALLS.items():
        if own := [r for r in records if r["call"] == call]:
            svg = speed_figures.roofline(own, f"roofline of {words}")
            drawn.append((words, Markup(svg)))
    return drawn


def _glance(rows: Sequence[Record], framework: str) -> Glance:
    own = {row["form"]: row for row in rows if row["framework"] == framework}
    library = [row for form, row in own.items() if form not in VARIANTS]
    right = [row for row in library if row["correct"]] or library
    best = min(right, key=lambda row: row[f"{row['clock']}_seconds"], default=None)
    return Glance(own.get("reference"), own.get("native"), best)


def outcome(row: Record, rows: Sequence[Record]) -> tuple[str, str, str]:
    """Class, mark and word of what a row of a race says about the baseline."""
    if not row["correct"]:
        return "refuted", "✕", "wrong"
    if row["ratio"] is None:
        return "missing", "·", "baseline"
    if not all(r["correct"] for r in rows if r["ratio"] is None):
        return "missing", "·", "baseline is wrong"
    if not row["judged"]:
        return "inconclusive", "○", "within the noise"
    return ("supported", "▼", "faster") if row["ratio"] < 1 else ("conditional", "▲", "slower")


def interval(row: Record, prefix: str = "") -> str:
    """0.88 to 0.91; a dash for the baseline.

    prefix: "library_" for the ratio to the framework's own library.
    """
    if row[f"{prefix}ratio"] is None:
        return "–"
    return f"{row[f'{prefix}ratio_low']:.2f} to {row[f'{prefix}ratio_high']:.2f}"


def percent(share: float | None, digits: int = 0) -> str:
    return NOT_TOLD if share is None else f"{100 * share:.{digits}f} %"


def seconds(duration: float) -> str:
    return f"{1000 * duration:.0f} ms" if duration < 0.1 else f"{duration:.1f} s"


def told(state: Mapping[str, Any]) -> list[tuple[str, str]]:
    """A machine's state, or description (bench/machine.py), in words; what is not told is said."""
    return [
        (label, NOT_TOLD if state[key] is None else words(state[key]))
        for label, key, words in FACTS
        if key in state
    ]


def _limits(group: Mapping[str, Any]) -> str:
    cores, memory = group["cores"], group["memory"]
    parts = [] if cores is None else [f"{cores:g} cores"]
    parts += [] if memory is None else [f"{memory / 2**30:.1f} GiB"]
    return ", ".join(parts) or "none"


def _switch(on: bool) -> str:
    return "on" if on else "off"


FACTS: tuple[tuple[str, str, Callable[[Any], str]], ...] = (
    ("Processor", "cpu_model", str),
    ("Cores", "cores", str),
    ("Two threads a core", "smt", _switch),
    ("Last cache", "last_level_cache", lambda size: f"{size / 2**20:.0f} MiB"),
    ("Frequency", "mhz", "{:.0f} MHz".format),
    ("Highest frequency", "highest_mhz", "{:.0f} MHz".format),
    ("Governor", "governor", str),
    ("Turbo", "turbo", _switch),
    ("Virtualization", "virtualization", str),
    ("Randomized addresses", "aslr", "level {}".format),
    ("Limits of the control group", "cgroup", _limits),
    ("Periods held back by its quota", "throttled_periods", str),
    ("Times slowed for heat", "thermal_throttles", str),
)
