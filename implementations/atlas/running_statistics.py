"""Running statistics of batch normalization: what is kept in training for evaluation."""

from typing import Any

import numpy as np

from implementations.atlas.batch_norm import EPSILON, X, evaluated, refused, trained
from implementations.atlas.row import Answer, row


@row(
    "B2",
    "Batch normalization: decay of the running statistics",
    {"pytorch": 0.9, "tensorflow": 0.99, "jax": 0.99},
    reference=lambda: 0.1 * X.mean(0),
)
def decay(framework: str) -> Answer:
    """With 0.99 the statistics need ten times as many steps before evaluation can be trusted."""
    mean = trained(framework, np.array([[0.0], [2.0]]))[1]  # (1 - decay) * 1
    given = 0.1 if framework == "pytorch" else 0.9
    aligned = trained(framework, X, momentum=given)[1]
    return Answer(float(1 - mean[0]), f"momentum={given}", aligned)


@row(
    "B2w",
    "Batch normalization: what momentum=0.9 weighs",
    {"pytorch": "the new value", "tensorflow": "the old value", "jax": "the old value"},
    reference=lambda: 0.1 * X.mean(0),
)
def momentum_word(framework: str) -> Answer:
    """The same word for d and for 1 - d: a copied 0.9 forgets nine tenths at every step."""
    mean = trained(framework, np.array([[0.0], [2.0]]), momentum=0.9)[1][0]
    old = bool(abs(mean - 0.1) < 1e-9)
    given = 0.9 if old else 1 - 0.9
    recipe = "momentum=decay" if old else "momentum=1 - decay"
    aligned = trained(framework, X, momentum=given)[1]
    return Answer("the old value" if old else "the new value", recipe, aligned)


@row(
    "B3",
    "Batch normalization: stored variance over the biased one (4 examples)",
    {"pytorch": 4 / 3, "tensorflow": 1.0, "jax": 1.0},
    reference=lambda: 0.9 + 0.1 * X.var(0),
)
def stored_variance(framework: str) -> Answer:
    """Normalized by one estimator in training and by another in evaluation, n/(n-1) apart."""
    x, n = X[:4], len(X)
    first = 1.0 if framework == "pytorch" else 0.0  # the old statistics weigh nothing
    default = trained(framework, x, momentum=first)[2] / x.var(0)
    if framework == "pytorch":
        kept = trained(framework, X, momentum=0.1)[2]
        aligned = 0.9 + (kept - 0.9) * (n - 1) / n
        recipe = "after each step: v = d*v_old + (v - d*v_old) * (n-1)/n with decay d"
    else:
        aligned = trained(framework, X, momentum=0.9)[2]
        recipe = "as it is; for the unbiased one multiply the new share by n/(n-1)"
    return Answer(float(default[0]), recipe, aligned)


@row(
    "B4",
    "Batch normalization: momentum=None, running mean after batches of mean 1 and 3",
    {"pytorch": 2.0, "tensorflow": "refused (TypeError)", "jax": "refused (TypeError)"},
    reference=lambda: (X[:3].mean(0) + X[3:].mean(0)) / 2,
)
def cumulative(framework: str) -> Answer:
    """In one framework None means the average of all batches, in the others it is a mistake."""
    batches = [np.array([[0.0], [2.0]]), np.array([[2.0], [4.0]])]
    default = refused(lambda: float(trained(framework, *batches, momentum=None)[1][0]))
    if framework == "pytorch":
        aligned = trained(framework, X[:3], X[3:], momentum=None)[1]
        return Answer(default, "momentum=None", aligned)
    means = [trained(framework, batch, momentum=0.0)[1] for batch in (X[:3], X[3:])]
    return Answer(default, "at batch t set momentum = 1 - 1/t", means[0] / 2 + means[1] / 2)


@row(
    "B12",
    "Batch normalization: mean and variance before the first step",
    {"pytorch": [0.0, 1.0], "tensorflow": [0.0, 1.0], "jax": [0.0, 1.0]},
    reference=lambda: X / np.sqrt(1 + EPSILON),
)
def initial(framework: str) -> Answer:
    """All start at 0 and 1 without a bias correction: early evaluation is wrong in the same way."""
    zero = np.zeros((2, 1))
    old_alone = 0.0 if framework == "pytorch" else 1.0
    _, mean, variance = trained(framework, zero, momentum=old_alone)
    return Answer([mean[0], variance[0]], "as it is", evaluated(framework, X))


@row(
    "B16",
    "Batch normalization: running statistics of a float64 layer",
    {"pytorch": "float64", "tensorflow": "float64", "jax": "float32"},
    reference=lambda: 0.9 + 0.1 * X.var(0),
)
def statistics_dtype(framework: str) -> Answer:
    """One library keeps them in float32 whatever the layer: evaluation has seven digits."""
    given = {"momentum": 0.1 if framework == "pytorch" else 0.9}
    if framework != "jax":
        _, mean, variance = trained(framework, X, **given)
        if framework == "pytorch":
            variance = 0.9 + (variance - 0.9) * (len(X) - 1) / len(X)  # B3
        return Answer(str(mean.dtype), "as it is", variance)
    import jax
    from flax import linen

    module = linen.BatchNorm(use_running_average=False, param_dtype=np.float64)
    fresh: Any = module.init(jax.random.key(0), X)
    kept = fresh["batch_stats"]["mean"].dtype
    recipe = "cast variables['batch_stats'] to float64 after init"
    return Answer(str(kept), recipe, trained(framework, X, **given)[2])
