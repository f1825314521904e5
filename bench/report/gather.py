"""Everything a report shows, read once, whatever exists at this moment.

What is missing is empty here and shown as unfinished on the pages; what is damaged is a UserError
that names the file.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from bench import claim as claims
from bench import config, store
from bench.claim import Claim
from bench.errors import UserError

POOLED = "pooled"


@dataclass
class Gathered:
    results: Path
    budget: str
    manifest: dict[str, Any]
    frameworks: list[dict[str, Any]]
    claims: list[Claim]
    plan: pd.DataFrame
    runs: pd.DataFrame
    costs: pd.DataFrame
    verdicts: list[dict[str, Any]] = field(default_factory=list)
    conformance: list[dict[str, Any]] = field(default_factory=list)
    mutants: list[dict[str, Any]] = field(default_factory=list)
    datasets: list[dict[str, Any]] = field(default_factory=list)

    @property
    def present(self) -> list[str]:
        """The frameworks that take part, in the order of the columns."""
        return [record["framework"] for record in self.frameworks if record["available"]]

    def verdict(
        self, claim: str, framework: str, hypothesis: str = "claim"
    ) -> dict[str, Any] | None:
        wanted = {"claim": claim, "framework": framework, "hypothesis": hypothesis}
        for record in self.verdicts:
            if all(record[key] == value for key, value in wanted.items()):
                return record
        return None

    def progress(self, claim: str) -> tuple[int, int]:
        """Finished and planned runs of a claim."""
        if self.plan.empty:
            return 0, 0
        done = 0 if self.runs.empty else int((self.runs["claim"] == claim).sum())
        return done, int((self.plan["claim"] == claim).sum())

    def folders(self, claim: str) -> Iterable[tuple[dict[str, Any], Path]]:
        """The finished run folders of a claim with their row of runs.csv."""
        if self.runs.empty:
            return
        for row in self.runs[self.runs["claim"] == claim].to_dict("records"):
            home = store.folder(self.results, claim, str(row["framework"]))
            folder = home / store.run_name(str(row["arm"]), int(row["seed"]))
            if folder.is_dir():
                yield {str(key): value for key, value in row.items()}, folder

    def curves(self, claim: str, file: str) -> pd.DataFrame:
        """One table of all curve.csv or evaluations.csv of a claim."""
        tables = [
            pd.read_csv(folder / file).assign(
                framework=row["framework"], arm=row["arm"], seed=row["seed"]
            )
            for row, folder in self.folders(claim)
            if (folder / file).is_file()
        ]
        return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()

    def provenance(self) -> dict[str, dict[str, Any]]:
        """One record a framework, of its last finished run."""
        found: dict[str, dict[str, Any]] = {}
        for described in self.claims:
            for row, folder in self.folders(described.name):
                found[row["framework"]] = store.read(folder / "provenance.json")
        return {name: found[name] for name in self.present if name in found}


def gather(results: Path) -> Gathered:
    """Read a results folder. Raises UserError when there is none, or for a damaged file."""
    if not (results / "manifest.json").is_file():
        raise UserError(f"{results} holds no reproduction yet: start one (make reproduce)")
    manifest = store.read(results / "manifest.json")
    chosen = config.load(manifest["config"]).claim_names()
    return Gathered(
        results=results,
        budget=manifest["budget"],
        manifest=manifest,
        frameworks=_json(results / "frameworks.json"),
        claims=[claims.get(name) for name in chosen],
        plan=pd.DataFrame(_json(results / "plan.json")),
        runs=_csv(results / "runs.csv"),
        costs=_csv(results / "costs.csv"),
        verdicts=_json(results / "verdicts.json"),
        conformance=_json(results / "conformance.json"),
        mutants=_json(results / "mutants.json"),
        datasets=[store.read(path) for path in sorted((results / "data").glob("*.json"))],
    )


def _json(path: Path) -> list[dict[str, Any]]:
    return store.read(path) if path.is_file() else []


def _csv(path: Path) -> pd.DataFrame:
    if not path.is_file():
        return pd.DataFrame()
    try:
        return pd.read_csv(path)
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise UserError(f"{path} is not valid CSV ({error}); delete it and run again") from error
