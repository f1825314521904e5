"""What was measured of a net in one call: records (bench/schemas/throughput.json), and a table."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from bench import operations, provenance
from bench.timing import ratios
from bench.timing.nets import NETS, UPDATE
from bench.timing.session import Measured, Session

SCHEMA_VERSION = 1
DTYPE = "float32"


def of(session: Session) -> Iterator[dict[str, Any]]:
    """A record of each contestant, those too that could not be timed."""
    commit, dirty = provenance.git_state()
    machine = {
        **session.machine,
        "gemm_operations_per_second": session.limits.gemm,
        "stream_bytes_per_second": session.limits.stream,
    }
    for measured in session.measured:
        yield {
            "schema_version": SCHEMA_VERSION,
            "net": session.net,
            "call": session.call,
            "framework": measured.contestant.framework,
            "form": measured.contestant.form,
            "absent": measured.absent,
            "batch": NETS[session.net].examples,
            "threads": session.threads,
            "dtype": DTYPE,
            "device": measured.facts.get("device"),
            "versions": measured.facts.get("versions"),
            "import_cpu_seconds": measured.facts["import_cpu_seconds"],
            "import_wall_seconds": measured.facts["import_wall_seconds"],
            **(_nothing() if measured.absent else _times(session, measured)),
            "noise_floor": session.floor,
            "level": ratios.LEVEL,
            "machine": machine,
            "commit": commit,
            "dirty": dirty,
        }


def _times(session: Session, measured: Measured) -> dict[str, Any]:
    assert measured.check
    seconds = float(np.median(measured.times()))
    work = work_of(session.net, session.call)
    # The limits are those of the processor.
    here = measured.facts["device"] == "cpu"
    attainable = session.limits.attainable(work.intensity) if here else None
    baseline = None if measured is session.baseline else session.baseline
    return {
        "clock": measured.clock.removesuffix("_seconds"),
        "rounds": len(measured.turns),
        "steps": measured.first["steps"],
        "first_step_cpu_seconds": _first(measured, "cpu_seconds"),
        "first_step_wall_seconds": _first(measured, "wall_seconds"),
        "cpu_seconds": float(np.median(measured.times("cpu_seconds"))),
        "wall_seconds": float(np.median(measured.times("wall_seconds"))),
        "examples_per_second": NETS[session.net].examples / seconds,
        "operations": work.operations,
        "bytes": work.bytes,
        "intensity": work.intensity,
        "operations_per_second": work.operations / seconds,
        "attainable_operations_per_second": attainable,
        "fraction": work.operations / seconds / attainable if attainable else None,
        "peak_memory_mib": measured.peak_memory_mib,
        "energy_joules": _joules(measured),
        "correct": measured.check.correct,
        "deviation": _finite(measured.check.deviation),
        "tolerance": _finite(measured.check.tolerance),
        "compared_steps": measured.check.steps,
        "repeats": measured.repeats,
        "baseline": str(session.baseline.contestant),
        **_ratio("", session, measured, baseline),
        **_library(session, measured),
    }


def work_of(net: str, call: str) -> operations.Work:
    """Operations and bytes of one step."""
    spec, examples = NETS[net].make(), NETS[net].examples
    if call == "forward":
        return operations.forward(spec, examples, DTYPE)
    return operations.update(spec, examples, UPDATE.optimizer, DTYPE)


def _joules(measured: Measured) -> float | None:
    """Median over the rounds; None where the machine does not tell."""
    told = [turn.joules for turn in measured.turns if turn.joules is not None]
    return float(np.median(told)) if told else None


def _first(measured: Measured, clock: str) -> float:
    """From the spec to the end of the first step: building, tracing, compiling."""
    return measured.first[f"build_{clock}"] + measured.first[f"first_step_{clock}"]


def _library(session: Session, measured: Measured) -> dict[str, Any]:
    """The ratio to the fastest form of the same framework out of the box."""
    fastest = session.fastest_library(measured.contestant.framework)
    other = None if fastest is measured else fastest
    return {
        "library": fastest.contestant.form if fastest else None,
        **_ratio("library_", session, measured, other),
    }


def _ratio(
    prefix: str, session: Session, measured: Measured, other: Measured | None
) -> dict[str, Any]:
    """Of times that count: those of what computed the right thing."""
    if other is None:
        return dict.fromkeys(f"{prefix}{k}" for k in ("ratio", "ratio_low", "ratio_high")) | {
            f"{prefix}judged": False
        }
    found = ratios.compared(measured.times(), other.times())
    right = all(m.check and m.check.correct for m in (measured, other))
    return {
        f"{prefix}ratio": found.ratio,
        f"{prefix}ratio_low": found.low,
        f"{prefix}ratio_high": found.high,
        f"{prefix}judged": right and found.beyond(session.floor),
    }


def _finite(number: float) -> float | None:
    """Not-a-number and infinity are null."""
    return number if math.isfinite(number) else None


def _nothing() -> dict[str, Any]:
    """The fields of what was not timed."""
    return dict.fromkeys(TIMED) | {"judged": False, "library_judged": False}


TIMED = (
    *("clock", "rounds", "steps", "first_step_cpu_seconds", "first_step_wall_seconds"),
    *("cpu_seconds", "wall_seconds", "examples_per_second", "operations", "bytes", "intensity"),
    *("operations_per_second", "attainable_operations_per_second", "fraction", "peak_memory_mib"),
    *("energy_joules", "correct", "deviation", "tolerance", "compared_steps", "repeats"),
    *("baseline", "ratio", "ratio_low", "ratio_high"),
    *("library", "library_ratio", "library_ratio_low", "library_ratio_high"),
)


def show(session: Session) -> None:
    """A table for a terminal, or for a file: milliseconds a step, the ratio to the baseline and to
    the fastest form of the same library, the share of the machine's limit."""
    from rich.console import Console
    from rich.table import Table

    first = session.baseline.contestant
    title = (
        f"{session.net}, {session.call}, {NETS[session.net].examples} examples: time / that of "
        f"{first}; without a cause up to {session.floor:.1%}"
    )
    table = Table(title=title, title_justify="left", box=None)
    table.add_column("", no_wrap=True)
    for name in ("ms", "ratio", "95 %", "library", "limit", "MiB", "right"):
        table.add_column(name, justify="right", no_wrap=True)
    for measured in session.measured:
        if measured.absent:
            continue
        told = _times(session, measured)
        milliseconds = 1000 * float(np.median(measured.times()))
        ratio = ratios.compared(measured.times(), session.baseline.times())
        own = told["library_ratio"]
        table.add_row(
            str(measured.contestant),
            f"{milliseconds:.2f}",
            f"{ratio.ratio:.2f}",
            f"{ratio.low:.2f} to {ratio.high:.2f}",
            f"{own:.2f}" if own else "",
            f"{told['fraction']:.0%}" if told["fraction"] else "",
            f"{measured.peak_memory_mib:.0f}",
            "yes" if told["correct"] and told["repeats"] else "NO",
        )
    console = Console()
    console.print(table)
    absent = [f"{m.contestant} was not timed: {m.absent}" for m in session.measured if m.absent]
    for sentence in (*absent, *session.machine["warnings"]):
        console.print(f"note: {sentence}", highlight=False)
