"""Everything a report shows, read once, whatever exists at this moment.

What is missing is empty here and shown as unfinished on the pages; what is damaged is a UserError
that names the file.
"""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

import implementations
from bench import claim as claims
from bench import config, store, summaries
from bench.claim import BUDGETS, Budget, Claim
from bench.errors import UserError
from bench.ledger import STAGES
from bench.report.style import in_order

POOLED = "pooled"
IDENTITY = ("claim", "framework", "arm", "seed")
WORDS = {"rule_hash": str, "commit": str}  # hexadecimal digits may look like a number
TIMED_ONCE = ("import", "first_step")
NEEDED = {
    "frameworks.json": ("framework", "available", "version", "reason"),
    "plan.json": IDENTITY,
    "verdicts.json": (
        *("claim", "hypothesis", "framework", "verdict", "effect", "low", "high", "level", "power"),
        *("smallest_effect", "detectable_effect", "seeds", "diverged", "p_value", "complete"),
        *("conditional_on", "reason"),
    ),
    "conformance.json": (
        *("model", "optimizer", "framework", "dtype", "steps", "quantity", "passed"),
        *("max_relative_deviation", "tolerance", "first_divergence", "near_ties"),
    ),
    "mutants.json": ("mutant", "framework", "killed", "by"),
    "atlas.json": (
        *("row", "topic", "title", "why", "framework", "versions", "default", "pinned", "changed"),
        *("recipe", "residual", "tolerance", "aligned", "red", "note", "frameworks_disagree"),
    ),
    "throughput.json": (
        *("net", "call", "framework", "form", "absent", "batch", "threads", "dtype", "device"),
        *("rounds", "clock", "cpu_seconds", "wall_seconds", "examples_per_second", "intensity"),
        *("baseline", "ratio", "ratio_low", "ratio_high", "judged", "level", "noise_floor"),
        *("library", "library_ratio", "library_ratio_low", "library_ratio_high", "library_judged"),
        *("operations", "operations_per_second", "fraction", "peak_memory_mib", "energy_joules"),
        *("correct", "deviation", "tolerance", "compared_steps", "repeats"),
        *("machine", "commit", "versions"),
        *(f"{what}_{clock}_seconds" for what in TIMED_ONCE for clock in ("cpu", "wall")),
    ),
    "runs.csv": IDENTITY,
    "timings.csv": (*IDENTITY, "metric", "value"),
    "accounts.csv": ("job", "claim", "framework", *STAGES),
    "costs.csv": (*IDENTITY, "cpu_seconds", "wall_seconds", "peak_memory_mib", "started"),
}


@dataclass
class Gathered:
    results: Path
    configuration: config.Configuration
    frameworks: list[dict[str, Any]]
    claims: list[Claim]
    plan: pd.DataFrame
    runs: pd.DataFrame
    costs: pd.DataFrame
    accounts: pd.DataFrame
    verdicts: list[dict[str, Any]]
    conformance: list[dict[str, Any]]
    mutants: list[dict[str, Any]]
    atlas: list[dict[str, Any]]
    throughput: list[dict[str, Any]]
    datasets: list[dict[str, Any]]

    @property
    def budget(self) -> str:
        return self.configuration.budget

    @property
    def data_dir(self) -> Path | None:
        """Where downloads are kept; None: the user's cache folder."""
        directory = self.configuration.data_dir
        return Path(directory) if directory else None

    @property
    def present(self) -> list[str]:
        """The frameworks that take part, in the order of the columns."""
        return in_order(r["framework"] for r in self.frameworks if r["available"])

    @property
    def skipped(self) -> list[dict[str, Any]]:
        return [record for record in self.frameworks if not record["available"]]

    def verdict(
        self, claim: str, framework: str, hypothesis: str = "claim"
    ) -> dict[str, Any] | None:
        wanted = {"claim": claim, "framework": framework, "hypothesis": hypothesis}
        for record in self.verdicts:
            if all(record[key] == value for key, value in wanted.items()):
                return record
        return None

    def progress(self, claim: str, framework: str = POOLED) -> tuple[int, int]:
        """Finished and planned runs of a claim."""
        counts = []
        for table in (self.runs, self.plan):
            own = table[table["claim"] == claim]
            counts.append(len(own if framework == POOLED else own[own["framework"] == framework]))
        return counts[0], counts[1]

    def runs_of(self, claim: str) -> pd.DataFrame:
        """Rows of runs.csv, in the order of the columns, then of arm and seed."""
        own = self.runs[self.runs["claim"] == claim]
        rank = {name: position for position, name in enumerate(in_order(set(own["framework"])))}
        return own.sort_values("framework", key=lambda names: names.map(rank), kind="stable")

    def folder(self, run: Mapping[Any, Any]) -> Path:
        home = store.folder(self.results, run["claim"], run["framework"])
        return home / store.run_name(run["arm"], run["seed"])

    def budget_of(self, claim: str) -> Budget:
        return config.budget_of(self.configuration, claim)

    def curves(self, claim: str, file: str) -> pd.DataFrame:
        """One table of all files of this name of a claim's runs; not-a-number where diverged.

        What a claim calls its series has the columns that its figures name.
        """
        needed = ("step", "epoch") if file in ("curve.csv", "evaluations.csv") else ()
        tables = []
        for run in self.runs_of(claim).to_dict("records"):
            path = self.folder(run) / file
            if path.is_file():
                identity = {key: run[key] for key in ("framework", "arm", "seed")}
                tables.append(_csv(path, needed).assign(**identity))
        tables = [table for table in tables if len(table)]
        if not tables:
            return pd.DataFrame()
        return pd.concat(tables, ignore_index=True).replace([float("inf"), -float("inf")], None)

    def choice(self, claim: str) -> dict[str, Any] | None:
        """What the search of a claim tried and chose; None where none was made yet."""
        path = self.results / "search" / f"{claim}.json"
        return _object(path) if path.is_file() else None

    def provenance(self) -> dict[str, dict[str, Any]]:
        """One record a framework, of its last finished run."""
        found: dict[str, dict[str, Any]] = {}
        for run in self.runs.to_dict("records"):
            path = self.folder(run) / "provenance.json"
            if path.is_file():
                found[run["framework"]] = _object(path)
        return {name: found[name] for name in in_order(found)}


