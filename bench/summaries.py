"""The summaries that the report, CI and anyone else reads: see results/README.md for the schema.

    python -m bench.summaries --results results/standard [NAME ...]

Each is computed from what exists, finished or not.
"""

import argparse
import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pandas as pd

from bench import accounts, command, store, verdict
from bench import claim as claims
from bench.errors import UserError
from bench.run import table

SCHEMAS = Path(__file__).parent / "schemas"
IDENTITY = ("claim", "framework", "arm", "seed", "shared", "rule_hash")
COSTS = (
    *("cpu_seconds", "wall_seconds", "first_step_seconds", "peak_memory_mib"),
    *("load_before", "load_after", "started"),
)


def finished(results: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Folder and config of every planned run that is whole, in the plan's order."""
    for run in store.read(results / "plan.json"):
        home = store.folder(results, run["claim"], run["framework"])
        folder = home / store.run_name(run["arm"], run["seed"])
        if store.is_whole(folder):
            yield folder, store.read(folder / "config.json")


def runs(results: Path) -> str:
    """runs.csv: one row a run, only what the seed determines."""
    rows = []
    for folder, config in finished(results):
        numbers = metrics(folder, config["claim"], clocked=False)
        rows.append({**{key: config[key] for key in IDENTITY}, **numbers})
    return table(rows) if rows else ",".join(IDENTITY) + "\n"


def timings(results: Path) -> str:
    """timings.csv: what a clock measured, a row a run and metric; no seed determines it."""
    rows = [
        {**{key: config[key] for key in IDENTITY}, "metric": name, "value": value}
        for folder, config in finished(results)
        for name, value in metrics(folder, config["claim"], clocked=True).items()
    ]
    return table(rows) if rows else ",".join((*IDENTITY, "metric", "value")) + "\n"


def metrics(folder: Path, claim: str, clocked: bool) -> dict[str, float]:
    """The metrics of a run that a clock measured, or the others; not-a-number where it diverged."""
    found = store.read(folder / "outcome.json")["metrics"]
    measured = claims.get(claim).clocked
    return {
        name: float("nan") if value is None else value
        for name, value in found.items()
        if (name in measured) == clocked
    }


def costs(results: Path) -> str:
    """costs.csv: what each run took, and under which load and commit."""
    rows = []
    for folder, config in finished(results):
        spent = store.read(folder / "costs.json")
        facts = store.read(folder / "provenance.json")
        rows.append(
            {
                **{key: config[key] for key in ("claim", "framework", "arm", "seed")},
                **{key: spent[key] for key in COSTS},
                "commit": facts["git_commit"],
                "dirty": facts["git_dirty"],
                "threads": facts["threads"],
                "device": facts["device"],
            }
        )
    columns = ("claim", "framework", "arm", "seed", *COSTS, "commit", "dirty", "threads", "device")
    return table(rows) if rows else ",".join(columns) + "\n"


def accounted(results: Path) -> str:
    """accounts.csv: where the CPU time of each job went, by stage."""
    rows = list(accounts.rows(results))
    return table(rows) if rows else ",".join(accounts.COLUMNS) + "\n"


def verdicts(results: Path) -> str:
    """verdicts.json: every claim of the plan, judged on the runs that exist."""
    plan = store.read(results / "plan.json")
    described = [claims.get(name) for name in dict.fromkeys(run["claim"] for run in plan)]
    planned: dict[tuple[str, str], list[tuple[str, int, bool]]] = {}
    for run in plan:
        key = (run["claim"], run["framework"])
        planned.setdefault(key, []).append((run["arm"], run["seed"], run["shared"]))
    budget = store.read(results / "manifest.json")["budget"]
    return store.canonical(verdict.judge(described, long_table(results), budget, planned))


def long_table(results: Path) -> pd.DataFrame:
    """runs.csv with one row a run and metric, each claim with its own metrics only."""
    rows = []
    for folder, config in finished(results):
        metrics = store.read(folder / "outcome.json")["metrics"]
        identity = {key: config[key] for key in IDENTITY}
        rows += [
            {**identity, "metric": name, "value": float("nan") if v is None else v}
            for name, v in metrics.items()
        ]
    return pd.DataFrame(rows, columns=[*IDENTITY, "metric", "value"])


def merged(kind: str) -> Callable[[Path], str]:
    """conformance.json and mutants.json: the lists of every framework, one after another.

    Of the frameworks that take part: an earlier reproduction may have left others' lists behind.
    """

    def merge(results: Path) -> str:
        known = store.read(results / "frameworks.json")
        present = sorted(record["framework"] for record in known if record["available"])
        paths = (results / kind / f"{framework}.json" for framework in present)
        records = [record for path in paths if path.is_file() for record in store.read(path)]
        return store.canonical(records)

    return merge


def throughput(results: Path) -> str:
    """throughput.json: the records of every net that is timed, one after another."""
    nets = store.read(results / "manifest.json")["config"]["timing"]["nets"]
    paths = (results / "throughput" / f"{net}.json" for net in nets)
    return store.canonical([r for path in paths if path.is_file() for r in store.read(path)])


def atlas(results: Path) -> str:
    """atlas.json: a record a row and framework, and whether the row's defaults disagree."""
    answers: list[dict[str, Any]] = json.loads(merged("atlas")(results))
    defaults: dict[str, list[Any]] = {}
    for answer in answers:
        if answer["note"] is None:
            defaults.setdefault(answer["row"], []).append(answer["default"])
    for answer in answers:
        found = defaults.get(answer["row"], [])
        apart = any(default != found[0] for default in found)
        answer["frameworks_disagree"] = apart if len(found) > 1 else None
    return store.canonical(answers)


def records(text: str) -> list[dict[str, Any]]:
    """The rows of a CSV summary, as a schema sees them: an empty field is null."""
    words = {"rule_hash": str, "commit": str}  # hexadecimal digits may look like a number
    rows = pd.read_csv(io.StringIO(text), dtype=words).to_dict("records")
    return [{str(k): None if pd.isna(v) else v for k, v in row.items()} for row in rows]


SUMMARIES: dict[str, tuple[str, Callable[[Path], str]]] = {
    "runs": ("runs.csv", runs),
    "costs": ("costs.csv", costs),
    "timings": ("timings.csv", timings),
    "accounts": ("accounts.csv", accounted),
    "verdicts": ("verdicts.json", verdicts),
    "conformance": ("conformance.json", merged("conformance")),
    "mutants": ("mutants.json", merged("mutants")),
    "atlas": ("atlas.json", atlas),
    "throughput": ("throughput.json", throughput),
}


def write(results: Path, name: str, out: Path | None = None) -> None:
    """Compute one summary, check it against its schema, and write it, into another folder if so."""
    file, compute = SUMMARIES[name]
    text = compute(results)
    schema = json.loads((SCHEMAS / f"{name}.json").read_text())
    jsonschema.validate(records(text) if file.endswith(".csv") else json.loads(text), schema)
    store.write_file((out or results) / file, text)


def main() -> int:
    parser = argparse.ArgumentParser(description="Write the summaries of a results folder.")
    parser.add_argument("--results", type=Path, required=True, help="results/<budget>")
    parser.add_argument("names", nargs="*", choices=[*SUMMARIES, []], help="default: all")
    arguments = parser.parse_args()
    if not (arguments.results / "plan.json").is_file():
        raise UserError(f"{arguments.results} holds no reproduction yet: start one with make")
    for name in arguments.names or SUMMARIES:
        write(arguments.results, name)
    return 0


if __name__ == "__main__":
    command.run(main)
