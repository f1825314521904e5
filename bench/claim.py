"""What a claim is: a sentence of the deck, an experiment, and a rule fixed before its runs.

One claim is one file of bench/claims/, found by listing the folder. The file holds

    CLAIM: Claim                      the sentence, the arms, the budgets, the hypotheses
    def run(job: Job) -> Outcome      one arm, one seed, one framework; called by bench.run

A hypothesis is what is decided (bench/hypothesis.py). Those with role "claim" make up the deck's
sentence; those with role "mended" test a corrected formula and go to the page of errata; they do
not save a wrong sentence.
"""

import dataclasses
import hashlib
import importlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

from bench.errors import ContractError, UserError, unknown
from bench.hypothesis import Bound, Equivalent, Hypothesis, Within
from bench.ranges import Range

BUDGETS = ("smoke", "standard", "extended")


@dataclass(frozen=True)
class Erratum:
    """A formula that is wrong as printed. Formulas are written in Unicode text."""

    printed: str
    mended: str
    why: str
    refuted_by: str  # name of the hypothesis that tests the printed form
    supported_by: str  # name of the hypothesis that tests the mended form


@dataclass(frozen=True)
class Search:
    """One setting of every arm, chosen before the runs by a grid of equal size for each.

    Searched once, in one framework, on seeds that no run uses again; the choice serves all four,
    which conformance makes the same experiment. `metric` is the smaller the better, and comes from
    training alone: nothing is chosen by what it is judged on. Raises ContractError where the grids
    differ in size.
    """

    grid: Mapping[str, tuple[float, ...]]  # arm -> increasing values
    metric: str
    seeds: tuple[int, ...] = (9001, 9002)
    setting: str = "learning_rate"

    def __post_init__(self) -> None:
        if len({len(values) for values in self.grid.values()}) != 1:
            raise ContractError("every arm is searched over a grid of the same size")


@dataclass(frozen=True)
class Figure:
    """A picture on the claim's page, drawn from what the runs wrote.

    `series` is "curve", or a name in Outcome.series, or "runs" for the metrics themselves. A line
    for each `hue`, mean over seeds and frameworks with a band from the lowest to the highest.
    kind "filters" draws the series as small pictures: rows (filter, row, column, value). kind
    "maps" draws scenes and what was found in them, of one seed and framework: rows of
    bench/samples.py, and the names of their classes.
    """

    series: str
    caption: str
    x: str = "step"
    y: str = "loss"
    hue: str = "arm"
    log: Literal["", "x", "y", "xy"] = ""
    kind: Literal["line", "filters", "maps"] = "line"
    classes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Budget:
    """Seeds and settings of one budget.

    `shared` seeds are run by every framework, `own` is how many further seeds each framework has
    for itself (disjoint, so that they add power), counted from `first_own`: a design that replaces
    another takes seeds that the other has not seen. `settings` are numbers the claim's run() reads;
    the configuration may override them by name. `by_name`: "claims: all" leaves the claim out at
    this budget, and only a list that names it computes it.
    """

    shared: tuple[int, ...]
    own: int
    settings: Mapping[str, Any] = field(default_factory=dict)
    arms: tuple[str, ...] | None = None  # of the claim's; None: all
    datasets: tuple[str, ...] | None = None  # of the claim's; None: all
    first_own: int = 0
    by_name: bool = False


@dataclass(frozen=True)
class Claim:
    """Raises ContractError for a rule that cannot be decided on a metric that may be censored."""

    name: str  # the file's name
    title: str
    topic: str
    deck: str  # the deck's sentence, in French, as printed
    translation: str
    compared: str  # prose: what is compared with what, and how
    arms: Mapping[str, str]  # arm -> one line on what it is
    metrics: Mapping[str, str]  # metric -> what it is, with its unit
    hypotheses: tuple[Hypothesis, ...]
    budgets: Mapping[str, Budget]
    architectures: tuple[str, ...]  # names in bench/specs; their files are inputs of the job
    datasets: tuple[str, ...] = ()
    errata: tuple[Erratum, ...] = ()
    techniques: tuple[str, ...] = ()  # files of techniques/ that run() calls by name
    clocked: tuple[str, ...] = ()  # metrics of a clock: no seed determines them
    # Metric -> the metric that is 1 where a run arrived, and less where the first one is not its
    # value but a bound of it: the horizon of a training that did not reach its target.
    censored: Mapping[str, str] = field(default_factory=dict)
    search: Search | None = None
    figures: tuple[Figure, ...] = ()
    ranges: Mapping[str, Range] = field(default_factory=dict)  # of settings, beyond greater than 0
    judged_at: tuple[str, ...] = ("standard", "extended")  # budgets that give verdicts

    def __post_init__(self) -> None:
        for hypothesis in self.hypotheses:
            rule = hypothesis.rule
            if rule.metric in self.censored and isinstance(rule, Bound | Equivalent | Within):
                raise ContractError(
                    f"{self.name}: {type(rule).__name__} needs values, and {rule.metric} may be "
                    "censored: state the rule as AtLeast, Difference or Same"
                )

    def arms_at(self, budget: Budget) -> list[str]:
        return [arm for arm in self.arms if budget.arms is None or arm in budget.arms]

    def datasets_at(self, budget: Budget) -> list[str]:
        return [d for d in self.datasets if budget.datasets is None or d in budget.datasets]

    def rule_hash(self) -> str:
        """A digest of every hypothesis, written into each run before it starts."""
        hypotheses = [
            {"kind": type(h.rule).__name__, **dataclasses.asdict(h)} for h in self.hypotheses
        ]
        text = json.dumps(hypotheses, sort_keys=True, ensure_ascii=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Job:
    """One run, as a claim's run() sees it."""

    framework: str
    adapter: ModuleType  # implementations.<framework>.adapter: environment, build
    arm: str
    seed: int
    settings: Mapping[str, Any]
    device: Literal["auto", "cpu", "cuda"]
    threads: int
    data_dir: Path | None  # where downloads are kept; None: the user's cache folder
    report: Callable[[float, str], None]  # report(fraction of this run done, what is running)


@dataclass(frozen=True)
class Outcome:
    """What one run found. Not-a-number is a result: a diverged run is kept and judged as such."""

    metrics: Mapping[str, float]
    curve: tuple[Mapping[str, float], ...] = ()  # one row a step
    evaluations: tuple[Mapping[str, float], ...] = ()  # one row an epoch
    series: Mapping[str, Sequence[Mapping[str, float | str]]] = field(default_factory=dict)
    record: Mapping[str, Any] = field(default_factory=dict)  # whatever explains the run, JSON-able


def names() -> list[str]:
    """The claims, by listing their folder."""
    folder = Path(__file__).parent / "claims"
    return sorted(path.stem for path in folder.glob("*.py") if path.stem != "__init__")


def module(name: str) -> ModuleType:
    """The file of a claim: has CLAIM and run(). Raises UserError for a name that is no claim."""
    if name not in names():
        raise UserError(unknown("claim", name, names()))
    return importlib.import_module(f"bench.claims.{name}")


def get(name: str) -> Claim:
    """Raises UserError for a name that is no claim, or not that of its file."""
    described: Claim = module(name).CLAIM
    if described.name != name:
        raise UserError(f"bench/claims/{name}.py holds name={described.name!r}: make it {name!r}")
    return described
