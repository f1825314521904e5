"""Training loops, the same for every framework: they call update() and measure in between.

Not-a-number is a result: a run that diverges stops early, is kept, and is judged as diverged.
"""

import functools
import itertools
import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from bench import contract, dataset, weights
from bench.claim import Job, Outcome
from bench.contract import INFERENCE, Arrays, Update
from bench.dataset import Precision, Prepared
from bench.randomness import batch_order, stream
from bench.rows import Rows
from bench.spec import Spec
from bench.systems import System, system_for

EVALUATION_BATCH = 250  # one shape for every evaluation, so that it is compiled once
TRAIN = "train"  # the name of the update that fit() calls


@functools.lru_cache(maxsize=2)
def _kept(name: str, seed: int, data_dir: Path | None, normalize: bool) -> Prepared:
    return dataset.prepare(name, seed, data_dir, normalize)


def prepared(job: Job, name: str = "mnist5k", normalize: bool = True) -> Prepared:
    """The split of a job's seed, kept for the next arms of the seed: nobody writes into it."""
    return _kept(name, job.seed, job.data_dir, normalize)


@dataclass(frozen=True)
class Arrival:
    """At which step a training reached its target.

    steps: not-a-number where it diverged before; where it never got there, all its steps: that it
    takes more than these is all that is known.
    """

    steps: float
    reached: bool

    def metrics(self) -> dict[str, float]:
        """For a claim that declares censored={"log2_steps": "reached"}."""
        return {"log2_steps": math.log2(self.steps), "reached": float(self.reached)}


@dataclass
class Fit:
    """What a training run left behind: the objective of every step, before that step.

    first_step_seconds: wall time of the first one, with its compilation and its batch.
    """

    losses: list[float] = field(default_factory=list)
    diverged: bool = False
    first_step_seconds: float = 0.0

    def final(self, window: int = 20) -> float:
        """Mean loss of the last steps; not-a-number where the run diverged."""
        return math.nan if self.diverged else float(np.mean(self.losses[-window:]))

    def steps_to(self, target: float, window: int = 10) -> Arrival:
        """The first step at which the mean loss of the last `window` is at most `target`.

        The last step counts like any other; what came after the arrival, a divergence too, does
        not.
        """
        for step in range(window, len(self.losses) + 1):
            if at_most(self.losses[step - window : step], target):
                return Arrival(float(step), reached=True)
        return Arrival(math.nan if self.diverged else float(len(self.losses)), reached=False)

    def curve(self, **identity: float | str) -> list[dict[str, float | str]]:
        """A row a step, for Outcome.series or Outcome.curve."""
        return [{**identity, "step": n, "loss": loss} for n, loss in enumerate(self.losses, 1)]


def at_most(losses: Sequence[float], target: float) -> bool:
    """Whether the mean of some losses is at most the target; with one that is not finite, never."""
    return all(map(math.isfinite, losses)) and math.fsum(losses) / len(losses) <= target


def fit(
    system: System,
    batches: Iterable[Arrays],
    rate: float | Callable[[int], float],
    report: Callable[[int], None] | None = None,
) -> Fit:
    """Call update("train") on every batch; stop where the objective is no longer finite.

    rate: the learning rate, or a schedule: a function of the step, counted from 0. report is called
    after every step, with their number so far. Raises UserError for batches that do not fit the
    net: before the first step, where they are rows of a data set.
    """
    found, before = Fit(), time.perf_counter()
    for step, loss in enumerate(system.steps(TRAIN, batches, rate), 1):
        found.losses.append(loss)
        if step == 1:
            found.first_step_seconds = time.perf_counter() - before
        if report:
            report(step)
        if not math.isfinite(loss):
            found.diverged = True
            break
    return found


def batches(
    data: Prepared, seed: int, batch_size: int, steps: int, dtype: Precision = "float32"
) -> Rows:
    """So many batches in the order of the seed, epoch after epoch.

    dtype: what the system computes in. A batch in float32 takes half the time, and is what staging
    would make of one in float64. Whoever computes with the images before it stages them is to ask
    for float64, and has them as they were prepared.
    """
    examples = len(data.train_y)
    orders = (batch_order(seed, epoch, examples, batch_size) for epoch in itertools.count())
    chosen = itertools.islice(itertools.chain.from_iterable(orders), steps)
    return Rows(data.images(dtype), data.train_y, chosen)


