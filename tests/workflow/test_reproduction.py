"""The smoke reproduction end to end, in every framework that is installed."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from bench import claim as claims
from bench import scaling, summaries
from bench.conformance import cases, players
from tests.meta.catalogue import MUTANTS
from tests.workflow.checkout import Checkout

pytestmark = pytest.mark.workflow
AT_LEAST = 25  # planted bugs


def summary(reproduction: Checkout, name: str) -> list[dict[str, Any]]:
    file, _ = summaries.SUMMARIES[name]
    text = reproduction.path(f"results/smoke/{file}").read_text()
    return summaries.records(text) if file.endswith(".csv") else json.loads(text)


@pytest.mark.parametrize("name", summaries.SUMMARIES)
def test_every_summary_follows_its_schema(reproduction: Checkout, name: str) -> None:
    schema = json.loads((summaries.SCHEMAS / f"{name}.json").read_text())
    records = summary(reproduction, name)
    assert records
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(records, schema)
    # A check that cannot fail is none: a record that lacks a field is refused.
    for key in schema["items"]["required"]:
        lacking = [{k: v for k, v in records[0].items() if k != key}]
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(lacking, schema)


def test_every_claim_ran_in_every_framework(reproduction: Checkout) -> None:
    plan = json.loads(reproduction.path("results/smoke/plan.json").read_text())
    planned = [(r["claim"], r["framework"], r["arm"], r["seed"]) for r in plan]
    ran = [(r["claim"], r["framework"], r["arm"], r["seed"]) for r in summary(reproduction, "runs")]
    assert ran == planned
    assert {claim for claim, *_ in ran} == set(claims.names())
    there = json.loads(reproduction.path("results/smoke/frameworks.json").read_text())
    assert {framework for _, framework, *_ in ran} == {
        r["framework"] for r in there if r["available"]
    }


def test_smoke_gives_no_verdicts(reproduction: Checkout) -> None:
    assert {r["verdict"] for r in summary(reproduction, "verdicts")} == {"not judged"}


def test_its_jobs_can_be_planned_for_more_workers(reproduction: Checkout) -> None:
    """Every file that a rule wrote is some job's; no schedule beats the critical path."""
    done = reproduction.python("bench.scaling", "results/smoke", "--workers", "1", "64")
    assert done.returncode == 0, done.stdout
    jobs = scaling.recorded(Path("results/smoke"), reproduction.path(".snakemake/metadata"))
    rules = {job.name.split(":")[0] for job in jobs}
    assert {"report", "tables", "verdicts"} <= rules
    chain = sum(job.seconds for job in scaling.critical_path(jobs))
    assert scaling.critical_path(jobs)[-1].name.startswith("report")
    assert scaling.makespan(jobs, 64) >= chain > 0
    assert scaling.makespan(jobs, 1) == pytest.approx(sum(job.seconds for job in jobs))


def test_conformance_and_planted_bugs(reproduction: Checkout) -> None:
    gate = [sys.executable, "-m", "bench.conformance.gate", "results/smoke"]
    done = subprocess.run(
        gate, cwd=reproduction.folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
    judged = {r["framework"] for r in summary(reproduction, "runs")} - {"numpy"}
    assert judged <= set(players.judged())
    compared = summary(reproduction, "conformance")
    assert {(r["framework"], r["model"], r["optimizer"], r["dtype"]) for r in compared} == {
        (framework, case.model, case.optimizer, case.dtype)
        for framework in judged
        for case in cases.cases("short")
    }


def test_every_planted_bug_is_caught(reproduction: Checkout) -> None:
    records = summary(reproduction, "mutants")
    survived = {(r["mutant"], r["framework"]): r["note"] for r in records if not r["killed"]}
    assert survived == {}
    frameworks = {r["framework"] for r in records}
    assert frameworks == {r["framework"] for r in summary(reproduction, "runs")} - {"numpy"}
    for framework in frameworks:
        planted = [r["mutant"] for r in records if r["framework"] == framework]
        assert planted == [mutant.name for mutant in MUTANTS]
    assert len(MUTANTS) >= AT_LEAST
    assert all(r["control_passed"] and r["note"] is None for r in records)
    assert all(r["by"]["tensor"] and r["by"]["step"] >= 1 for r in records)


def test_progress_is_told_in_a_plain_log(reproduction: Checkout) -> None:
    lines = re.findall(r"^\[ *(\d+) %\] (\d+) of (\d+) jobs done, .+$", reproduction.said, re.M)
    assert lines
    assert int(lines[-1][1]) == int(lines[-1][2])
    shares = [int(share) for share, *_ in lines]
    assert shares == sorted(shares)
    assert shares[-1] == 100


def test_nothing_is_left_to_do(reproduction: Checkout) -> None:
    done = reproduction.run(["budget=smoke"], more=["--dry-run"])
    assert "Nothing to be done" in done.stdout, done.stdout[-3000:]


def test_costs_name_where_they_come_from(reproduction: Checkout) -> None:
    for record in summary(reproduction, "costs"):
        assert record["cpu_seconds"] >= 0
        assert record["peak_memory_mib"] > 10
        assert record["threads"] == 1
    provenance = next(reproduction.path("results/smoke/store").rglob("provenance.json"))
    facts = json.loads(Path(provenance).read_text())
    assert facts["cpu_model"]
    assert facts["versions"]["python"]


def test_the_accounts_wait_for_every_job_that_keeps_one(tmp_path: Path) -> None:
    """Else it would be a matter of chance whose CPU time is in them."""
    checkout = Checkout(tmp_path / "quatuor")
    done = checkout.run(["budget=smoke"], more=["--dry-run", "results/smoke/accounts.csv"])
    assert done.returncode == 0, done.stdout[-3000:]
    planned = set(re.findall(r"^(\w+) +\d+$", done.stdout, re.MULTILINE))
    keepers = {"search", "runs_shared_1", "lockstep", "mutants", "atlas", "throughput"}
    assert planned == {"dataset", *keepers, "accounts", "total"}
