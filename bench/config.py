"""The configuration of a reproduction, validated before anything runs.

A budget is a complete file, config/<budget>.yaml; values given on the command line
(snakemake --config claims=[lenet_accuracy]) are laid over it by Snakemake before it comes here.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

import pydantic
import yaml
from pydantic import Field

import implementations
from bench import claim as claims
from bench import dataset as datasets
from bench.claim import Budget
from bench.errors import UserError, unknown
from bench.ranges import POSITIVE, Range
from bench.timing.nets import NETS
from bench.timing.ratios import ROUNDS

Seed = Annotated[int, Field(ge=0, strict=True)]


class Overrides(pydantic.BaseModel):
    """What a configuration changes of a claim's budget; other keys are the claim's settings."""

    model_config = pydantic.ConfigDict(extra="allow", frozen=True)

    seeds: tuple[Seed, ...] | None = None
    own_seeds: Annotated[int, Field(ge=0, strict=True)] | None = None


class Timing(pydantic.BaseModel):
    """What is timed, and how long: bench/timing/throughput.py."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)

    nets: tuple[str, ...] = ()
    rounds: Annotated[int, Field(ge=ROUNDS, strict=True)] = 12
    seconds: Annotated[float, Field(gt=0)] = 0.2  # of a measurement, at least


class Configuration(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)

    budget: Literal["smoke", "standard", "extended"]
    claims: tuple[str, ...] | Literal["all"]
    frameworks: tuple[str, ...] | Literal["all"]
    device: Literal["auto", "cpu", "cuda"]
    threads: Annotated[int, Field(ge=1, strict=True)]
    processes: Literal["claim", "shared", "framework"] = "claim"  # no result depends on it
    data_dir: str | None
    conformance: Literal["short", "full"]
    timing: Timing = Timing()
    settings: Mapping[str, Overrides]

    @pydantic.field_validator("claims", "frameworks", mode="before")
    @classmethod
    def _named(cls, value: Any) -> Any:
        """Raises ValueError for what is neither "all" nor a list that names something."""
        named = isinstance(value, list | tuple) and value and all(isinstance(n, str) for n in value)
        if value != "all" and not named:
            example = value if isinstance(value, str) else "name"
            raise ValueError(f"must be all, or a list that is not empty, e.g. [{example}]")
        return value

    def claim_names(self) -> list[str]:
        """Those that are listed, or all that this budget does not wait to be asked for."""
        if self.claims != "all":
            return list(self.claims)
        return [n for n in claims.names() if not claims.get(n).budgets[self.budget].by_name]

    def framework_names(self) -> list[str]:
        return implementations.names() if self.frameworks == "all" else list(self.frameworks)


def load(raw: Mapping[str, Any]) -> Configuration:
    """Validate a configuration. Raises UserError that lists every mistake, one a line."""
    budget = raw.get("budget", "standard")
    try:
        configuration = Configuration.model_validate(
            {**raw, "settings": _scalars(raw.get("settings"))}
        )
    except pydantic.ValidationError as error:
        lines = [_sentence(problem) for problem in error.errors()]
        raise UserError(_refusal(budget, lines)) from None
    problems = [
        *_unknown("claim", configuration.claim_names(), claims.names()),
        *_unknown("framework", configuration.framework_names(), implementations.names()),
        *_unknown("net to be timed", configuration.timing.nets, list(NETS)),
        *_unknown("claim under settings", configuration.settings, claims.names()),
    ]
    if not problems:
        for name in configuration.claim_names():
            problems += _budget_problems(configuration, name)
    if problems:
        raise UserError(_refusal(budget, problems))
    return configuration


def _scalars(value: Any) -> Any:
    """Snakemake hands nested values of --config over as words: "3" means the number 3."""
    if isinstance(value, Mapping):
        return {key: _scalars(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [_scalars(entry) for entry in value]
    if not isinstance(value, str):
        return value
    try:
        return float(value) if "e" in value.lower() else yaml.safe_load(value)  # YAML lacks 1e-3
    except ValueError:
        return yaml.safe_load(value)


def budget_of(configuration: Configuration, name: str) -> Budget:
    """A claim's budget with the configuration's overrides laid over it."""
    budget = claims.get(name).budgets[configuration.budget]
    override = configuration.settings.get(name)
    if override is None:
        return budget
    extra = override.model_extra or {}
    return dataclasses.replace(
        budget,
        shared=budget.shared if override.seeds is None else override.seeds,
        own=budget.own if override.own_seeds is None else override.own_seeds,
        settings={**budget.settings, **extra},
    )


def _budget_problems(configuration: Configuration, name: str) -> list[str]:
    planned = claims.get(name).budgets[configuration.budget]
    override = configuration.settings.get(name)
    extra = {} if override is None else override.model_extra or {}
    known = ["seeds", "own_seeds", *planned.settings]
    problems = _unknown(f"setting of {name}", extra, known)
    budget = budget_of(configuration, name)
    if len(set(budget.shared)) != len(budget.shared):
        problems.append(f"settings of {name}: repeated seeds in {list(budget.shared)}")
    if not budget.shared and not budget.own:
        problems.append(f"settings of {name}: no seeds at all")
    for key in extra.keys() & planned.settings.keys():
        allowed = claims.get(name).ranges.get(key, POSITIVE)
        problems += _setting_problems(name, key, extra[key], planned.settings[key], allowed)
    if not problems and "batch_size" in budget.settings:
        for data in claims.get(name).datasets_at(budget):
            examples = datasets.get(data).train
            if budget.settings["batch_size"] > examples:
                problems.append(
                    f"settings of {name}: batch_size {budget.settings['batch_size']} is larger "
                    f"than the {examples} training examples of {data}"
                )
    return problems


def _setting_problems(claim: str, key: str, value: Any, default: Any, allowed: Range) -> list[str]:
    """Settings are numbers of the default's kind, in its range; None where the default is None."""
    whole = isinstance(default, int) or default is None
    kinds = (int,) if whole else (int, float)
    if value is None and default is None:
        return []
    if isinstance(value, bool) or not isinstance(value, kinds) or value not in allowed:
        kind = "a whole number" if whole else "a number"
        limits = "greater than 0" if allowed == POSITIVE else f"in {allowed}"
        return [f"settings of {claim}: {key} must be {kind} {limits}, got {value!r}"]
    return []


def _unknown(
    what: str, given: Sequence[str] | Mapping[str, Any], known: Sequence[str]
) -> list[str]:
    problems = [unknown(what, name, known) for name in given if name not in known]
    if len(set(given)) != len(given):
        problems.append(f"repeated {what} in {list(given)}")
    return problems


def _sentence(problem: Any) -> str:
    where = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "extra_forbidden":
        known = list(Configuration.model_fields)
        return _unknown("key", [where], known)[0]
    told = problem["msg"].removeprefix("Value error, ")
    return f"{where}: {told}, got {problem['input']!r}"


def _refusal(budget: Any, problems: Sequence[str]) -> str:
    lines = "\n".join(f"  - {problem}" for problem in dict.fromkeys(problems))
    return f"the configuration (config/{budget}.yaml and --config) is refused:\n{lines}"
