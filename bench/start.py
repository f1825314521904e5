"""What the Snakefile does before and at the start of a reproduction.

One live instance: the head of the Snakefile takes a lock that dies with its process. Got it, then
nobody is computing here, and the lock files that a killed Snakemake left behind are stale and are
removed; not got, then a second start is refused. Looking (dry run, lint) is always allowed.
"""

import fcntl
import os
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

from bench import costs, store, threads
from bench.command import explain
from bench.errors import UserError
from bench.plan import SCHEMA_VERSION, Plan

LOOKING = {
    *("-n", "--dry-run", "--dryrun", "--lint", "--list-rules", "--list", "-l", "--summary", "-S"),
    *("--detailed-summary", "-D", "--dag", "--rulegraph", "--filegraph", "--list-input-changes"),
    *("--list-params-changes", "--list-code-changes", "--report", "--containerize"),
}
IDENTITY = ("project", "schema_version", "budget", "device", "threads")

_instance: IO[str] | None = None  # the open handle is the lock: it lives as long as the process


def prepare(
    config: Mapping[str, Any], main_process: bool, arguments: Sequence[str], cores: int | None
) -> Plan:
    """Validate the configuration and make sure that this start may go ahead.

    Ends the process with one message and exit code 1 where it may not.
    """
    try:
        plan = Plan(config)
        looking = bool(LOOKING & set(arguments))
        if main_process:
            if cores is not None and cores < 1:
                raise UserError(f"--cores must be a whole number from 1 on, or all; got {cores}")
            _check_folders(plan)
            # Snakemake takes an input that cannot be computed for one that has not changed.
            plan.check_sources()
            _be_the_only_one(looking)
            _check_manifest(plan)
            if not looking:
                plan.check_data()
                plan.check_device()
                plan.results.mkdir(parents=True, exist_ok=True)
            _forget_lost_runs(plan, looking)
        return plan
    except (UserError, OSError, SyntaxError) as error:
        message = explain(error)
        if message is None:
            raise
        sys.exit(f"quatuor: {message}")


def record(plan: Plan) -> None:
    """Write what this reproduction is going to do; called when it starts, not on a dry run.

    What it starts here finds the environment that it would restart itself in, imports and all.
    """
    os.environ.update(threads.variables(plan.configuration.threads))
    runs = [asdict(run) for run in plan.all_runs()]
    store.write_file(plan.results / "manifest.json", store.canonical(_manifest(plan)))
    store.write_file(plan.results / "frameworks.json", store.canonical(plan.framework_records()))
    store.write_file(plan.results / "plan.json", store.canonical(runs))
    store.write_file(
        plan.results / "jobs.json",
        store.canonical({"started": time.time(), "weights": costs.weights(plan)}),
    )


def _be_the_only_one(looking: bool) -> None:
    global _instance
    folder = Path(".snakemake")
    if looking and not folder.is_dir():
        return
    folder.mkdir(exist_ok=True)
    _instance = (folder / "quatuor.lock").open("w")
    try:
        fcntl.flock(_instance, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        if looking:
            return
        raise UserError(
            "a reproduction is already running in this folder: wait for it, or stop it first "
            "(python -m bench.progress results/<budget> shows how far it is)"
        ) from None
    for stale in (folder / "locks").glob("*.lock"):
        stale.unlink()


def _check_folders(plan: Plan) -> None:
    """Refuse where a file lies in the place of a folder."""
    for folder in (plan.results, plan.reports):
        for path in (folder, *folder.parents):
            if path.exists() and not path.is_dir():
                raise UserError(f"{path} is a file, and a folder is needed there: move it away")


def _forget_lost_runs(plan: Plan, looking: bool) -> None:
    """Where a finished run is gone or damaged, let Snakemake see that its job has work to do.

    The index of such a job goes, which `rule all` asks for; who only looks is told.
    """
    lost: dict[Path, Path] = {}
    for run in plan.all_runs():
        index = Path(plan.index(run.claim, run.framework))
        home = store.folder(plan.results, run.claim, run.framework)
        folder = home / store.run_name(run.arm, run.seed)
        if index.is_file() and not store.is_whole(folder):
            lost[folder] = index
    if lost:
        told = f"finished runs that are gone or damaged, to be computed again: {len(lost)}"
        print(f"quatuor: {told} (the first: {next(iter(lost))})", file=sys.stderr)
    if not looking:
        for index in set(lost.values()):
            index.unlink()


def _manifest(plan: Plan) -> dict[str, Any]:
    configuration = plan.configuration.model_dump(mode="json")
    identity = {"project": "quatuor", "schema_version": SCHEMA_VERSION}
    chosen = {key: configuration[key] for key in ("budget", "device", "threads")}
    return {**identity, **chosen, "config": configuration}


def _check_manifest(plan: Plan) -> None:
    """Refuse a results folder that was made under another identity, or by something else."""
    path = plan.results / "manifest.json"
    if not path.is_file():
        foreign = plan.results.is_dir() and any(plan.results.iterdir())
        if foreign:
            raise UserError(
                f"{plan.results} holds files but no manifest.json, so it is not known what they "
                f"are: move the folder away and start again"
            )
        return
    found, wanted = store.read(path), _manifest(plan)
    differences = [
        f"{key} is {found.get(key)!r} there and {wanted[key]!r} here"
        for key in IDENTITY
        if found.get(key) != wanted[key]
    ]
    if differences:
        raise UserError(
            f"{plan.results} comes from another configuration ({'; '.join(differences)}): "
            f"move the folder away, or use the configuration it was made with"
        )
