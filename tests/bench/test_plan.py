"""What a reproduction will do, and how heavy it is taken to be."""

import itertools
import re
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from bench import claim as claims
from bench import config, costs, dataset, plan, store, summaries
from bench.claim import BUDGETS
from bench.closure import ROOT
from bench.errors import UserError
from bench.plan import Plan

SEEDS: dict[str, Any] = {"settings": {"max_pool_gradient": {"seeds": ["0", "1"], "own_seeds": "2"}}}
WAYS = ("claim", "shared", "framework")
ALONE = ("conformance", "mutants", "atlas", "throughput")  # always in a process of their own


def raw(budget: str = "smoke", **changes: Any) -> dict[str, Any]:
    return {**yaml.safe_load((ROOT / f"config/{budget}.yaml").read_text()), **changes}


@pytest.mark.parametrize("budget", BUDGETS)
def test_every_budget_is_a_complete_file(budget: str) -> None:
    planned = Plan(raw(budget))
    assert planned.budget == budget
    left_out = {name for name in claims.names() if claims.get(name).budgets[budget].by_name}
    assert planned.claims == [name for name in claims.names() if name not in left_out]
    assert left_out == ({"resnet_cifar10"} if budget == "extended" else set())
    assert planned.results == Path("results") / budget


def test_a_claim_that_waits_to_be_asked_for_is_computed_where_it_is_named() -> None:
    planned = Plan(raw("extended", claims=["resnet_cifar10"], frameworks=["pytorch"]))
    assert planned.claims == ["resnet_cifar10"]
    runs = [(run.arm, run.seed) for run in planned.runs("resnet_cifar10", "pytorch")]
    assert runs == [("cifar10", seed) for seed in range(5)]


def test_budgets_share_no_folder() -> None:
    plans = [Plan(raw(budget)) for budget in BUDGETS]
    assert len({p.results for p in plans}) == len({p.reports for p in plans}) == len(BUDGETS)


def test_a_larger_budget_has_more_arms_seeds_and_data() -> None:
    standard, extended = Plan(raw("standard")), Plan(raw("extended"))
    for name in extended.claims:
        runs = [{(r.arm, r.seed) for r in p.runs(name, "numpy")} for p in (standard, extended)]
        assert len({seed for _, seed in runs[0]}) <= len({seed for _, seed in runs[1]})
        assert {arm for arm, _ in runs[0]} <= {arm for arm, _ in runs[1]}
    assert {r.arm for r in standard.runs("lenet_accuracy", "numpy")} == {"lenet"}
    assert {r.arm for r in extended.runs("lenet_accuracy", "numpy")} == {"lenet", "fashion"}
    assert "fashion_mnist" not in standard.datasets
    assert set(extended.datasets) == {"fashion_mnist", *standard.datasets}


def test_arms_and_data_of_a_budget_are_the_claims() -> None:
    for name in claims.names():
        described = claims.get(name)
        for name_of_budget, budget in described.budgets.items():
            assert set(budget.arms or ()) <= described.arms.keys()
            assert set(budget.datasets or ()) <= set(described.datasets)
            rules = [h.rule for h in described.hypotheses]
            judged = {arm for r in rules for arm in (r.arm, getattr(r, "baseline", r.arm))}
            if name_of_budget in described.judged_at:
                assert judged <= set(described.arms_at(budget))


def test_own_seeds_are_disjoint_from_all_others() -> None:
    planned = Plan(raw(**SEEDS))
    own = {
        f: {r.seed for r in planned.runs("max_pool_gradient", f) if not r.shared}
        for f in planned.frameworks
    }
    assert all(len(seeds) == 2 for seeds in own.values())
    assert len(set().union(*own.values())) == 2 * len(own)
    assert min(set().union(*own.values())) >= 1000


@pytest.mark.parametrize("changes", [{}, {"settings": {"optimizers": {"own_seeds": 3}}}])
def test_a_design_that_replaces_another_takes_seeds_of_its_own(changes: dict[str, Any]) -> None:
    """Laid over or not: optimizers' first design had each framework's own seeds 0 and 1."""
    planned = Plan(raw("standard", **changes))
    runs = planned.runs("optimizers", "numpy")
    count = 3 if changes else 2
    own = sorted({run.seed for run in runs if not run.shared})
    assert own == [plan.own_seed("numpy", index) for index in range(2, 2 + count)]
    assert {run.seed for run in runs if run.shared} == {10}


def test_shared_seeds_come_first_and_are_everybodys() -> None:
    planned = Plan(raw(**SEEDS))
    for framework in planned.frameworks:
        runs = planned.runs("max_pool_gradient", framework)
        arms = len(claims.get("max_pool_gradient").arms)
        assert [r.seed for r in runs[: 2 * arms]] == [0] * arms + [1] * arms
        assert all(r.shared for r in runs[: 2 * arms])


@pytest.mark.parametrize("key", ["claims", "frameworks"])
@pytest.mark.parametrize("value", ["lenet_accuracy", [], 3, [3], None])
def test_names_are_a_list_that_is_not_empty_or_all(key: str, value: Any) -> None:
    with pytest.raises(UserError, match=f"{key}: must be all, or a list that is not empty"):
        config.load(raw(**{key: value}))


