"""How often the gate is wrong: its own command, run again and again where the truth is known.

    python -m bench.timing.gate.proof [--out results/reference/gate.json] [--equal 100]

Everything happens in a clone of the committed HEAD. A trial is one run of the gate's command on
BENCHMARK, with its exit code and what it wrote:

    equal      HEAD against itself: exit code 1 is a false alarm
    planted    a commit on top in which one layer, LeNet's second convolution, is computed once more
               for a share of the images, there and back: exit code 0 is a miss

The trials of both kinds alternate, so that the same load meets both. A file that is there already
is gone on with; each trial says at which commit it was made. A gate of more benchmarks corrects for
their number, and sees less: `among` judges the same differences as if they had been among the
usual ones. The curve of detection needs more trials than there is time for: it takes the
differences of the equal trials and adds log(1 + slowdown), which is what a head whose step lasts so
much longer would have given, and judges them anew; the planted trials are its check.
Intervals of rates are Clopper and Pearson's (1934).
"""

import argparse
import datetime
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

import implementations
from bench import command, machine, ranges, store
from bench.closure import ROOT
from bench.errors import UserError
from bench.timing.gate import TRIALS, benchmarks, checkouts, intervals, records

BENCHMARK = "numpy/native/lenet"
SCHEMA = ROOT / "bench" / "schemas" / "gate_proof.json"
SCHEMA_VERSION = 1
SLOWDOWNS = (0.0, 0.02, 0.03, 0.04, 0.05, 0.06, 0.08, 0.1, 0.15)
MUTATED = "implementations/numpy/native/convolution.py"
BEFORE = "    y = _unbiased(x, weight, stride, padding)\n"
AFTER = "    y = _slower(x, weight, stride, padding)\n"
SLOWER = """

_owed = 0.0  # images: a share of a small batch is no whole number of them


def _slower(x: Node, weight: Node, stride: int, padding: int) -> Node:
    global _owed
    y = _unbiased(x, weight, stride, padding)
    _owed += {share} * len(x.value)
    again = int(_owed)
    _owed -= again
    if not again:
        return y
    tape = Tape(x.tape.workspace)
    part = Node(x.value[:again], tape, True)
    wasted = _unbiased(part, Node(weight.value, tape, True), stride, padding)

    def backward(delta: np.ndarray) -> None:
        wasted.gradient = delta[:again].copy()
        for node, step in reversed(tape._steps):
            step(node.gradient)
        y.add_gradient(delta)

    return x.tape.output(y.value, (y,), backward)
"""
IMPORT = "from implementations.numpy.tape import Node\n"

Trials = Sequence[dict[str, Any]]


def main() -> int:
    parser = argparse.ArgumentParser(description="Measure how often the gate is wrong.")
    parser.add_argument("--out", type=Path, default=TRIALS, help="where the trials are kept")
    parser.add_argument("--equal", type=int, default=100, help="trials (%(default)s)")
    parser.add_argument("--planted", type=int, default=20, help="trials (%(default)s)")
    parser.add_argument("--share", type=float, default=0.1, help="of the layer's work, planted")
    arguments = parser.parse_args()
    ranges.number("share", arguments.share, ranges.PROBABILITY)
    checkouts.check_clean(but=arguments.out)
    found = store.read(arguments.out) if arguments.out.is_file() else {"trials": []}
    shares = {entry["share"] for entry in found["trials"] if entry["kind"] == "planted"}
    if shares - {arguments.share}:
        raise UserError(f"{arguments.out} holds trials of a share of {shares}: name another --out")
    wanted = {"equal": arguments.equal, "planted": arguments.planted}
    with checkouts.stoppable(), tempfile.TemporaryDirectory(prefix="quatuor-proof-") as folder:
        clone = cloned(Path(folder) / "clone")
        plant(clone, arguments.share)
        while kind := _next(found["trials"], wanted):
            found["trials"].append(trial(clone, kind, arguments.share))
            found |= summary(found["trials"])
            write(found, arguments.out)
            print(json.dumps(found["rates"]), file=sys.stderr, flush=True)
    return 0


def write(found: dict[str, Any], path: Path) -> None:
    """Raises jsonschema.ValidationError for what bench/schemas/gate_proof.json does not allow."""
    records.write(found, path, SCHEMA)


def cloned(folder: Path) -> Path:
    """HEAD in a repository of its own, on branch `equal`."""
    _run(["git", "clone", "--quiet", "--shared", str(ROOT), str(folder)], ROOT)
    _run(["git", "switch", "--quiet", "--create", "equal"], folder)
    return folder


