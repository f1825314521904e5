"""Ask one framework every row of the atlas, and write what it answered.

    python -m bench.atlas --framework pytorch --results results/standard
        --out results/standard/atlas/pytorch.json

A red row is a result: it is written, named on standard error, and shown in the report.
bench.conformance.gate turns it into an exit code.
"""

import argparse
import importlib
import math
import os
import sys
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from bench import accounts, command, store, threads
from bench.errors import UserError
from bench.ledger import LEDGER, STEPS
from bench.progress import Reporter
from bench.quiet import quiet
from implementations.atlas.row import FRAMEWORKS, MODULES, Default, Row, rows

SCHEMA_VERSION = 1
SURROUNDINGS = {  # read when a framework is imported
    "JAX_ENABLE_X64": "1",
    "CUDA_VISIBLE_DEVICES": "",  # pinned on the CPU: a GPU may order and round otherwise
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--framework", required=True, choices=FRAMEWORKS)
    parser.add_argument("--results", type=Path, required=True, help="results/<budget>")
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    threads.pin(1)
    framework = arguments.framework
    reporter = Reporter(arguments.results, f"atlas/{framework}")
    planned, records = rows(), []
    for record in asked(framework, planned):
        records.append(record)
        # A job is finished when its file is written: no report before reaches 1.
        reporter.report(min(len(records) / len(planned), 0.999), record["title"])
    store.write_file(arguments.out, store.canonical(records))
    accounts.close(arguments.results, f"atlas/{framework}")
    red = [record for record in records if record["red"]]
    reporter.report(1.0, f"{len(records)} rows asked, {len(red)} red")
    for record in red:
        print(f"{framework}: {sentence(record)}", file=sys.stderr)
    return 0


def asked(framework: str, planned: Iterable[Row]) -> Iterator[dict[str, Any]]:
    """A record of every row. Raises UserError where the framework is not installed."""
    modules = _started(framework)
    LEDGER.enter(STEPS)  # every row asks the framework what it computes
    versions = {name: module.__version__ for name, module in modules.items()}
    for entry in planned:
        yield {**_identity(entry, framework), "versions": versions, **_judged(entry, framework)}


def sentence(record: Mapping[str, Any]) -> str:
    """Why a row is red."""
    name = f"row {record['row']} of the atlas ({record['title']})"
    if record["note"]:
        return f"{name} could not be asked: {record['note']}"
    if record["changed"]:
        return f"{name} answers {record['default']}, where {record['pinned']} is pinned"
    off = record["residual"]
    told = "has no number" if off is None or math.isinf(off) else f"is off by {off:.0e}"
    return f"{name} {told} after its recipe: {record['recipe']}"


def _identity(entry: Row, framework: str) -> dict[str, Any]:
    return {
        "schema_version": SCHEMA_VERSION,
        "row": entry.key,
        "topic": entry.topic,
        "title": entry.title,
        "why": entry.why,
        "framework": framework,
        "pinned": rounded(entry.pinned[framework], entry.decimals),
        "tolerance": entry.tolerance,
    }


def _judged(entry: Row, framework: str) -> dict[str, Any]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what a library says of its defaults is no failure
            answer = entry.ask(framework)
            default = rounded(answer.default, entry.decimals)
            residual = _residual(entry, answer.aligned)
    except Exception as error:  # whatever a new release raises is a result
        note = f"{type(error).__name__}: {error}".strip()
        nothing = dict.fromkeys(("default", "changed", "recipe", "residual", "aligned"))
        return {**nothing, "red": True, "note": note}
    changed = not _same(default, rounded(entry.pinned[framework], entry.decimals), entry.decimals)
    aligned = None if residual is None else residual <= entry.tolerance
    return {
        "default": default,
        "changed": changed,
        "recipe": answer.recipe,
        "residual": residual,
        "aligned": aligned,
        "red": changed or aligned is False,
        "note": None,
    }


def rounded(default: Default, decimals: int) -> Any:
    """As it is written: plain numbers, no -0; words for what JSON has no number for."""
    if default is None or isinstance(default, str | bool):
        return default
    if isinstance(default, np.ndarray | Sequence):
        return [rounded(entry, decimals) for entry in np.asarray(default).ravel().tolist()]
    number = float(default)
    return round(number, decimals) + 0.0 if math.isfinite(number) else str(number)


def _same(default: Any, pinned: Any, decimals: int) -> bool:
    """Equal up to one unit of the last decimal: a number may lie where rounding turns."""
    if isinstance(default, list) and isinstance(pinned, list):
        pairs = zip(default, pinned, strict=False)
        return len(default) == len(pinned) and all(_same(a, b, decimals) for a, b in pairs)
    if isinstance(default, float) and isinstance(pinned, float):
        return abs(default - pinned) <= 1.001 * 10.0**-decimals
    return type(default) is type(pinned) and default == pinned


def _residual(entry: Row, aligned: Any) -> float | None:
    """The largest deviation from the reference, relative to its largest entry.

    None where the row only pins; infinite where there is nothing to compare or no number.
    """
    if entry.reference is None:
        return None
    if aligned is None:
        raise ValueError("the row has a reference and the answer nothing to compare with it")
    wanted, found = np.asarray(entry.reference(), float), np.asarray(aligned, float)
    if wanted.shape != found.shape:
        raise ValueError(f"the reference has shape {wanted.shape}, the aligned {found.shape}")
    deviation = float(np.abs(found - wanted).max() / max(float(np.abs(wanted).max()), 1e-300))
    return deviation if math.isfinite(deviation) else math.inf


def _started(framework: str) -> dict[str, ModuleType]:
    """Its modules, imported and made ready for the rows."""
    os.environ.update(SURROUNDINGS)
    try:
        with quiet():
            found = {name: importlib.import_module(name) for name in MODULES[framework]}
    except ModuleNotFoundError as error:
        raise UserError(
            f"{framework} cannot be asked: the package {error.name} is not installed "
            "(pip install '.[cpu]')"
        ) from error
    if framework == "tensorflow":
        _two_processors(found["tensorflow"])
    return found


def _two_processors(tensorflow: Any) -> None:
    """Two devices on one processor, for the rows about several: nothing may have run before."""
    (processor,) = tensorflow.config.list_physical_devices("CPU")
    if tensorflow.config.get_logical_device_configuration(processor) is None:
        half = tensorflow.config.LogicalDeviceConfiguration()
        tensorflow.config.set_logical_device_configuration(processor, [half, half])


if __name__ == "__main__":
    command.run(main)
