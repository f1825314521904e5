"""The published check is one command of the README: what it plans, where nothing is there yet."""

import re
import shlex

import pytest

from tests.conftest import ROOT
from tests.workflow.checkout import Checkout

pytestmark = pytest.mark.workflow

COMMAND = re.compile(r"^ +(snakemake .*resnet_cifar10.*)$", re.MULTILINE)


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    return Checkout(tmp_path_factory.mktemp("published") / "quatuor")


def test_the_command_plans_exactly_its_jobs(checkout: Checkout) -> None:
    """As it stands in the README; a dry run asks for no GPU and no images."""
    (line,) = COMMAND.findall((ROOT / "README.md").read_text())
    words = shlex.split(line)
    assert words[:4] == ["snakemake", "--cores", "1", "--config"]
    done = checkout.run(words[4:], cores=1, more=["--dry-run", "--printshellcmds"])
    said = done.stdout.replace("\\\n", " ")
    assert done.returncode == 0, said[-3000:]
    table = re.search(r"Job stats:\n(.*?)\n\n", said, re.DOTALL)
    assert table, said[-3000:]
    counts = dict(re.findall(r"^(\w+) +(\d+)$", table[1], re.MULTILINE))
    assert counts == {
        "dataset": "3",
        "runs": "1",
        "accounts": "1",
        "lockstep": "1",
        "mutants": "1",
        "atlas": "1",
        "conformance_summary": "1",
        "mutants_summary": "1",
        "atlas_summary": "1",
        "throughput_summary": "1",
        "tables": "1",
        "verdicts": "1",
        "report": "1",
        "all": "1",
        "total": "16",
    }
    checked = set(re.findall(r"bench\.dataset --check (\w+)", said))
    assert checked == {"cifar10", "mnist5k", "photographs"}  # two of them are conformance's
    (job,) = re.findall(r"python -m bench\.run .*", said)
    for words in (
        "--device cuda",
        "--claim resnet_cifar10",
        "--framework pytorch",
        "--arms cifar10",
        "--seeds 0 1 2 3 4",
        "--datasets cifar10",
        '"steps": 64000',
        '"batch_size": 128',
        '"learning_rate": 0.1',
        '"weight_decay": 0.0001',
        '"depth": 20',
    ):
        assert words in job
