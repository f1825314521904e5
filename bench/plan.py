"""What a reproduction will do, known before it starts: frameworks, runs, jobs.

The Snakefile asks here and holds no logic of its own.
"""

import itertools
import subprocess
import sys
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import claim as claims
from bench import closure, config, dataset, sharing
from bench.closure import ROOT
from bench.errors import UserError
from bench.groups import Group, Share, shares
from bench.packages import installed, package, version, versions
from bench.timing.gate import TRIALS
from bench.timing.nets import NETS
from implementations.atlas.row import MODULES

SCHEMA_VERSION = 1
CONFORMANCE_ARCHITECTURES = ("convnet", "lenet", "mlp", "preprocessing", "resnet", "segnet", "vgg")
CONFORMANCE_DATASETS = ("mnist5k", "photographs")


@dataclass(frozen=True)
class Run:
    claim: str
    framework: str
    arm: str
    seed: int
    shared: bool


def own_seed(framework: str, index: int) -> int:
    """A framework's own seeds: disjoint from other frameworks' and from the small shared ones."""
    return 1000 * (1 + zlib.crc32(framework.encode()) % 10_000) + index


class Plan:
    """The configuration, expanded."""

    def __init__(self, raw: Mapping[str, Any]) -> None:
        self.configuration = config.load(raw)
        self.budget = self.configuration.budget
        self.results = Path("results") / self.budget
        # The standard report is the front page; other budgets have a folder of their own.
        self.reports = (
            Path("reports") if self.budget == "standard" else Path("reports") / self.budget
        )
        self.frameworks = [n for n in self.configuration.framework_names() if installed(n)]
        self.claims = self.configuration.claim_names()
        if not self.frameworks:
            raise UserError("none of the frameworks asked for is installed: pip install '.[cpu]'")
        self.datasets = sorted({d for name in self.claims for d in self.claim_datasets(name)})
        if "numpy" in self.frameworks:
            self.datasets = sorted({*self.datasets, *CONFORMANCE_DATASETS})

    def claim_datasets(self, claim: str) -> list[str]:
        """Those that a claim reads at this budget."""
        return claims.get(claim).datasets_at(config.budget_of(self.configuration, claim))

    @property
    def judged_frameworks(self) -> list[str]:
        """Frameworks that are compared with the NumPy reference."""
        return [name for name in self.frameworks if name != "numpy"]

    def framework_records(self) -> list[dict[str, Any]]:
        """frameworks.json: which columns there are, and why one is missing."""
        records = []
        for name in self.configuration.framework_names():
            version, needs = installed(name), package(name)
            reason = None if version else f"{needs} is not installed (pip install '.[cpu]')"
            records.append(
                {
                    "schema_version": SCHEMA_VERSION,
                    "framework": name,
                    "package": needs,
                    "available": version is not None,
                    "version": version,
                    "reason": reason,
                }
            )
        return records

    def runs(self, claim: str, framework: str) -> list[Run]:
        """Every (arm, seed) of one job, in the order in which they are computed."""
        budget = config.budget_of(self.configuration, claim)
        seeds = [(seed, True) for seed in budget.shared]
        seeds += [(own_seed(framework, budget.first_own + i), False) for i in range(budget.own)]
        arms = claims.get(claim).arms_at(budget)
        return [Run(claim, framework, arm, seed, shared) for seed, shared in seeds for arm in arms]

    def all_runs(self) -> list[Run]:
        return [run for c in self.claims for f in self.frameworks for run in self.runs(c, f)]

    def sources(self, claim: str, framework: str) -> list[str]:
        """The files that compute a job's result, relative to the root."""
        datasets = self.claim_datasets(claim)
        return closure.closure(closure.job_modules(claims.get(claim), framework, datasets))

    def conformance_sources(self, framework: str) -> list[str]:
        compared = (CONFORMANCE_ARCHITECTURES, CONFORMANCE_DATASETS)
        return closure.closure(closure.conformance_modules(framework, *compared))

    def conformance_data(self) -> list[str]:
        """The descriptions of the data sets that the lock-step runs on."""
        return self.data_files(CONFORMANCE_DATASETS)

    def mutant_sources(self, framework: str) -> list[str]:
        modules = ("tests.meta.kill", f"tests.meta.mutants.{framework}")
        return sorted({*closure.closure(modules), *self.conformance_sources(framework)})

    @property
    def atlas_frameworks(self) -> list[str]:
        """Those that the atlas has a column for."""
        return [name for name in self.judged_frameworks if name in MODULES]

    def atlas_sources(self) -> list[str]:
        return closure.closure(closure.atlas_modules())

    def atlas_versions(self, framework: str) -> str:
        """Of the framework, and of the libraries beside it that rows ask."""
        beside = MODULES[framework][1:]
        told = (f"{name} {version(name)}" for name in beside)
        return ", ".join((self.versions(framework), *told))

    @property
    def timings(self) -> list[str]:
        """What the job writes that times the nets, a file each."""
        return [str(self.results / "throughput" / f"{net}.json") for net in self.nets]

    @property
    def nets(self) -> list[str]:
        """Those that are timed."""
        return list(self.configuration.timing.nets)

    def timing_sources(self) -> list[str]:
        specs = (NETS[net].make() for net in self.nets)
        roots = (closure.timing_modules(s.architecture, self.frameworks) for s in specs)
        return closure.closure(itertools.chain(*roots))

    def timing_arguments(self) -> str:
        chosen = self.configuration
        words = [f"--nets {' '.join(self.nets)}", f"--frameworks {' '.join(self.frameworks)}"]
        words += [f"--rounds {chosen.timing.rounds}", f"--seconds {chosen.timing.seconds}"]
        words += [f"--threads {chosen.threads}", f"--device {chosen.device}"]
        words += [f"--results {self.results}", f"--out {self.results / 'throughput'}"]
        return " ".join(words)

    def all_versions(self) -> str:
        """Of all that is timed, library forms too: another one is timed anew."""
        names = dict.fromkeys(("numpy", *self.frameworks))
        found = [pair for name in names for pair in versions(name).items()]
        return ", ".join(f"{distribution} {number}" for distribution, number in found)

    def versions(self, framework: str) -> str:
        """Of what computes a job: another one computes it anew."""
        return f"numpy {installed('numpy')}, {package(framework)} {installed(framework)}"

    @property
    def processes(self) -> list[tuple[str, ...]]:
        """The claims of every process that computes runs in a framework."""
        return sharing.processes(self.claims, self.configuration.processes, self.budget)

    @property
    def shares(self) -> list[Share]:
        """What each of the rules that compute runs is there for."""
        return shares(self.processes)

    def running(self, framework: str, *claims: str) -> Group:
        """What one process computes: these claims, or all."""
        return Group(self, framework, claims or tuple(self.claims))

    def process(self, share: Share, wildcards: Any) -> Group:
        """What the process of a rule's wildcards computes."""
        return self.running(wildcards.framework, *share.of(wildcards))

    @property
    def searches(self) -> Share:
        """Searches are in one process where all runs of a framework are, else in one each: what
        waits for one is not to wait for others."""
        return Share(tuple(self.searched), int(self.configuration.processes == "framework"))

    def searching(self, *claims: str) -> Group:
        """What one process searches: these claims, or all."""
        return Group(self, self.searcher, claims or tuple(self.searched), True)

    def groups(self) -> list[Group]:
        """What all processes compute, and search before that."""
        searches = [self.searches.claims] if self.searches.number else [(n,) for n in self.searched]
        runs = [self.running(f, *names) for names in self.processes for f in self.frameworks]
        return [*(self.searching(*names) for names in searches if names), *runs]

    def index(self, claim: str, framework: str) -> str:
        """The table of a job, a row a run."""
        return str(self.results / "runs" / claim / f"{framework}.csv")

    @property
    def indexes(self) -> list[str]:
        return [self.index(claim, f) for claim in self.claims for f in self.frameworks]

    def choice(self, claim: str) -> str:
        """What a claim's search writes."""
        return str(self.results / "search" / f"{claim}.json")

    @property
    def choices(self) -> list[str]:
        return list(map(self.choice, self.searched))

    @property
    def searched(self) -> list[str]:
        return [name for name in self.claims if claims.get(name).search]

    @property
    def searcher(self) -> str:
        """The framework that searches for all: the reference, or the first that is there."""
        return self.frameworks[0]

    def data_arguments(self) -> str:
        directory = self.configuration.data_dir
        return f"--data-dir '{directory}'" if directory else ""

    def check_sources(self) -> None:
        """Refuse before anything runs when a source file of this plan is not Python."""
        for framework in self.frameworks:
            for claim in self.claims:
                self.sources(claim, framework)
        for framework in self.judged_frameworks:
            self.mutant_sources(framework)
        self.timing_sources()
        self.atlas_sources()
        self.report_sources()

    def check_data(self) -> None:
        """Refuse before anything runs when a data set is neither here nor to be had."""
        directory = self.configuration.data_dir
        for name in self.datasets:
            dataset.check(name, Path(directory) if directory else None)

    def check_device(self) -> None:
        """Refuse before anything runs when a framework lacks the device that was asked for."""
        if self.configuration.device != "cuda":
            return
        problems = []
        for name in self.frameworks:
            words = [sys.executable, "-m", "bench.provenance", "--framework", name]
            asked = subprocess.run(
                [*words, "--device", "cuda"], cwd=ROOT, capture_output=True, text=True, check=False
            )
            if asked.returncode != 0:
                problems += asked.stderr.strip().splitlines()[-1:]
        if problems:
            told = "\n".join(f"  - {problem.removeprefix('quatuor: ')}" for problem in problems)
            advice = "set device to auto or cpu, leave the framework out, or install the cuda extra"
            raise UserError(f"{advice}:\n{told}")

    def conformance_arguments(self) -> str:
        words = [f"--length {self.configuration.conformance}", f"--results {self.results}"]
        return " ".join([*words, f"--threads {self.configuration.threads}", self.data_arguments()])

    def data_files(self, datasets: Iterable[str]) -> list[str]:
        """The descriptions of data sets: made when they are there and checked."""
        return [str(self.results / "data" / f"{name}.json") for name in datasets]

    def summary_sources(self, *summaries: str) -> list[str]:
        """What computes some summaries, and the schemas they are checked against."""
        of_runs = ("runs", "costs", "timings", "verdicts")
        claimed = self.claims if set(summaries) & set(of_runs) else []
        modules = closure.closure(("bench.summaries", *(f"bench.claims.{c}" for c in claimed)))
        return [*modules, *(f"bench/schemas/{name}.json" for name in summaries)]

    def report_sources(self) -> list[str]:
        """The report's modules, its templates, and the source files it shows side by side."""
        modules = closure.closure(("bench.report.__main__", "bench.report"))
        folder = ROOT / "bench" / "report"
        shown = [*folder.rglob("*.j2"), *folder.rglob("*.css"), *folder.rglob("*.js")]
        shown += [
            path
            for path in (ROOT / "implementations").rglob("*.py")
            if path.relative_to(ROOT).parts[1] in self.frameworks
        ]
        shown += [path for path in (TRIALS,) if path.is_file()]
        return sorted({*modules, *(str(path.relative_to(ROOT)) for path in shown)})
