"""What one process of the reproduction computes: one job, or several of a framework.

A job is one claim in one framework, or the search of one claim. Every process imports its framework
anew, which takes longer than a few steps of training: where jobs are that short, one process
computes several, one after another (bench/sharing.py, bench/jobs.py). Everything else about a job
stays its own: its runs, index, progress and fingerprints.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bench import claim as claims
from bench import config

if TYPE_CHECKING:
    from bench.plan import Plan


@dataclass(frozen=True)
class Share:
    """Claims that a rule of the workflow computes: in one process, or in one each.

    number: counts the processes that claims share; 0 where each has its own.
    """

    claims: tuple[str, ...]
    number: int = 0

    @property
    def label(self) -> str:
        """What a process is called by, in the name of its log."""
        return f"shared_{self.number}" if self.number else "{claim}"

    @property
    def rule(self) -> str:
        return f"runs_{self.label}" if self.number else "runs"

    @property
    def written(self) -> tuple[str, ...]:
        """Whose files one process writes: a wildcard, or all of these claims."""
        return self.claims if self.number else ("{claim}",)

    @property
    def pattern(self) -> str:
        """What the wildcard may stand for."""
        return "|".join(self.claims)

    def of(self, wildcards: Any) -> tuple[str, ...]:
        """The claims of the process of these wildcards."""
        return self.claims if self.number else (wildcards.claim,)


def shares(processes: Iterable[tuple[str, ...]]) -> list[Share]:
    """The rules that compute the claims of these processes."""
    alone = tuple(claims[0] for claims in processes if len(claims) == 1)
    shared = (claims for claims in processes if len(claims) > 1)
    found = [Share(claims, number) for number, claims in enumerate(shared, 1)]
    return [Share(alone), *found] if alone else found


@dataclass(frozen=True)
class Group:
    """Claims in one framework, computed or searched by one process."""

    plan: "Plan"
    framework: str
    claims: tuple[str, ...]
    searches: bool = False

    @property
    def jobs(self) -> list[str]:
        """The names under which they report progress."""
        if self.searches:
            return [f"search/{claim}" for claim in self.claims]
        return [f"{claim}/{self.framework}" for claim in self.claims]

    @property
    def name(self) -> str:
        return ", ".join(self.jobs)

    @property
    def sources(self) -> list[str]:
        return _all(self.plan.sources(claim, self.framework) for claim in self.claims)

    @property
    def data(self) -> list[str]:
        return self.plan.data_files(_all(map(self.plan.claim_datasets, self.claims)))

    @property
    def choices(self) -> list[str]:
        """What was searched before the runs of these claims."""
        return [self.plan.choice(claim) for claim in self.claims if claims.get(claim).search]

    @property
    def cores(self) -> int:
        """Of the process. One that reads a clock has the machine for itself, where it is judged by
        it: Snakemake cuts the number down to all cores that there are."""
        clocked = any(claims.get(claim).clocked for claim in self.claims)
        return 10_000 if clocked and self.plan.budget != "smoke" else 1

    @property
    def arguments(self) -> str:
        """The command line, as a person would type it: what holds for all, then a line a job."""
        configuration = self.plan.configuration
        words = ["--framework", self.framework, "--results", str(self.plan.results)]
        words += ["--device", configuration.device, "--threads", str(configuration.threads)]
        if configuration.data_dir:
            words += ["--data-dir", f"'{configuration.data_dir}'"]
        return " \\\n    ".join([" ".join(words), *map(self._job, self.claims)])

    def _job(self, claim: str) -> str:
        """The words of one job."""
        plan, described = self.plan, claims.get(claim)
        budget = config.budget_of(plan.configuration, claim)
        words = ["--claim", claim, "--arms", *described.arms_at(budget)]
        words += ["--datasets", *plan.claim_datasets(claim)]
        words += ["--settings", f"'{json.dumps(dict(budget.settings))}'"]
        if self.searches:
            assert described.search, "the plan searches only where the claim says so"
            # Where nothing is judged, one seed proves the path.
            seeds = described.search.seeds[: 1 if plan.budget == "smoke" else None]
            return " ".join([*words, "--seeds", *map(str, seeds), "--out", plan.choice(claim)])
        own = [run.seed for run in plan.runs(claim, self.framework) if not run.shared]
        words += ["--seeds", *map(str, budget.shared)] if budget.shared else []
        words += ["--own-seeds", *map(str, dict.fromkeys(own))] if own else []
        words += ["--choice", plan.choice(claim)] if described.search else []
        return " ".join([*words, "--index", plan.index(claim, self.framework)])


def _all(lists: Iterable[list[str]]) -> list[str]:
    return sorted({entry for each in lists for entry in each})
