"""Jobs of the reproduction: a claim in one framework, its arms and seeds one after another.

    python -m bench.run --claim lenet_accuracy --framework pytorch --results results/standard
        --seeds 0 1 2 --settings '{"epochs": 3, ...}' --index results/standard/runs/.../pytorch.csv

Every finished run is kept in the store (bench/store.py), so that a job that was killed goes on with
the next run. The index, one row a run, is written last: it is what Snakemake knows of. More claims
may follow on the command line (bench/jobs.py).
"""

import argparse
import contextlib
import csv
import importlib
import io
import json
import math
import os
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench import accounts, closure, command, dataset, jobs, ledger, provenance, store
from bench import claim as claims
from bench.claim import Claim, Job, Outcome
from bench.contract import Config
from bench.errors import ContractError, UserError, unknown
from bench.ledger import IMPORTS, LEDGER
from bench.measure import Meter, Past
from bench.progress import Reporter


def natural(text: str) -> int:
    """A whole number from 0 on. Raises ValueError, which argparse tells."""
    if (number := int(text)) < 0:
        raise ValueError
    return number


def command_line(description: str) -> argparse.ArgumentParser:
    """What a job and its search have in common."""
    parser = argparse.ArgumentParser(description=description, allow_abbrev=False)
    parser.add_argument("--framework", required=True)
    parser.add_argument("--results", type=Path, required=True, help="results/<budget>")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--data-dir", type=Path, default=None)
    parser.add_argument("--claim", required=True, help="begins a job")
    parser.add_argument("--arms", nargs="+", required=True, help="of the claim's")
    parser.add_argument("--settings", type=json.loads, default={}, help="the claim's, as JSON")
    parser.add_argument("--datasets", nargs="*", help="those it reads; default: the claim's")
    return parser


def main() -> int:
    parser = command_line("Compute claims in one framework.")
    parser.add_argument("--index", type=Path, required=True, help="the CSV written at the end")
    parser.add_argument(
        "--seeds", type=natural, nargs="*", default=[], help="shared by all frameworks"
    )
    parser.add_argument(
        "--own-seeds", type=natural, nargs="*", default=[], help="of this framework"
    )
    parser.add_argument("--choice", type=Path, help="what bench.search chose for every arm")
    return jobs.computed(jobs.parsed(parser, sys.argv[1:]), compute)


def compute(arguments: argparse.Namespace, past: Past) -> None:
    """All runs of one claim in one framework, and their index."""
    workshop = Workshop(arguments, f"{arguments.claim}/{arguments.framework}", past)
    chosen = store.read(arguments.choice)["chosen"] if arguments.choice else {}
    search = workshop.claim.search
    planned = [
        (arm, seed) for seed in arguments.seeds + arguments.own_seeds for arm in arguments.arms
    ]
    rows: list[dict[str, Any]] = []
    home = store.folder(arguments.results, arguments.claim, arguments.framework)
    with workshop.opened(home):
        for position, (arm, seed) in enumerate(planned):
            settings = dict(arguments.settings)
            if search and arm in chosen:
                settings[search.setting] = chosen[arm]
            shared = seed in arguments.seeds
            folder = home / store.run_name(arm, seed)
            part = (position, len(planned))
            outcome = workshop.run(folder, arm, seed, settings, part, {"shared": shared})
            rows.append(workshop.row(arm, seed, shared, outcome))
    workshop.check_inputs()
    store.write_file(arguments.index, table(rows))
    workshop.finish(f"{len(planned)} runs finished")