def test_settings_of_the_command_line_are_numbers_again() -> None:
    given = {"lenet_accuracy": {"epochs": "3", "learning_rate": "1e-2", "seeds": ["4"]}}
    configuration = config.load(raw("standard", settings=given))
    budget = config.budget_of(configuration, "lenet_accuracy")
    assert (budget.settings["epochs"], budget.shared) == (3, (4,))
    assert budget.settings["learning_rate"] == pytest.approx(0.01)
    assert budget.settings["batch_size"] == 64


def test_all_mistakes_are_told_together() -> None:
    wrong = raw(claims=["lenet_acuracy"], frameworks=["numpy", "numpy"])
    with pytest.raises(UserError) as refusal:
        config.load(wrong)
    assert "did you mean lenet_accuracy?" in str(refusal.value)
    assert "repeated framework" in str(refusal.value)


def test_a_jobs_inputs_are_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    planned = Plan(raw())
    sources = planned.sources("max_pool_gradient", "pytorch")
    assert "bench/claims/max_pool_gradient.py" in sources
    assert "implementations/pytorch/architectures/single_max_pool.py" in sources
    assert "bench/claims/lenet_accuracy.py" not in sources
    assert not [s for s in sources if s.startswith("implementations/jax")]
    before = planned.versions("pytorch")
    monkeypatch.setattr(plan, "installed", lambda name: "0.0")
    assert planned.versions("pytorch") != before


def test_a_data_set_that_a_budget_leaves_out_is_no_input() -> None:
    fashion = "bench/datasets/fashion_mnist.py"
    for budget, taken in (("standard", False), ("extended", True)):
        planned = Plan(raw(budget))
        assert (fashion in planned.sources("lenet_accuracy", "numpy")) == taken
        words = planned.running("numpy", "lenet_accuracy").arguments.split()
        assert ("fashion_mnist" in words) == taken


@pytest.mark.parametrize("name", summaries.SUMMARIES)
def test_a_summary_depends_on_what_computes_and_checks_it(name: str) -> None:
    sources = Plan(raw()).summary_sources(name)
    assert {"bench/summaries.py", f"bench/schemas/{name}.json"} <= set(sources)
    rules = "".join(path.read_text() for path in (ROOT / "bench/rules").glob("*.smk"))
    assert re.search(rf'sources=plan\.summary_sources\([^)]*"{name}"', rules)


