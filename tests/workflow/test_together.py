"""Several claims of a framework in one process: each is kept, resumed, judged and blamed on its
own."""

import json
import os
import shlex
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from bench.plan import Plan
from tests.workflow.checkout import UNTIMED, Checkout, kill_group, wait_for

pytestmark = pytest.mark.workflow

FIRST, LONG, LAST = "convolution_gradient", "lenet_accuracy", "max_pool_gradient"
CLAIMS = (FIRST, LONG, LAST)
LONGER = {LONG: {"seeds": [0, 1, 2, 3], "steps": 5}}  # a second or two each: to be hit in between
CONFIG = (
    "budget=smoke",
    UNTIMED,
    "frameworks=[numpy]",
    f"claims=[{','.join(CLAIMS)}]",
    f"settings={json.dumps(LONGER)}",
)
RUN = "def run(job: Job) -> Outcome:\n"
DEFECT = f"{RUN}    1 / 0\n"
UNDECLARED = f"{RUN}    importlib.import_module('bench.specs.lenet')\n"


@pytest.fixture(scope="module")
def apart(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What the same claims give with a process each."""
    checkout = Checkout(tmp_path_factory.mktemp("apart") / "quatuor")
    done = checkout.run([*CONFIG, "processes=claim"])
    assert done.returncode == 0, done.stdout[-3000:]
    return tables(checkout)


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path / "quatuor")


def tables(checkout: Checkout) -> dict[str, bytes]:
    indexes = [f"results/smoke/runs/{claim}/numpy.csv" for claim in CLAIMS]
    names = ("results/smoke/runs.csv", "results/smoke/verdicts.json", *indexes)
    return {name: checkout.path(name).read_bytes() for name in names}


def costs(checkout: Checkout, claim: str) -> dict[str, bytes]:
    """By run: the same bytes where it was kept, others where it was computed again."""
    home = checkout.path(f"results/smoke/store/{claim}/numpy")
    return {path.parent.name: path.read_bytes() for path in sorted(home.glob("*/costs.json"))}


def by_hand() -> Iterator[str]:
    """The command of the process, as the workflow calls it."""
    raw = yaml.safe_load(Path("config/smoke.yaml").read_text())
    planned = Plan({**raw, "frameworks": ["numpy"], "claims": list(CLAIMS), "settings": {}})
    yield from shlex.split(planned.running("numpy").arguments.replace("\\\n", ""))


def test_killed_between_two_claims_and_again(
    checkout: Checkout, apart: dict[str, bytes], tmp_path: Path
) -> None:
    """The tables are those of a process a claim; the same command may look at what is there."""
    process = checkout.start(CONFIG, tmp_path / "log")
    wait_for(lambda: "lenet-0" in costs(checkout, LONG), process)
    os.killpg(process.pid, signal.SIGSTOP)
    told = checkout.python("bench.progress", "results/smoke").stdout
    assert "1 of 3 jobs done" in told
    assert f"{LONG}/numpy: " in told
    assert f"{LAST}/numpy" not in told
    where = ("--results", "results/smoke", "--out", "reports/smoke", "--afresh")
    assert checkout.python("bench.report", *where).returncode == 0
    assert "1 of 4 runs" in checkout.path(f"reports/smoke/claims/{LONG}.html").read_text()
    kill_group(process, signal.SIGKILL)
    assert checkout.half_written() == []
    kept = {claim: costs(checkout, claim) for claim in CLAIMS}
    assert kept[FIRST]
    assert not kept[LAST]
    done = checkout.run(CONFIG)
    assert done.returncode == 0, done.stdout[-3000:]
    assert tables(checkout) == apart
    for claim in CLAIMS:
        assert costs(checkout, claim).items() >= kept[claim].items()


def test_a_defect_in_one_claim_loses_nothing_of_the_others(
    checkout: Checkout, apart: dict[str, bytes]
) -> None:
    checkout.edit(f"bench/claims/{LONG}.py", RUN, DEFECT)
    done = checkout.run(CONFIG)
    assert done.returncode != 0
    assert f"quatuor: {LONG} failed in numpy:\nTraceback" in done.stdout
    assert f"1 of 3 claims failed in numpy, all others were computed: {LONG}" in done.stdout
    kept = {claim: costs(checkout, claim) for claim in (FIRST, LAST)}
    assert all(kept.values())
    checkout.edit(f"bench/claims/{LONG}.py", DEFECT, RUN)
    done = checkout.run(CONFIG)
    assert done.returncode == 0, done.stdout[-3000:]
    assert {claim: costs(checkout, claim) for claim in (FIRST, LAST)} == kept
    assert tables(checkout) == apart


def test_the_indexes_of_all_others_are_written(checkout: Checkout) -> None:
    checkout.edit(f"bench/claims/{FIRST}.py", RUN, DEFECT)
    done = checkout.python("bench.run", *by_hand())
    assert done.returncode == 1
    written = {path.parent.name for path in checkout.path("results/smoke/runs").glob("*/*.csv")}
    assert written == {LONG, LAST}


def test_what_a_claim_before_it_declared_is_not_declared_for_the_next(checkout: Checkout) -> None:
    """The spec of the LeNet is there already when the last claim loads it, and yet it is found."""
    text = checkout.path(f"bench/claims/{LAST}.py").read_text()
    edited = text.replace(RUN, UNDECLARED).replace("\nimport ", "\nimport importlib\nimport ", 1)
    assert edited.count("importlib") == 2
    checkout.path(f"bench/claims/{LAST}.py").write_text(edited)
    done = checkout.python("bench.run", *by_hand())
    assert done.returncode == 1
    assert "loaded, but not an input of this job: bench/specs/lenet.py" in done.stdout
    assert f"1 of 3 claims failed in numpy, all others were computed: {LAST}" in done.stdout
    assert checkout.path(f"results/smoke/runs/{LONG}/numpy.csv").is_file()
    assert not checkout.path(f"results/smoke/runs/{LAST}/numpy.csv").exists()


def test_an_edit_of_one_claim_computes_no_other_again(checkout: Checkout) -> None:
    assert checkout.run(CONFIG).returncode == 0
    before = {claim: costs(checkout, claim) for claim in CLAIMS}
    checkout.edit(f"bench/claims/{LAST}.py", RUN, f"# An edit.\n{RUN}")
    looked = checkout.run(CONFIG, more=["--dry-run"]).stdout
    assert f"Updated input files: bench/claims/{LAST}.py" in looked
    done = checkout.run(CONFIG)
    assert done.returncode == 0, done.stdout[-3000:]
    after = {claim: costs(checkout, claim) for claim in CLAIMS}
    assert [claim for claim in CLAIMS if after[claim] != before[claim]] == [LAST]
    # Nor does another way to share the work out.
    assert checkout.run([*CONFIG, "processes=claim"]).returncode == 0
    assert {claim: costs(checkout, claim) for claim in CLAIMS} == after


def test_short_claims_share_a_process_and_a_clock_has_its_own(
    checkout: Checkout, apart: dict[str, bytes]
) -> None:
    """Other claims in the process make no difference to what it finds, to the last bit."""
    clocked = "relu_gradient_cost"
    names = f"claims=[{FIRST},{clocked},{LAST}]"
    config = ["budget=smoke", UNTIMED, "frameworks=[numpy]", names, "processes=shared"]
    indexes = [f"results/smoke/runs/{claim}/numpy.csv" for claim in (FIRST, clocked, LAST)]
    done = checkout.run(config, more=indexes)
    assert done.returncode == 0, done.stdout[-3000:]
    logs = checkout.path("results/smoke/logs/runs").glob("*.log")
    assert {log.name for log in logs} == {f"{clocked}-numpy.log", "shared_1-numpy.log"}
    for name in set(indexes) & apart.keys():
        assert checkout.path(name).read_bytes() == apart[name]
    before = {claim: costs(checkout, claim) for claim in (FIRST, clocked, LAST)}
    checkout.edit(f"bench/claims/{LAST}.py", RUN, f"# An edit.\n{RUN}")
    done = checkout.run(config, more=indexes)
    assert done.returncode == 0, done.stdout[-3000:]
    after = {claim: costs(checkout, claim) for claim in before}
    assert [claim for claim in before if after[claim] != before[claim]] == [LAST]