class Workshop:
    """Computes runs of one claim in one framework, and keeps each as soon as it is whole."""

    def __init__(self, arguments: argparse.Namespace, job: str, past: Past) -> None:
        self.arguments, self.past = arguments, past
        with LEDGER.during(IMPORTS):  # some claims need a library of their own
            self.claim = claims.get(arguments.claim)
        for arm in arguments.arms:
            if arm not in self.claim.arms:
                raise UserError(unknown(f"arm of {self.claim.name}", arm, self.claim.arms))
        datasets = self.claim.datasets if arguments.datasets is None else arguments.datasets
        self.runner = claims.module(arguments.claim).run
        name = f"implementations.{arguments.framework}.adapter"
        self.adapter = importlib.import_module(name)
        config = Config(device=arguments.device, threads=arguments.threads)
        self.facts = provenance.collect(self.adapter.environment(config))
        roots = closure.job_modules(self.claim, arguments.framework, datasets)
        self.allowed = closure.closure(roots)
        self.common = {
            "sources": closure.digests(self.allowed),
            "data": {name: dataset.fingerprint(name) for name in datasets},
            "versions": self.facts["versions"],
            "device": self.facts["device"],
            "threads": self.facts["threads"],
        }
        self.job, self.outside = job, dict[str, float]()  # CPU seconds that are no run's
        self.reporter = Reporter(arguments.results, job, past.cpu_seconds)

    def opened(self, home: Path) -> contextlib.AbstractContextManager[None]:
        """Hold the folder of these runs alone."""
        return store.locked(home, announce=lambda text: self.reporter.report(0.0, text))

    def run(
        self,
        folder: Path,
        arm: str,
        seed: int,
        settings: Mapping[str, Any],
        part: tuple[int, int],
        more: Mapping[str, Any],
    ) -> dict[str, Any]:
        """The outcome of one run: kept from before where its fingerprint holds, else computed."""
        asked = self.arguments
        config = {
            "claim": self.claim.name,
            "framework": asked.framework,
            "arm": arm,
            "seed": seed,
            "settings": dict(settings),
            "device": asked.device,
            "threads": asked.threads,
            "rule_hash": self.claim.rule_hash(),
            **more,
        }
        mark = store.fingerprint({"config": config, **self.common})
        if store.is_finished(folder, mark):
            self.reporter.keep((part[0] + 1) / part[1])
            return store.read(folder / "outcome.json")
        job = Job(
            framework=asked.framework,
            adapter=self.adapter,
            arm=arm,
            seed=seed,
            settings=settings,
            device=asked.device,
            threads=asked.threads,
            data_dir=asked.data_dir,
            report=_scaled(self.reporter, *part, arm, seed),
        )
        self.outside = ledger.added([self.outside, LEDGER.take()])
        with Meter(self.past) as meter:
            outcome = self.runner(job)
        stages = LEDGER.take()
        complete(self.claim, outcome)
        config = {**config, "fingerprint": mark}
        store.write_run(folder, _files(config, outcome, meter, stages, self.facts))
        return store.read(folder / "outcome.json")

    def row(self, arm: str, seed: int, shared: bool, outcome: Mapping[str, Any]) -> dict[str, Any]:
        """One row of the index: what the seed determines."""
        identity = {
            "claim": self.claim.name,
            "framework": self.arguments.framework,
            "arm": arm,
            "seed": seed,
            "shared": shared,
            "rule_hash": self.claim.rule_hash(),
        }
        metrics = {
            name: math.nan if value is None else value
            for name, value in outcome["metrics"].items()
            if name not in self.claim.clocked
        }
        return {**identity, **metrics}

    def finish(self, text: str) -> None:
        """Say that all is done, and what was spent beside the runs."""
        self.reporter.report(1.0, text)
        accounts.close(self.arguments.results, self.job, self.outside)

    def check_inputs(self) -> None:
        """Raises ContractError for a module that was loaded and is not an input of this job."""
        outside = closure.unexpected(self.allowed)
        if outside:
            raise ContractError(f"loaded, but not an input of this job: {', '.join(outside)}")


def complete(described: Claim, outcome: Outcome) -> None:
    """A run answers with exactly the metrics its claim declares."""
    if outcome.metrics.keys() != described.metrics.keys():
        raise ContractError(
            f"{described.name} declares {sorted(described.metrics)}, "
            f"its run gave {sorted(outcome.metrics)}"
        )


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """CSV with the union of the columns in order of appearance; floats written to the last bit."""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({k: repr(v) if isinstance(v, float) else v for k, v in row.items()})
    return text.getvalue()


def _scaled(reporter: Reporter, position: int, total: int, arm: str, seed: int) -> Any:
    def report(fraction: float, text: str) -> None:
        # A run is finished when it is written: its last report stays below its share.
        whole = (position + min(fraction, 0.999)) / total
        reporter.report(whole, f"{arm}, seed {seed} ({position + 1} of {total}), {text}")

    return report


def _files(
    config: Mapping[str, Any],
    outcome: Outcome,
    meter: Meter,
    stages: Mapping[str, float],
    facts: Mapping[str, Any],
) -> dict[str, str]:
    record = dict(outcome.record)
    costs = {
        "cpu_seconds": meter.cpu_seconds,
        "stages": stages,
        "wall_seconds": meter.wall_seconds,
        "first_step_seconds": record.pop("first_step_seconds", None),
        "peak_memory_mib": meter.peak_memory_mib,
        "load_before": meter.load_before,
        "load_after": os.getloadavg()[0],
        "started": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(meter.started)),
    }
    diverged = not all(math.isfinite(value) for value in outcome.metrics.values())
    config_hash = store.fingerprint({k: v for k, v in config.items() if k != "fingerprint"})
    files = {
        "config.json": store.canonical({**config, "config_hash": config_hash}),
        "outcome.json": store.canonical(
            {"metrics": dict(outcome.metrics), "record": record, "diverged": diverged}
        ),
        "costs.json": store.canonical(costs),
        "provenance.json": store.canonical(
            {**facts, "config_hash": config_hash, "seed": config["seed"]}
        ),
    }
    if outcome.curve:
        files["curve.csv"] = table(outcome.curve)
    if outcome.evaluations:
        files["evaluations.csv"] = table(outcome.evaluations)
    files |= {f"{name}.csv": table(rows) for name, rows in outcome.series.items() if rows}
    return files


if __name__ == "__main__":
    command.run(main)