@pytest.mark.parametrize("module", [claims, dataset])
def test_a_copied_file_that_kept_its_name_is_refused(
    module: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = SimpleNamespace(CLAIM=claims.get("adam_epsilon"), DATASET=dataset.get("cifar10"))
    for place in ("claims", "datasets"):
        monkeypatch.setitem(sys.modules, f"bench.{place}.copied", held)
    monkeypatch.setattr(module, "names", lambda: ["copied"])
    with pytest.raises(UserError, match=r"copied\.py holds name='.*': make it 'copied'"):
        module.get("copied")


@pytest.mark.parametrize("processes", WAYS)
@pytest.mark.parametrize("budget", BUDGETS)
def test_every_job_is_computed_by_exactly_one_process(budget: str, processes: str) -> None:
    planned = Plan(raw(budget, processes=processes))
    jobs = sorted(j for j in costs.jobs(planned) if j.split("/")[0] not in ALONE)
    assert sorted(job for group in planned.groups() for job in group.jobs) == jobs


def test_short_jobs_of_a_framework_share_a_process_and_long_ones_do_not() -> None:
    for budget, shared in (("smoke", {True}), ("standard", {False, True}), ("extended", {False})):
        runs = [group for group in Plan(raw(budget)).groups() if not group.searches]
        assert {len(group.claims) > 1 for group in runs} == shared
    assert [group.framework for group in Plan(raw()).groups()][1:] == Plan(raw()).frameworks


@pytest.mark.parametrize("processes", WAYS)
def test_a_process_is_asked_for_what_its_rule_promises(processes: str) -> None:
    names = ["adam_epsilon", "batch_norm_cost", "max_pool_gradient", "optimizers"]
    planned = Plan(raw("standard", processes=processes, claims=names))
    assert planned.searched == ["optimizers"]
    for group in planned.groups():
        option, path = ("--out", planned.choice) if group.searches else ("--index", planned.index)
        words = group.arguments.split()
        told = [b for a, b in itertools.pairwise(words) if a == option]
        more = () if group.searches else (group.framework,)
        assert told == [path(claim, *more) for claim in group.claims]
        assert [b for a, b in itertools.pairwise(words) if a == "--claim"] == list(group.claims)
        assert words.count("--framework") == 1
    written = {share.rule: share.written for share in planned.shares}
    assert (
        written
        == {
            "claim": {"runs": ("{claim}",)},
            "shared": {
                "runs": ("{claim}",),
                "runs_shared_1": ("adam_epsilon", "max_pool_gradient"),
            },
            "framework": {"runs_shared_1": tuple(names)},
        }[processes]
    )
    for share in planned.shares:
        for claim in share.claims if share.number == 0 else share.claims[:1]:
            group = planned.process(share, SimpleNamespace(framework="jax", claim=claim))
            assert group in planned.groups()
            assert re.fullmatch(share.pattern, claim)
    assert planned.searches.written == (
        ("{claim}",) if processes != "framework" else ("optimizers",)
    )


def test_a_process_has_the_inputs_of_all_its_jobs() -> None:
    planned = Plan(raw(claims=["optimizers", "max_pool_gradient"]))
    group = planned.running("jax")
    for claim in planned.claims:
        assert set(planned.sources(claim, "jax")) <= set(group.sources)
    assert "bench/claims/lenet_accuracy.py" not in group.sources
    assert group.data == [str(planned.results / "data/mnist5k.json")]
    assert group.choices == planned.choices == [str(planned.results / "search/optimizers.json")]


def test_a_search_that_nothing_is_judged_by_is_short() -> None:
    seeds = claims.get("optimizers").search.seeds  # type: ignore[union-attr]
    assert len(seeds) > 1
    for budget, taken in (("smoke", seeds[:1]), ("standard", seeds), ("extended", seeds)):
        words = Plan(raw(budget)).searching("optimizers").arguments
        assert f"--seeds {' '.join(map(str, taken))} --out" in words


def test_a_clock_is_read_on_a_machine_that_is_left_alone() -> None:
    for budget, alone in (("smoke", False), ("standard", True)):
        planned = Plan(raw(budget))
        assert (planned.running("numpy", "batch_norm_cost").cores > 1) == alone
        assert planned.running("numpy", "optimizers").cores == 1


@pytest.mark.parametrize("processes", WAYS)
def test_what_waits_for_a_process_counts_with_it(
    monkeypatch: pytest.MonkeyPatch, processes: str
) -> None:
    planned = Plan(raw(processes=processes))
    known = {**dict.fromkeys(costs.jobs(planned), 1.0), "optimizers/jax": 500.0}
    monkeypatch.setattr(costs, "reference", lambda budget: dict(known))
    monkeypatch.setattr(planned, "results", Path("nowhere"))
    priorities, groups = costs.priorities(planned), planned.groups()
    assert priorities["data"] > max(priorities[group.name] for group in groups)
    heavy = next(g for g in groups if "optimizers/jax" in g.jobs)
    # All that a process computes, which makes it heavier than any other that computes runs.
    assert priorities[heavy.name] == 499 + len(heavy.claims)
    assert priorities[heavy.name] == max(priorities[g.name] for g in groups if not g.searches)
    search = next(g for g in groups if g.searches and "optimizers" in g.claims)
    assert priorities[search.name] == len(search.claims) + priorities[heavy.name]


def test_jobs_weigh_what_they_took_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    planned = Plan(raw(claims=["lenet_accuracy", "max_pool_gradient"]))
    planned.results = tmp_path
    job = "lenet_accuracy/numpy"
    monkeypatch.setattr(costs, "reference", lambda budget: dict.fromkeys(costs.jobs(planned), 7.0))
    usual = costs.weights(planned)
    assert usual.keys() == set(costs.jobs(planned))
    note = {"fraction": 1.0, "kept": 0.0, "cpu_seconds": 123.0}
    store.write_file(tmp_path / "progress/lenet_accuracy.numpy.json", store.canonical(note))
    assert costs.weights(planned) == {**usual, job: 123.0}
    # What an earlier attempt had done in part says nothing of the whole.
    note["kept"] = 0.5
    store.write_file(tmp_path / "progress/lenet_accuracy.numpy.json", store.canonical(note))
    assert costs.weights(planned) == usual


def test_a_job_that_nobody_measured_weighs_the_mean(monkeypatch: pytest.MonkeyPatch) -> None:
    planned = Plan(raw("extended"))
    monkeypatch.setattr(costs, "reference", lambda budget: {"lenet_accuracy/numpy": 60.0})
    assert set(costs.weights(planned).values()) == {60.0}


def test_one_job_times_all_nets() -> None:
    planned = Plan(raw("standard", frameworks=["numpy", "jax"]))
    words = planned.timing_arguments().split()
    asked = words[words.index("--nets") + 1 : words.index("--frameworks")]
    assert planned.timings == [f"results/standard/throughput/{net}.json" for net in asked]
    assert words[words.index("--out") + 1] == "results/standard/throughput"
    sources = set(planned.timing_sources())
    for net in ("mlp", "lenet", "vgg", "resnet", "segnet"):
        assert net in asked
        assert {f"bench/specs/{net}.py", f"implementations/jax/architectures/{net}.py"} <= sources
    assert "bench/timing/forks.py" in sources
    assert not [path for path in sources if path.startswith("implementations/pytorch")]


def test_where_no_net_is_timed_there_is_no_such_job() -> None:
    timed, untimed = Plan(raw()), Plan(raw(timing={"nets": []}))
    assert set(costs.jobs(timed)) - set(costs.jobs(untimed)) == {costs.TIMING}
    assert untimed.timings == []