def plant(clone: Path, share: float) -> None:
    """Branch `planted`: HEAD with a slower layer, committed."""
    path = clone / MUTATED
    text = path.read_text()
    if BEFORE not in text or IMPORT not in text:
        raise UserError(f"{MUTATED} has changed: the planted slowdown must be written anew")
    text = text.replace(BEFORE, AFTER) + SLOWER.format(share=share)
    path.write_text(text.replace(IMPORT, IMPORT.replace("Node", "Node, Tape")))
    _run(["git", "switch", "--quiet", "--create", "planted"], clone)
    author = ("-c", "user.name=proof", "-c", "user.email=proof@localhost")
    _run(["git", *author, "commit", "--quiet", "--all", "--message", "slower"], clone)


def trial(clone: Path, kind: str, share: float) -> dict[str, Any]:
    """One run of the gate's command. Raises UserError where it neither passes nor fails."""
    _run(["git", "switch", "--quiet", kind], clone)
    out = clone.parent / "gate.json"
    out.unlink(missing_ok=True)
    done = subprocess.run(
        [
            *(sys.executable, "-m", "bench.timing.gate", "equal", "--benchmarks", BENCHMARK),
            *("--no-instructions", "--out", str(out)),
        ],
        cwd=clone,
        # Its checkouts lie beside the clone: they go with it where the proof is stopped.
        env={**os.environ, "PYTHONPATH": str(clone), "TMPDIR": str(clone.parent)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode not in (0, 1) or not out.is_file():
        raise UserError(f"the gate ended with {done.returncode}: {done.stderr[-2000:]}")
    entry = store.read(out)[0]
    return {
        "kind": kind,
        "share": share if kind == "planted" else 0.0,
        "git_commit": entry["base"],
        "failed": done.returncode == 1,
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        **{key: entry[key] for key in ("differences", "ratio", "low", "high", "allowed", "load")},
        **{key: entry[key] for key in ("base_seconds", "same_bits")},
    }


def summary(trials: Trials) -> dict[str, Any]:
    """The rates, the curve, and what they were measured on."""
    equal = [entry for entry in trials if entry["kind"] == "equal"]
    planted = [entry for entry in trials if entry["kind"] == "planted"]
    ratios = [entry["ratio"] for entry in planted]
    return {
        "schema_version": SCHEMA_VERSION,
        "rates": {
            "false_alarms": rate([entry["failed"] for entry in equal]),
            "detected": rate([entry["failed"] for entry in planted]),
        },
        "planted_ratio": float(np.exp(np.mean(np.log(ratios)))) if ratios else None,
        "curve": curve(equal),
        "among": [among(equal, planted, len(list(benchmarks.usual(implementations.names()))))],
        "benchmark": BENCHMARK,
        "alpha": intervals.ALPHA,
        "cpu_model": machine.description()["cpu_model"],
        "cores": os.cpu_count(),
    }


def among(equal: Trials, planted: Trials, number: int) -> dict[str, Any]:
    """The same differences, judged as if so many benchmarks had been in each run."""
    return {
        "benchmarks": number,
        "false_alarms": rate([caught(entry, 0.0, number) for entry in equal]),
        "detected": rate([caught(entry, 0.0, number) for entry in planted]),
        "curve": curve(equal, number),
    }


def curve(equal: Trials, number: int = 1) -> list[dict[str, Any]]:
    """How many equal trials would have been caught, by slowdown, among so many benchmarks."""
    return [
        {"slowdown": slowdown, **rate([caught(entry, slowdown, number) for entry in equal])}
        for slowdown in SLOWDOWNS
    ]


def caught(entry: dict[str, Any], slowdown: float, number: int = 1) -> bool:
    """Whether a trial's head would have been called slower, had it lasted so much longer, and had
    so many benchmarks been in the run."""
    moved = list(np.add(entry["differences"], np.log1p(slowdown)))
    others = {str(place): moved for place in range(1, number)}
    judged = intervals.judge({BENCHMARK: moved} | others, entry["allowed"])
    return judged[BENCHMARK].verdict == "slower"


def rate(outcomes: Sequence[bool]) -> dict[str, Any]:
    """How many of how many, with the 95 % interval of Clopper and Pearson."""
    if not outcomes:
        return {"count": 0, "of": 0, "low": 0.0, "high": 1.0}
    found = stats.binomtest(sum(outcomes), len(outcomes)).proportion_ci(0.95, "exact")
    return {"count": sum(outcomes), "of": len(outcomes), "low": found.low, "high": found.high}


def _next(trials: Sequence[dict[str, Any]], wanted: dict[str, int]) -> str | None:
    """The kind that is furthest behind; None when all are done."""
    done = {kind: sum(entry["kind"] == kind for entry in trials) for kind in wanted}
    left = {kind: done[kind] / wanted[kind] for kind in wanted if done[kind] < wanted[kind]}
    return min(left, key=lambda kind: left[kind]) if left else None


def _run(words: Sequence[str], folder: Path) -> None:
    subprocess.run(words, cwd=folder, check=True, capture_output=True, text=True)


if __name__ == "__main__":
    command.run(main)
