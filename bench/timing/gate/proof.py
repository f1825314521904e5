"""How often the gate is wrong: its own command, run again and again where the truth is known.

    python -m bench.timing.gate.proof [--out results/reference/gate.json] [--equal 100] [--whole 2]

A trial is one run of the gate's command in a clone of the committed HEAD (planting.py):

    equal      HEAD against itself: exit code 1 is a false alarm
    planted    HEAD against a commit with one slower layer: exit code 0 is a miss

The whole command lasts minutes, most of them spent on benchmarks that nothing was planted into. So
a trial measures BENCHMARK alone, judged among as many as the command has (--among); some whole runs
beside them show what the command itself says, and how long it takes.

The trials of both kinds alternate, so that the same load meets both. A file that is there already
is gone on with, at the same commit alone. The curve of detection needs more trials than there is
time for: it moves the differences of the planted trials, pair by pair, to what a step that lasts so
much longer would have given, and lets the gate's rules judge them anew. Intervals of rates are
Clopper and Pearson's (1934).
"""

import argparse
import datetime
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

import implementations
from bench import command, machine, ranges, store
from bench.closure import ROOT
from bench.errors import UserError
from bench.timing.gate import TRIALS, benchmarks, checkouts, intervals, planting, records
from bench.timing.gate.benchmarks import Benchmark

BENCHMARK = "numpy/native/lenet"
SCHEMA = ROOT / "bench" / "schemas" / "gate_proof.json"
SCHEMA_VERSION = 2
SLOWDOWNS = (0.0, 0.02, 0.03, 0.04, 0.05, 0.06, 0.08, 0.1, 0.15)

Trials = Sequence[dict[str, Any]]


def main() -> int:
    parser = argparse.ArgumentParser(description="Measure how often the gate is wrong.")
    parser.add_argument("--out", type=Path, default=TRIALS, help="where the trials are kept")
    parser.add_argument("--equal", type=int, default=100, help="trials (%(default)s)")
    parser.add_argument("--planted", type=int, default=20, help="trials (%(default)s)")
    parser.add_argument("--whole", type=int, default=2, help="runs of each kind (%(default)s)")
    parser.add_argument("--share", type=float, default=0.1, help="of the layer's work, planted")
    arguments = parser.parse_args()
    ranges.number("share", arguments.share, ranges.PROBABILITY)
    checkouts.check_clean(but=arguments.out)
    found: dict[str, Any] = {"trials": [], "whole": []}
    if arguments.out.is_file():
        found = store.read(arguments.out)
    check_same(found, checkouts.commit("HEAD"), arguments.share, arguments.out)
    alone = {"equal": arguments.equal, "planted": arguments.planted}
    whole = dict.fromkeys(alone, arguments.whole)
    plan = (("whole", whole, ()), ("trials", alone, (BENCHMARK,)))
    with checkouts.stoppable(), tempfile.TemporaryDirectory(prefix="quatuor-proof-") as folder:
        clone = planting.cloned(Path(folder) / "clone")
        planting.plant(clone, arguments.share)
        for place, wanted, names in plan:
            while kind := _next(found[place], wanted):
                share = arguments.share if kind == "planted" else 0.0
                entries, seconds = run(clone, kind, names)
                found[place].append(told(kind, share, entries, seconds))
                found |= summary(found["trials"])
                write(found, arguments.out)
                print(json.dumps(found["rates"]), file=sys.stderr, flush=True)
    return 0


def check_same(found: dict[str, Any], head: str, share: float, path: Path) -> None:
    """Raises UserError for a file of an older form, another commit, or another share."""
    if found.get("schema_version", SCHEMA_VERSION) != SCHEMA_VERSION:
        raise UserError(f"{path} was written by an older proof: name another --out, or remove it")
    made = [*found["trials"], *found["whole"]]
    if others := {entry["git_commit"][:10] for entry in made} - {head[:10]}:
        raise UserError(
            f"{path} holds trials of {', '.join(sorted(others))}, and HEAD is {head[:10]}: trials "
            "of two commits are no measurement of one gate; name another --out, or remove it"
        )
    if shares := {entry["share"] for entry in made if entry["kind"] == "planted"} - {share}:
        raise UserError(f"{path} holds trials of a share of {shares}: name another --out")


def write(found: dict[str, Any], path: Path) -> None:
    """Raises jsonschema.ValidationError for what bench/schemas/gate_proof.json does not allow."""
    records.write(found, path, SCHEMA)