def drawn(data: Prepared, seed: int, batch_size: int, steps: int) -> Rows:
    """So many batches of images drawn with replacement, for what is counted in steps to a loss.

    No batch depends on the weights that meet it, so that its mean loss is at every step an unbiased
    estimate of the training loss L(w_t). In an order that runs through the images it is not: those
    of the first epoch are new to the weights, those of the second are not, so that the loss of the
    batches falls by a step where an epoch begins, and whatever is near a target there crosses it
    at once. In float32, as of batches().
    """
    examples = len(data.train_y)
    chosen = (
        stream(seed, "drawn batches", step).integers(examples, size=batch_size)
        for step in range(steps)
    )
    return Rows(data.images("float32"), data.train_y, chosen)


def masked(
    spec: Spec, seed: int, given: Iterator[Arrays], purpose: str = "dropout"
) -> Iterator[dict[str, np.ndarray]]:
    """The batches with the dropout masks of a spec: 1 with the layer's probability of keeping."""
    keep: Mapping[str, float] = spec.options["keep"]
    for step, batch in enumerate(given):
        masks = {
            f"dropout/{name}": (
                stream(seed, f"{purpose}/{name}", step).random(
                    (len(batch["x"]), *spec.inputs[f"dropout/{name}"])
                )
                < probability
            ).astype(np.float32)
            for name, probability in keep.items()
        }
        yield {**batch, **masks}


def train_classifier(job: Job, spec: Spec, update: Update, dataset_name: str) -> Outcome:
    """Train on the split of this seed, test after every epoch.

    Settings read: epochs, batch_size, learning_rate, and steps (stop early; None: do not).
    The last epoch's test is the metric: no epoch is chosen by its test.
    """
    settings = job.settings
    data = prepared(job, dataset_name)
    system = system_for(job, spec, {TRAIN: update})
    system.load(weights.initial(spec, job.seed))
    epoch_steps = len(data.train_y) // settings["batch_size"]
    total = settings["epochs"] * epoch_steps
    total = min(total, settings["steps"] or total)
    evaluations: list[dict[str, float]] = []

    def after(step: int) -> None:
        epoch = -(-step // epoch_steps)
        job.report(step / total, f"epoch {epoch} of {settings['epochs']}")
        if step == total or step % epoch_steps == 0:
            accuracy, loss = test(system, data.test_x, data.test_y)
            evaluations.append(
                {"epoch": epoch, "step": step, "test_accuracy": accuracy, "test_loss": loss}
            )

    given = batches(data, job.seed, settings["batch_size"], total)
    found = fit(system, given, settings["learning_rate"], after)
    curve = tuple(
        {"step": step, "epoch": -(-step // epoch_steps), update.objective: loss}
        for step, loss in enumerate(found.losses, 1)
    )
    return Outcome(
        metrics={"accuracy": math.nan if found.diverged else evaluations[-1]["test_accuracy"]},
        curve=curve,
        evaluations=tuple(evaluations),
        record={"data": data.record, "first_step_seconds": found.first_step_seconds},
    )


def test(system: contract.System, x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Accuracy and mean cross-entropy on held-out examples, computed in float64 from the logits.

    loss = (1/N) sum_n [ log sum_k exp(l_nk) - l_n,y ]

    Both are not-a-number where a logit is not finite: the last step of a training may diverge, and
    no loss was read after it.
    """
    logits = np.concatenate(
        [
            system.evaluate(
                "logits", system.stage({"x": x[start : start + EVALUATION_BATCH]}), INFERENCE
            ).outputs["logits"]
            for start in range(0, len(y), EVALUATION_BATCH)
        ]
    ).astype(np.float64)
    if not np.isfinite(logits).all():
        return math.nan, math.nan
    shifted = logits - logits.max(axis=1, keepdims=True)
    log_sum = np.log(np.exp(shifted).sum(axis=1))
    losses = log_sum - shifted[np.arange(len(y)), y]
    return float((logits.argmax(axis=1) == y).mean()), float(losses.mean())
