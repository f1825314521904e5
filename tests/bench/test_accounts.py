"""CPU seconds by stage, on a clock that the tests move."""

import csv
import io
from pathlib import Path
from typing import Any

import pytest

from bench import accounts, ledger, store, summaries, systems, weights
from bench.claims import relu_gradient_cost
from bench.contract import INFERENCE, Config, Update
from bench.ledger import BUILDING, DATA, FIRST, IMPORTS, REST, STAGES, STAGING, STEPS, Ledger
from bench.optimizers import sgd
from bench.specs import mlp, single_activation
from implementations.numpy import adapter
from tests.implementations.systems import drawn


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now

    def pass_by(self, seconds: float) -> None:
        self.now += seconds


SPEC = mlp.spec((6,), (5,), 3)


def trained_by_sgd() -> systems.System:
    update = Update("cross_entropy", ("",), sgd())
    system = systems.build(adapter, SPEC, {"train": update}, Config())
    system.load(weights.initial(SPEC, 0))
    return system


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """That of a fresh ledger, which the project's systems write into."""
    found = Clock()
    monkeypatch.setattr(systems, "LEDGER", Ledger(found))
    return found


def spent(book: Ledger) -> dict[str, float]:
    return {stage: seconds for stage, seconds in book.take().items() if seconds}


def test_stages_nest_and_the_innermost_has_the_time() -> None:
    clock = Clock()
    book = Ledger(clock)
    clock.pass_by(1.0)  # from the start of the process: imports
    book.enter(REST)
    with book.during(DATA):
        clock.pass_by(2.0)
        with book.during(STEPS):
            clock.pass_by(4.0)
        clock.pass_by(8.0)
    clock.pass_by(16.0)
    assert spent(book) == {IMPORTS: 1.0, DATA: 10.0, STEPS: 4.0, REST: 16.0}
    clock.pass_by(32.0)
    assert spent(book) == {REST: 32.0}  # what was taken is not told again


def test_what_a_child_spent_is_added_to_what_its_parent_did() -> None:
    clock = Clock()
    book = Ledger(clock)
    clock.pass_by(1.0)
    book.book({STEPS: 4.0, IMPORTS: 2.0})
    book.enter(REST)
    assert spent(book) == {IMPORTS: 3.0, STEPS: 4.0}


def test_an_error_ends_the_stage() -> None:
    clock = Clock()
    book = Ledger(clock)
    book.enter(REST)

    @book.counted(DATA)
    def fail() -> None:
        clock.pass_by(1.0)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    clock.pass_by(2.0)
    assert spent(book) == {DATA: 1.0, REST: 2.0}


def test_only_the_making_of_an_entry_is_counted() -> None:
    clock = Clock()
    book = Ledger(clock)
    book.enter(REST)

    def numbers(count: int):
        for number in range(count):
            clock.pass_by(1.0)
            yield number

    for _ in book.each(DATA, numbers(3)):
        clock.pass_by(10.0)
    assert spent(book) == {DATA: 3.0, REST: 30.0}


def test_no_clock_is_read_within_a_stage() -> None:
    readings = 0

    def clock() -> float:
        nonlocal readings
        readings += 1
        return 0.0

    book = Ledger(clock)
    with book.during(STEPS):
        before = readings
        for _ in range(5):
            former = book.enter(STEPS)
            book.enter(former)
        assert readings == before