def run(clone: Path, kind: str, names: Sequence[str] = ()) -> tuple[list[dict[str, Any]], float]:
    """The gate's command on these benchmarks, or the usual ones: what it wrote, and its seconds.

    Raises UserError where it neither passes nor fails.
    """
    planting.switch(clone, kind)
    out = clone.parent / "gate.json"
    out.unlink(missing_ok=True)
    words = ["--out", str(out)]
    if names:
        usual = len(list(benchmarks.usual(implementations.names())))
        words += ["--benchmarks", *names, "--among", str(usual), "--no-instructions"]
    before = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "bench.timing.gate", "equal", *words],
        cwd=clone,
        # Its checkouts lie beside the clone: they go with it where the proof is stopped.
        env={**os.environ, "PYTHONPATH": str(clone), "TMPDIR": str(clone.parent)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode not in (0, 1) or not out.is_file():
        raise UserError(f"the gate ended with {done.returncode}: {done.stderr[-2000:]}")
    return store.read(out), time.monotonic() - before


def told(kind: str, share: float, entries: Trials, seconds: float) -> dict[str, Any]:
    """What is kept of a run: of one benchmark its differences, of more what they came to."""
    first = entries[0]
    common = {
        "kind": kind,
        "share": share,
        "git_commit": first["base"],
        "seconds": seconds,
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        **{key: first[key] for key in ("among", "most_pairs", "allowed", "load")},
    }
    kept = ("ratio", "low", "high", "verdict")
    if len(entries) == 1:
        kept = (*kept, "differences", "base_seconds", "same_bits")
        return {**common, **{key: first[key] for key in kept}}
    found = {name(e): {"pairs": len(e["differences"]), **{k: e[k] for k in kept}} for e in entries}
    return {**common, "benchmarks": found}


def name(entry: dict[str, Any]) -> str:
    return str(Benchmark(entry["framework"], entry["form"], entry["net"]))


def summary(trials: Trials) -> dict[str, Any]:
    """The rates, the curve, and what they were measured on."""
    equal = [entry["verdict"] == "slower" for entry in trials if entry["kind"] == "equal"]
    planted = [entry for entry in trials if entry["kind"] == "planted"]
    detected = [entry["verdict"] == "slower" for entry in planted]
    ratios = [entry["ratio"] for entry in planted]
    return {
        "schema_version": SCHEMA_VERSION,
        "rates": {"false_alarms": rate(equal), "detected": rate(detected)},
        "planted_ratio": float(np.exp(np.mean(np.log(ratios)))) if ratios else None,
        "curve": curve(planted),
        "benchmark": BENCHMARK,
        "alpha": intervals.ALPHA,
        "cpu_model": machine.description()["cpu_model"],
        "cores": os.cpu_count(),
    }


def curve(planted: Trials) -> list[dict[str, Any]]:
    """How many planted trials would have been caught, by slowdown of the step."""
    mean = float(np.mean([np.log(entry["ratio"]) for entry in planted])) if planted else 0.0
    return [
        {
            "slowdown": slowdown,
            **rate([caught(entry, math.log1p(slowdown) - mean) for entry in planted]),
        }
        for slowdown in SLOWDOWNS
    ]


def caught(entry: dict[str, Any], by: float) -> bool:
    """Whether the gate would have called a trial's head slower, with `by` added to log(ratio)."""
    rule = (entry["allowed"], entry["among"])
    moved = [difference + by for difference in entry["differences"]]
    if any(intervals.settled(moved[:pairs], *rule) for pairs in range(1, len(moved) + 1)):
        return False
    return intervals.judge(moved, *rule).verdict == "slower"


def rate(outcomes: Sequence[bool]) -> dict[str, Any]:
    """How many of how many, with the 95 % interval of Clopper and Pearson."""
    if not outcomes:
        return {"count": 0, "of": 0, "low": 0.0, "high": 1.0}
    found = stats.binomtest(sum(outcomes), len(outcomes)).proportion_ci(0.95, "exact")
    return {"count": sum(outcomes), "of": len(outcomes), "low": found.low, "high": found.high}


def _next(trials: Trials, wanted: Mapping[str, Any]) -> str | None:
    """The kind that is furthest behind; None when all are done."""
    done = {kind: sum(entry["kind"] == kind for entry in trials) for kind in wanted}
    left = {kind: done[kind] / wanted[kind] for kind in wanted if done[kind] < wanted[kind]}
    return min(left, key=lambda kind: left[kind]) if left else None


if __name__ == "__main__":
    command.run(main)
