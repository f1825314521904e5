"""The training loop, the same for every framework: it calls update() and measures in between.

Not-a-number is a result: a run that diverges stops early, is kept, and is judged as diverged.
"""

import math
import time

import numpy as np

from bench import dataset, weights
from bench.claim import Job, Outcome
from bench.contract import INFERENCE, System, Update
from bench.randomness import batch_order
from bench.spec import Spec
from bench.systems import system_for

EVALUATION_BATCH = 250  # one shape for every evaluation, so that it is compiled once


def train_classifier(job: Job, spec: Spec, update: Update, dataset_name: str) -> Outcome:
    """Train on the split of this seed, test after every epoch.

    Settings read: epochs, batch_size, learning_rate, and steps (stop early; None: do not).
    The last epoch's test is the metric: no epoch is chosen by its test.
    """
    settings = job.settings
    data = dataset.prepare(dataset_name, job.seed, job.data_dir)
    system = system_for(job, spec, {"train": update})
    system.load(weights.initial(spec, job.seed))
    batch_size, examples = settings["batch_size"], len(data.train_y)
    total = settings["epochs"] * (examples // batch_size)
    total = min(total, settings["steps"] or total)
    curve: list[dict[str, float]] = []
    evaluations: list[dict[str, float]] = []
    first_step_seconds = 0.0
    diverged = False
    for epoch in range(settings["epochs"]):
        for chosen in batch_order(job.seed, epoch, examples, batch_size):
            batch = system.stage({"x": data.train_x[chosen], "y": data.train_y[chosen]})
            before = time.perf_counter()
            system.update("train", batch, settings["learning_rate"])
            terms = system.read()
            if not curve:
                first_step_seconds = time.perf_counter() - before
            curve.append({"step": len(curve) + 1, "epoch": epoch + 1, **terms})
            diverged = not all(math.isfinite(value) for value in terms.values())
            job.report(len(curve) / total, f"epoch {epoch + 1} of {settings['epochs']}")
            if diverged or len(curve) == total:
                break
        accuracy, loss = test(system, data.test_x, data.test_y)
        evaluations.append(
            {"epoch": epoch + 1, "step": len(curve), "test_accuracy": accuracy, "test_loss": loss}
        )
        if diverged or len(curve) == total:
            break
    return Outcome(
        metrics={"accuracy": math.nan if diverged else evaluations[-1]["test_accuracy"]},
        curve=tuple(curve),
        evaluations=tuple(evaluations),
        record={"data": data.record, "first_step_seconds": first_step_seconds},
    )


def test(system: System, x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Accuracy and mean cross-entropy on held-out examples, computed in float64 from the logits.

    loss = (1/N) sum_n [ log sum_k exp(l_nk) - l_n,y ]
    """
    logits = np.concatenate(
        [
            system.evaluate(
                "logits", system.stage({"x": x[start : start + EVALUATION_BATCH]}), INFERENCE
            ).outputs["logits"]
            for start in range(0, len(y), EVALUATION_BATCH)
        ]
    ).astype(np.float64)
    shifted = logits - logits.max(axis=1, keepdims=True)
    log_sum = np.log(np.exp(shifted).sum(axis=1))
    losses = log_sum - shifted[np.arange(len(y)), y]
    return float((logits.argmax(axis=1) == y).mean()), float(losses.mean())
