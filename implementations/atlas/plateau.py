"""Schedules that watch a metric: what counts as progress, and how long they wait for it."""

from types import SimpleNamespace
from typing import Any

import numpy as np

from implementations.atlas.row import Answer, row

METRICS = [1.0, 0.5, 0.49995, 0.4, 0.4, 0.4, 0.39995, 0.3, 0.2, 0.3, 0.3, 0.3]


def plateau(framework: str, metrics: list[float], **constants: Any) -> np.ndarray:
    """The rate after each metric, from 1, halved on a plateau."""
    seen: list[float] = []
    if framework == "pytorch":
        import torch

        optimizer = torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], lr=1.0)
        watch = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.5, **constants)
        for metric in metrics:
            watch.step(metric)
            seen.append(optimizer.param_groups[0]["lr"])
    elif framework == "tensorflow":
        import keras

        model: Any = SimpleNamespace(optimizer=keras.optimizers.SGD(1.0))
        watch = keras.callbacks.ReduceLROnPlateau(mode="min", factor=0.5, **constants)
        watch.set_model(model)
        watch.on_train_begin()
        for epoch, metric in enumerate(metrics):
            watch.on_epoch_end(epoch, {"val_loss": metric})
            seen.append(float(np.asarray(model.optimizer.learning_rate)))
    else:
        import jax
        from optax.contrib import reduce_on_plateau

        watch = reduce_on_plateau(factor=0.5, **constants)
        state, one = watch.init(np.ones(1)), np.ones(1)
        update = jax.jit(lambda state, metric: watch.update(one, state, value=metric))
        for metric in metrics:
            scaled, state = update(state, metric)
            seen.append(float(np.asarray(scaled)[0]))
    return np.array(seen)


def plateau_reference() -> np.ndarray:
    """Halve at the second metric in a row that is no better than the best by more than 1e-4."""
    rate, best, bad, seen = 1.0, np.inf, 0, []
    for metric in METRICS:
        best, bad = (metric, 0) if metric < best - 1e-4 else (best, bad + 1)
        if bad == 2:
            rate, bad = rate / 2, 0
        seen.append(rate)
    return np.array(seen)


ABSOLUTE = {
    "pytorch": {"patience": 1, "threshold": 1e-4, "threshold_mode": "abs"},
    "tensorflow": {"patience": 2, "min_delta": 1e-4},
    "jax": {"patience": 2, "rtol": 0.0, "atol": 1e-4},
}
ABSOLUTE_RECIPE = {
    "pytorch": 'ReduceLROnPlateau(o, threshold_mode="abs", threshold=d, patience=n - 1)',
    "tensorflow": "ReduceLROnPlateau(min_delta=d, patience=n)",
    "jax": "optax.contrib.reduce_on_plateau(rtol=0, atol=d, patience=n)",
}


@row(
    "O20",
    "whether a loss that falls from 0.0001 by 5% each time is a plateau",
    pinned={"pytorch": False, "tensorflow": True, "jax": False},
    reference=plateau_reference,
)
def plateau_threshold(framework: str) -> Answer:
    """1e-4 is a fraction of the best loss, in Keras a difference: small losses are all plateau."""
    falling = [1e-4 * 0.95**epoch for epoch in range(8)]
    reduced = bool(plateau(framework, falling, patience=3)[-1] < 1)
    aligned = plateau(framework, METRICS, **ABSOLUTE[framework])
    return Answer(reduced, ABSOLUTE_RECIPE[framework], aligned)


@row(
    "O33",
    "metrics without improvement until a patience of 2 ends",
    pinned={"pytorch": 3, "tensorflow": 2, "jax": 2},
    decimals=0,
    reference=plateau_reference,
)
def patience(framework: str) -> Answer:
    """PyTorch waits for one more than the patience."""
    waited = int(np.argmax(plateau(framework, [1.0] * 8, patience=2) < 1))
    aligned = plateau(framework, METRICS, **ABSOLUTE[framework])
    return Answer(waited, ABSOLUTE_RECIPE[framework], aligned)
