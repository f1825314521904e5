"""How heavy each job is, from what it cost before: the weights of the progress estimate.

Where one process computes several jobs, its imports are counted with the first.
"""

import csv
from collections.abc import Iterator
from typing import TYPE_CHECKING

from bench import store
from bench.closure import ROOT

if TYPE_CHECKING:
    from bench.plan import Plan

TIMING = "throughput/together"  # the job that times all nets, in all frameworks
# CPU seconds of every job on the machine of the published figures; no rule writes this file.
REFERENCE = ROOT / "results" / "reference" / "jobs.csv"


def jobs(plan: "Plan") -> Iterator[str]:
    """The jobs that report progress, under the names they report it with."""
    for claim in plan.claims:
        if claim in plan.searched:
            yield f"search/{claim}"
        for framework in plan.frameworks:
            yield f"{claim}/{framework}"
    for framework in plan.judged_frameworks:
        yield f"conformance/{framework}"
        yield f"mutants/{framework}"
    for framework in plan.atlas_frameworks:
        yield f"atlas/{framework}"
    if plan.nets:
        yield TIMING


def weights(plan: "Plan") -> dict[str, float]:
    """CPU seconds each job took here, or on the reference machine, or the mean of the others."""
    known = reference(plan.budget)
    for job in jobs(plan):
        path = plan.results / "progress" / f"{job.replace('/', '.')}.json"
        note = store.read(path) if path.is_file() else {}
        if note.get("fraction") == 1.0 and note.get("kept") == 0.0:
            known[job] = note["cpu_seconds"]
    planned = list(jobs(plan))
    seen = [known[job] for job in planned if job in known]
    usual = sum(seen) / len(seen) if seen else 1.0
    return {job: known.get(job, usual) for job in planned}


def priorities(plan: "Plan") -> dict[str, float]:
    """The heaviest process first, so that it does not run alone at the end; all that wait for one
    count with it.
    """
    heavy, groups = weights(plan), plan.groups()
    own = {group.name: sum(heavy[job] for job in group.jobs) for group in groups}
    behind = {group.name: 0.0 for group in groups}
    for search in filter(lambda group: group.searches, groups):
        waiting = (g for g in groups if not g.searches and set(g.claims) & set(search.claims))
        behind[search.name] = max(own[group.name] for group in waiting)
    heavy |= {name: weight + behind[name] for name, weight in own.items()}
    return {**heavy, "data": sum(heavy.values())}


def reference(budget: str) -> dict[str, float]:
    if not REFERENCE.is_file():
        return {}
    with REFERENCE.open(newline="") as handle:
        rows = [row for row in csv.DictReader(handle) if row["budget"] == budget]
    return {row["job"]: float(row["cpu_seconds"]) for row in rows}
