"""What a gate found: a record a benchmark for gate.json, and the table for a terminal."""

import json
import os
import platform
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
from rich.console import Console
from rich.table import Table

from bench import machine, store
from bench.timing.gate import intervals
from bench.timing.gate.benchmarks import Benchmark
from bench.timing.gate.checkouts import Side
from bench.timing.gate.instructions import Counted
from bench.timing.gate.intervals import Judged
from bench.timing.gate.pairs import Pair

SCHEMA = Path(__file__).parents[2] / "schemas" / "gate.json"
SCHEMA_VERSION = 1


def record(
    benchmark: Benchmark,
    sides: tuple[Side, Side],
    pairs: Sequence[Pair],
    judged: Judged,
    counted: Counted,
    rule: tuple[float, int, int],
) -> dict[str, Any]:
    """rule: the slowdown allowed, benchmarks that are corrected for, pairs at most."""
    base, head = sides
    allowed, among, most = rule
    return {
        "schema_version": SCHEMA_VERSION,
        "framework": benchmark.framework,
        "form": benchmark.form,
        "net": benchmark.net,
        "base": base.commit,
        "head": head.commit,
        "allowed": allowed,
        "alpha": intervals.ALPHA,
        "among": among,
        "most_pairs": most,
        "steps": [pair.steps for pair in pairs],
        "rounds": [len(pair.base) for pair in pairs],
        "base_seconds": float(np.median([np.median(pair.base) for pair in pairs])),
        "head_seconds": float(np.median([np.median(pair.head) for pair in pairs])),
        "differences": [pair.difference for pair in pairs],
        "deviation": judged.deviation,
        "ratio": judged.ratio,
        "low": judged.low,
        "high": judged.high,
        "detectable": judged.detectable,
        "verdict": judged.verdict,
        "same_bits": all(pair.same_bits for pair in pairs),
        "base_instructions": counted.base,
        "head_instructions": counted.head,
        "note": counted.note,
        "cpu_model": machine.description()["cpu_model"],
        "cores": os.cpu_count(),
        "platform": platform.platform(),
        "load": os.getloadavg()[0],
    }


def write(found: Any, path: Path, schema: Path = SCHEMA) -> None:
    """Raises jsonschema.ValidationError for what the schema does not allow."""
    text = store.canonical(found)
    jsonschema.validate(json.loads(text), json.loads(schema.read_text()))
    store.write_file(path, text)


def show(records: Sequence[Mapping[str, Any]], console: Console) -> None:
    first = records[0]
    table = Table(
        title=f"CPU time of a training step, {first['head'][:10]} / {first['base'][:10]}", box=None
    )
    for title in ("benchmark", "base", "ratio", "interval", "would see", "instructions", "bits"):
        table.add_column(title, justify="left" if title == "benchmark" else "right")
    table.add_column("verdict")
    for entry in records:
        table.add_row(
            f"{entry['framework']}/{entry['form']}/{entry['net']}",
            f"{1000 * entry['base_seconds']:.2f} ms",
            f"{entry['ratio']:.3f}",
            f"{entry['low']:.3f} to {entry['high']:.3f}",
            f"{entry['detectable']:.3f}",
            _witness(entry),
            "same" if entry["same_bits"] else "other",
            {"slower": "[red]slower[/]", "faster": "[green]faster[/]"}.get(
                entry["verdict"], entry["verdict"]
            ),
        )
    console.print(table)
    for note in sorted({entry["note"] for entry in records if entry["note"]}):
        console.print(f"instructions: {note}", highlight=False)
    console.print(sentence(records), highlight=False)


def sentence(records: Sequence[Mapping[str, Any]]) -> str:
    """What it comes to."""
    slower = [entry for entry in records if entry["verdict"] == "slower"]
    allowed, alpha = records[0]["allowed"], records[0]["alpha"]
    named = ", ".join(f"{e['framework']}/{e['form']}/{e['net']}" for e in slower) or "none"
    return (
        f"{len(slower)} of {len(records)} benchmarks slower by more than the {allowed:.1%} allowed "
        f"({named}); a run without a cause says so with a probability of {alpha:.0%} at most"
    )


def _witness(entry: Mapping[str, Any]) -> str:
    base, head = entry["base_instructions"], entry["head_instructions"]
    return "-" if base is None or head is None else f"{head / base:.4f}"