def test_every_call_of_a_system_has_its_stage(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each call of the framework's own takes one second."""
    system_type = adapter.System
    for name in ("load", "stage", "update", "evaluate", "read", "export"):
        inner = getattr(system_type, name)

        def slow(self: Any, *given: Any, inner: Any = inner) -> Any:
            clock.pass_by(1.0)
            return inner(self, *given)

        monkeypatch.setattr(system_type, name, slow)
    system = trained_by_sgd()
    small, large = (system.stage(drawn(SPEC, examples)) for examples in (2, 4))
    for batch in (small, small, small, large):
        system.update("train", batch, 0.1)
    system.evaluate("logits", small, INFERENCE)
    system.evaluate("logits", small, INFERENCE)
    system.read()
    system.export()
    assert spent(systems.LEDGER) == {
        STAGING: 4.0,  # load, two batches, export
        FIRST: 3.0,  # an update of each shape, an evaluation
        STEPS: 4.0,  # two updates, an evaluation, a read
    }


def test_steps_are_drawn_and_staged_and_made_and_read(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In one loop, on the accounts that the calls would be on, and with their result."""
    one, other = (trained_by_sgd() for _ in range(2))
    batch = drawn(SPEC, 4)
    for seconds, name in enumerate(("stage", "update", "read"), 1):
        inner = getattr(adapter.System, name)

        def slow(self: Any, *given: Any, inner: Any = inner, seconds: int = seconds) -> Any:
            clock.pass_by(float(seconds))
            return inner(self, *given)

        monkeypatch.setattr(adapter.System, name, slow)
    systems.LEDGER.enter(REST)
    systems.LEDGER.take()

    def made():
        for _ in range(2):
            clock.pass_by(10.0)
            yield batch

    losses = []
    for loss in one.steps("train", made(), 0.1):
        clock.pass_by(100.0)
        losses.append(loss)
    assert spent(systems.LEDGER) == {DATA: 20.0, STAGING: 2.0, FIRST: 5.0, STEPS: 5.0, REST: 200.0}
    expected = []
    for _ in range(2):
        other.update("train", other.stage(batch), 0.1)
        expected.append(sum(other.read().values()))
    assert losses == expected


def test_another_shape_of_batch_is_a_first_step(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    system, update = trained_by_sgd(), adapter.System.update

    def slow(self: Any, *given: Any) -> None:
        clock.pass_by(1.0)
        update(self, *given)

    monkeypatch.setattr(adapter.System, "update", slow)
    given = [drawn(SPEC, examples) for examples in (4, 4, 2, 4, 4, 2)]
    assert len(list(system.steps("train", given, 0.1))) == 6
    assert spent(systems.LEDGER) == {FIRST: 2.0, STEPS: 4.0}


def test_the_rate_may_be_a_schedule(clock: Clock) -> None:
    """Of the step, counted from 0; a step with a rate of 0 leads nowhere."""
    system, batch = trained_by_sgd(), drawn(SPEC, 4)
    rates = (0.0, 0.1, 0.1)
    losses = list(system.steps("train", [batch] * 3, rates.__getitem__))
    assert losses[0] == losses[1] > losses[2]


def test_the_clock_is_read_once_between_two_accounts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Data, staging, steps, and the rest where a loop has something to do after every step."""
    readings = 0

    def clock() -> float:
        nonlocal readings
        readings += 1
        return 0.0

    monkeypatch.setattr(systems, "LEDGER", Ledger(clock))
    system, batch = trained_by_sgd(), drawn(SPEC, 4)
    counts = []
    for stage, boundaries in ((REST, 4), (STEPS, 3)):
        systems.LEDGER.enter(stage)
        for steps in (5, 6):
            before = readings
            assert len(list(system.steps("train", [batch] * steps, 0.1))) == steps
            counts.append(readings - before)
        assert counts[-1] - counts[-2] == boundaries


@pytest.mark.parametrize("left", [False, True])
def test_steps_leave_the_account_as_it_was(clock: Clock, left: bool) -> None:
    """After the last one, and where the loop is left before."""
    system, batch = trained_by_sgd(), drawn(SPEC, 4)
    systems.LEDGER.enter(REST)
    for _ in system.steps("train", [batch] * 3, 0.1):
        assert systems.LEDGER.stage == REST
        if left:
            break
    assert systems.LEDGER.stage == REST


def test_building_is_a_stage_of_its_own(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    def build(*given: Any) -> adapter.System:
        clock.pass_by(1.0)
        return adapter.System(*given)

    monkeypatch.setattr(adapter, "build", build)
    systems.build(adapter, single_activation.spec(3, "relu"), {}, Config())
    assert spent(systems.LEDGER) == {BUILDING: 1.0}


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """Two jobs of one claim, one of them not finished, a search, and a comparison."""
    claim = relu_gradient_cost.CLAIM.name
    jobs = [f"{claim}/numpy", f"{claim}/jax", f"search/{claim}", "conformance/jax"]
    started = {"started": 0.0, "weights": dict.fromkeys(jobs, 1.0)}
    store.write_file(tmp_path / "jobs.json", store.canonical(started))
    plan = [{"claim": claim, "framework": f, "arm": "turns", "seed": 0} for f in ("numpy", "jax")]
    store.write_file(tmp_path / "plan.json", store.canonical(plan))
    tried = [{"arm": "turns", "value": 0.5, "seed": 9001}]
    found = {"framework": "numpy", "tried": tried}
    store.write_file(tmp_path / f"search/{claim}.json", store.canonical(found))
    for framework, name in (("numpy", "turns-0"), ("search", "turns-0.5-9001")):
        costs = {"stages": dict.fromkeys(STAGES, 0.0) | {STEPS: 6.0, DATA: 1.0}}
        files = dict.fromkeys(store.RECORDS, "{}") | {"costs.json": store.canonical(costs)}
        store.write_run(tmp_path / "store" / claim / framework / name, files)
    for job in (jobs[0], jobs[2], jobs[3]):
        ledger.LEDGER.take()
        accounts.close(tmp_path, job, {IMPORTS: 2.0, REST: 1.0})
    return tmp_path


def test_a_job_is_its_runs_and_what_it_spent_beside_them(results: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(summaries.accounted(results))))
    claim = relu_gradient_cost.CLAIM.name
    assert [(row["claim"], row["framework"]) for row in rows] == [
        ("conformance", "jax"),
        (claim, "numpy"),
        (claim, "numpy"),  # the search
    ]
    # Rounded: closing an account takes some milliseconds of this process itself.
    seconds = [{s: round(float(row[s]), 2) for s in (STEPS, DATA, IMPORTS)} for row in rows]
    assert seconds[1:] == [{STEPS: 6.0, DATA: 1.0, IMPORTS: 2.0}] * 2
    assert seconds[0] == {STEPS: 0.0, DATA: 0.0, IMPORTS: 2.0}
    summaries.write(results, "accounts")
    assert (results / "accounts.csv").is_file()


def test_shares_are_of_each_group_and_of_all(results: Path) -> None:
    found = accounts.shares(accounts.rows(results), "framework")
    assert [row["name"] for row in found] == ["numpy", "jax", "all"]
    assert found[0]["inside"] == pytest.approx(12 / 20, rel=0.05)
    assert found[2]["inside"] == pytest.approx(12 / 23, rel=0.05)
    for row in found:
        assert sum(row[stage] for stage in STAGES) == pytest.approx(1.0)
