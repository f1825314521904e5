"""One job of the reproduction: one claim in one framework, its arms and seeds one after another.

    python -m bench.run --claim lenet_accuracy --framework pytorch --results results/standard
        --seeds 0 1 2 --settings '{"epochs": 3, ...}' --index results/standard/runs/.../pytorch.csv

Every finished run is kept in the store (bench/store.py), so that a job that was killed goes on with
the next run. The index, one row a run, is written last: it is what Snakemake knows of.
"""

import argparse
import csv
import importlib
import io
import json
import math
import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench import claim as claims
from bench import closure, command, dataset, provenance, store, threads
from bench.claim import Claim, Job, Outcome
from bench.contract import Config
from bench.errors import ContractError
from bench.measure import Meter
from bench.progress import Reporter


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Compute one claim in one framework.")
    parser.add_argument("--claim", required=True)
    parser.add_argument("--framework", required=True)
    parser.add_argument("--results", type=Path, required=True, help="results/<budget>")
    parser.add_argument("--index", type=Path, required=True, help="the CSV written at the end")
    parser.add_argument("--seeds", type=int, nargs="*", default=[], help="shared by all frameworks")
    parser.add_argument("--own-seeds", type=int, nargs="*", default=[], help="of this framework")
    parser.add_argument("--arms", nargs="+", required=True, help="of the claim's")
    parser.add_argument("--settings", type=json.loads, default={}, help="the claim's, as JSON")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--data-dir", type=Path, default=None)
    return parser.parse_args()


def main() -> int:
    arguments = parse()
    threads.pin(arguments.threads)
    described = claims.get(arguments.claim)
    runner = claims.module(arguments.claim).run
    adapter = importlib.import_module(f"implementations.{arguments.framework}.adapter")
    environment = adapter.environment(Config(device=arguments.device, threads=arguments.threads))
    facts = provenance.collect(environment)
    allowed = closure.closure(
        closure.job_modules(
            described.name, arguments.framework, described.architectures, described.datasets
        )
    )
    common = {
        "sources": closure.digests(allowed),
        "data": {name: dataset.fingerprint(name) for name in described.datasets},
        "versions": facts["versions"],
        "device": facts["device"],
        "threads": facts["threads"],
    }
    reporter = Reporter(arguments.results, f"{described.name}/{arguments.framework}")
    planned = [
        (arm, seed) for seed in arguments.seeds + arguments.own_seeds for arm in arguments.arms
    ]
    home = store.folder(arguments.results, described.name, arguments.framework)
    rows: list[dict[str, Any]] = []
    with store.locked(home, announce=lambda text: reporter.report(0.0, text)):
        for position, (arm, seed) in enumerate(planned):
            config = {
                "claim": described.name,
                "framework": arguments.framework,
                "arm": arm,
                "seed": seed,
                "shared": seed in arguments.seeds,
                "settings": arguments.settings,
                "device": arguments.device,
                "threads": arguments.threads,
                "rule_hash": described.rule_hash(),
            }
            mark = store.fingerprint({"config": config, **common})
            folder = home / store.run_name(arm, seed)
            if store.is_finished(folder, mark):
                reporter.keep((position + 1) / len(planned))
            else:
                job = Job(
                    framework=arguments.framework,
                    adapter=adapter,
                    arm=arm,
                    seed=seed,
                    settings=arguments.settings,
                    device=arguments.device,
                    threads=arguments.threads,
                    data_dir=arguments.data_dir,
                    report=_scaled(reporter, position, len(planned), arm, seed),
                )
                with Meter() as meter:
                    outcome = runner(job)
                complete(described, outcome)
                store.write_run(
                    folder, _files({**config, "fingerprint": mark}, outcome, meter, facts)
                )
            rows.append(_row(config, store.read(folder / "outcome.json")))
    outside = closure.unexpected(allowed)
    if outside:
        raise ContractError(f"loaded, but not an input of this job: {', '.join(outside)}")
    store.write_file(arguments.index, table(rows))
    reporter.report(1.0, f"{len(planned)} runs finished")
    return 0


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


def _row(config: Mapping[str, Any], outcome: Mapping[str, Any]) -> dict[str, Any]:
    keys = ("claim", "framework", "arm", "seed", "shared", "rule_hash")
    metrics = {k: math.nan if v is None else v for k, v in outcome["metrics"].items()}
    return {**{key: config[key] for key in keys}, **metrics}


def _files(
    config: Mapping[str, Any], outcome: Outcome, meter: Meter, facts: Mapping[str, Any]
) -> dict[str, str]:
    record = dict(outcome.record)
    costs = {
        "cpu_seconds": meter.cpu_seconds,
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
    return files


if __name__ == "__main__":
    command.run(main)
