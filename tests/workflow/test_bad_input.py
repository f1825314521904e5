"""A user's mistake: one clear message, an exit code that is not zero, and a tree as it was."""

import json
from pathlib import Path

import pytest

from tests.workflow.checkout import QUICK, UNTIMED, Checkout

pytestmark = pytest.mark.workflow


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    return Checkout(tmp_path_factory.mktemp("bad") / "quatuor")


MISTAKES = {
    "unknown claim": (["claims=[lenet_acuracy]"], "did you mean lenet_accuracy?"),
    "unknown framework": (["frameworks=[torch]"], "unknown framework 'torch'"),
    "repeated framework": (["frameworks=[numpy,numpy]"], "repeated framework"),
    "unknown key": (["fremworks=[numpy]"], "unknown key 'fremworks'; did you mean frameworks?"),
    "unknown budget": (["budget=huge"], "config/huge.yaml"),
    "unknown setting": (
        ["settings={max_pool_gradient: {picures: 3}}"],
        "unknown setting of max_pool_gradient 'picures'",
    ),
    "unknown claim under settings": (["settings={lenet: {epochs: 3}}"], "'lenet'"),
    "negative seed": (["settings={max_pool_gradient: {seeds: [-1]}}"], "max_pool_gradient.seeds.0"),
    "repeated seeds": (
        ["settings={max_pool_gradient: {seeds: [1, 1]}}"],
        "repeated seeds in [1, 1]",
    ),
    "no seeds": (["settings={max_pool_gradient: {seeds: []}}"], "no seeds at all"),
    "seed that is a word": (["settings={max_pool_gradient: {seeds: [one]}}"], "'one'"),
    "zero epochs": (
        ["settings={lenet_accuracy: {epochs: 0}}"],
        "epochs must be a whole number greater than 0, got 0",
    ),
    "negative rate": (
        ["settings={lenet_accuracy: {learning_rate: -0.1}}"],
        "learning_rate must be a number greater than 0",
    ),
    "batch larger than the data": (
        ["settings={lenet_accuracy: {batch_size: 5000}}"],
        "batch_size 5000 is larger than the 4000 training examples of mnist5k",
    ),
    "probability of 1.5": (
        ["settings={dropout_overfitting: {keep_hidden: 1.5}}"],
        "keep_hidden must be a number in (0, 1], got 1.5",
    ),
    "probability of 0": (
        ["settings={dropout_overfitting: {keep_input: 0.0}}"],
        "keep_input must be a number in (0, 1], got 0.0",
    ),
    "a claim without a list": (
        ["claims=lenet_accuracy"],
        "claims: must be all, or a list that is not empty, e.g. [lenet_accuracy]",
    ),
    "no claim": (["claims=[]"], "claims: must be all, or a list that is not empty"),
    "no framework": (["frameworks=[]"], "frameworks: must be all, or a list that is not empty"),
    "no threads": (["threads=0"], "threads"),
    "unknown device": (["device=tpu"], "device"),
    "no such device": (
        ["device=cuda", "frameworks=[pytorch]"],
        "device cuda was asked for, and PyTorch sees no CUDA device",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_refused_before_anything_runs(checkout: Checkout, mistake: str) -> None:
    config, words = MISTAKES[mistake]
    defaults = [] if any(word.startswith("budget") for word in config) else ["budget=smoke"]
    before = checkout.snapshot()
    done = checkout.run([*defaults, *config])
    assert done.returncode != 0
    assert words in done.stdout
    assert "Traceback" not in done.stdout
    assert checkout.snapshot() == before


def test_no_cores_are_refused(checkout: Checkout) -> None:
    before = checkout.snapshot()
    done = checkout.run(cores=0)
    assert done.returncode != 0
    assert "--cores must be a whole number from 1 on, or all; got 0" in done.stdout
    assert checkout.snapshot() == before


@pytest.mark.parametrize("folder", ["results/smoke", "reports/smoke"])
def test_a_file_in_the_place_of_a_folder_is_refused(checkout: Checkout, folder: str) -> None:
    checkout.path(folder).write_text("a file")
    done = checkout.run()
    checkout.path(folder).unlink()
    assert done.returncode != 0
    assert f"{folder} is a file, and a folder is needed there" in done.stdout
    assert "Traceback" not in done.stdout


BY_HAND = {
    "unknown claim": (["run", "--claim", "lenet", "--arms", "x"], "unknown claim 'lenet'"),
    "unknown arm": (
        ["run", "--claim", "lenet_accuracy", "--arms", "lent"],
        "unknown arm of lenet_accuracy 'lent'; did you mean lenet?",
    ),
    "negative seed": (
        ["run", "--claim", "lenet_accuracy", "--arms", "lenet", "--seeds", "-1"],
        "argument --seeds: invalid",
    ),
    "no such folder": (
        ["dataset", "--check", "digits", "--out", "README.md/digits.json"],
        "README.md cannot be made a folder",
    ),
}


@pytest.mark.parametrize("mistake", BY_HAND)
def test_a_mistake_in_a_command_by_hand_is_told(checkout: Checkout, mistake: str) -> None:
    (module, *words), told = BY_HAND[mistake]
    if module == "run":
        words += ["--framework", "numpy", "--results", "results/smoke", "--index", "index.csv"]
    before = checkout.snapshot()
    done = checkout.python(f"bench.{module}", *words)
    assert done.returncode == 2
    assert told in done.stdout
    assert "Traceback" not in done.stdout
    assert checkout.snapshot() == before


BROKEN = {
    "implementations/jax/layers.py": "conformance",
    "tests/meta/mutants/jax.py": "conformance",
    "bench/claims/max_pool_gradient.py": "all",
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_source_that_is_not_python_is_named_with_its_line(checkout: Checkout, name: str) -> None:
    """Looking too: what cannot be read must not pass for what has not changed."""
    text = checkout.path(name).read_text()
    checkout.path(name).write_text(f"def broken(:\n{text}")
    config = ["budget=smoke", UNTIMED, "frameworks=[numpy,jax]", "claims=[max_pool_gradient]"]
    done = checkout.run(config, more=["--dry-run", BROKEN[name]])
    checkout.path(name).write_text(text)
    assert done.returncode != 0
    assert f"{name}:1: invalid syntax" in done.stdout
    assert "Traceback" not in done.stdout


def test_several_mistakes_are_told_together(checkout: Checkout) -> None:
    done = checkout.run(["budget=smoke", "claims=[nothing]", "frameworks=[torch]"])
    assert "'nothing'" in done.stdout
    assert "'torch'" in done.stdout


def test_results_of_another_configuration_are_not_mixed(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path / "quatuor")
    assert checkout.run().returncode == 0
    before = checkout.snapshot()
    done = checkout.run([*QUICK, "threads=2"])
    assert done.returncode != 0
    assert "comes from another configuration (threads is 1 there and 2 here)" in done.stdout
    assert checkout.snapshot() == before


def test_a_folder_that_is_not_ours_is_not_written_into(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path / "quatuor")
    precious = checkout.path("results/smoke/thesis.txt")
    precious.parent.mkdir(parents=True)
    precious.write_text("years of work")
    done = checkout.run()
    assert done.returncode != 0
    assert "holds files but no manifest.json" in done.stdout
    assert [path.name for path in precious.parent.iterdir()] == ["thesis.txt"]


def test_a_missing_framework_is_a_skipped_column(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path / "quatuor")
    checkout.path("implementations/jax/requirements.txt").write_text("no-such-framework==1.0\n")
    config = ["budget=smoke", UNTIMED, "frameworks=[numpy,jax]", "claims=[max_pool_gradient]"]
    done = checkout.run(config)
    assert done.returncode == 0, done.stdout[-3000:]
    records = json.loads(checkout.path("results/smoke/frameworks.json").read_text())
    jax = next(record for record in records if record["framework"] == "jax")
    assert not jax["available"]
    assert "no-such-framework is not installed" in jax["reason"]
    assert ",numpy," in checkout.path("results/smoke/runs.csv").read_text()
    assert (
        "no-such-framework is not installed"
        in checkout.path("reports/smoke/index.html").read_text()
    )


def test_no_framework_at_all_is_refused(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path / "quatuor")
    checkout.path("implementations/jax/requirements.txt").write_text("no-such-framework==1.0\n")
    done = checkout.run(["budget=smoke", "frameworks=[jax]"])
    assert done.returncode != 0
    assert "none of the frameworks asked for is installed" in done.stdout