def gather(results: Path, summarized: Path | None = None) -> Gathered:
    """Read a results folder, and its summaries, which may lie elsewhere.

    Raises UserError when there is none, or for a damaged file.
    """
    if not results.is_dir():
        raise UserError(f"there is no folder {results}: start a reproduction (make reproduce)")
    written = summarized or results
    configuration = _configuration(results)
    frameworks = _records(results / "frameworks.json") or [
        {"framework": name, "available": True, "version": None, "reason": None}
        for name in implementations.names()
    ]
    return Gathered(
        results=results,
        configuration=configuration,
        frameworks=frameworks,
        claims=[claims.get(name) for name in configuration.claim_names()],
        plan=pd.DataFrame(_records(results / "plan.json"), columns=[*IDENTITY, "shared"]),
        runs=_timed(_table(results, written, "runs"), _table(results, written, "timings")),
        costs=_table(results, written, "costs"),
        accounts=_table(results, written, "accounts"),
        verdicts=_records(written / "verdicts.json"),
        conformance=_records(written / "conformance.json"),
        mutants=_records(written / "mutants.json"),
        atlas=_records(written / "atlas.json"),
        throughput=_records(written / "throughput.json"),
        datasets=[_object(path) for path in sorted((results / "data").glob("*.json"))],
    )


def _configuration(results: Path) -> config.Configuration:
    """That of the manifest; before there is one, every claim at the budget the folder is named."""
    path = results / "manifest.json"
    if path.is_file():
        manifest = _object(path)
        if not isinstance(manifest.get("config"), dict):
            raise UserError(f"{path} names no configuration; delete it and run again")
        return config.load(manifest["config"])
    budget = results.name if results.name in BUDGETS else "standard"
    return config.Configuration.model_validate(
        {"budget": budget, "claims": "all", "frameworks": "all", "device": "auto", "threads": 1,
         "data_dir": None, "conformance": "full", "settings": {}}
    )  # fmt: skip


def _object(path: Path) -> dict[str, Any]:
    found = store.read(path)
    if not isinstance(found, dict):
        raise UserError(f"{path} holds no record; delete it and run again")
    return found


def _records(path: Path) -> list[dict[str, Any]]:
    if not path.is_file():
        return []
    found = store.read(path)
    needed = set(NEEDED[path.name])
    if not isinstance(found, list) or not all(isinstance(r, dict) for r in found):
        raise UserError(f"{path} is not a list of records; delete it and run again")
    lacking = sorted({key for record in found for key in needed - record.keys()})
    if lacking:
        raise UserError(
            f"{path} lacks {', '.join(lacking)}: it was written by another version or damaged; "
            f"delete it and run again"
        )
    return found


def _table(results: Path, written: Path, name: str) -> pd.DataFrame:
    """A summary; while it is not written yet, what it would hold."""
    path = written / f"{name}.csv"
    if path.is_file():
        return _csv(path, NEEDED[path.name])
    if not (results / "plan.json").is_file():
        return pd.DataFrame(columns=list(NEEDED[path.name]))
    compute = summaries.SUMMARIES[name][1]
    return pd.read_csv(io.StringIO(compute(results)), dtype=WORDS)


def _timed(runs: pd.DataFrame, timings: pd.DataFrame) -> pd.DataFrame:
    """Every run with its metrics, those of a clock beside the others."""
    if timings.empty:
        return runs
    wide = timings.pivot(index=list(IDENTITY), columns="metric", values="value")
    return runs.merge(wide.reset_index(), how="left", on=list(IDENTITY))


def _csv(path: Path, needed: Sequence[str]) -> pd.DataFrame:
    try:
        table = pd.read_csv(path, dtype=WORDS)
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise UserError(f"{path} is not valid CSV ({error}); delete it and run again") from error
    lacking = [column for column in needed if column not in table.columns]
    if lacking:
        raise UserError(f"{path} has no column {', '.join(lacking)}; delete it and run again")
    return table
