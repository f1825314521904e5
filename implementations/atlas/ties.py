"""Ties: which of several equal entries is the largest, and which of them gets the gradient."""

from typing import Any

import numpy as np

from implementations.atlas.pooling import window_max
from implementations.atlas.row import Answer, row

TIE = np.zeros((1, 2, 2, 1))  # one window, (N, H, W, C)
LOGITS = np.array([[0.5, 2.0, 2.0, 1.0], [3.0, 0.0, 0.0, 0.0], [0.0, 1.0, 2.0, 3.0]])
LABELS = np.array([2, 3, 0])


def gradient(framework: str, function: Any, x: np.ndarray) -> np.ndarray:
    """Of the sum of function(x)."""
    if framework == "pytorch":
        import torch

        leaf = torch.from_numpy(x.copy()).requires_grad_()
        function(leaf).sum().backward()
        assert leaf.grad is not None
        return leaf.grad.numpy()
    if framework == "tensorflow":
        import tensorflow as tf

        leaf = tf.constant(x)
        with tf.GradientTape() as tape:
            tape.watch(leaf)
            total = tf.reduce_sum(function(leaf))
        return np.asarray(tape.gradient(total, leaf))
    import jax
    import jax.numpy as jnp

    return np.asarray(jax.grad(lambda x: jnp.sum(function(x)))(jnp.asarray(x)))


def window_gradient(framework: str, x: np.ndarray) -> np.ndarray:
    moved = (lambda x: x.movedim(3, 1)) if framework == "pytorch" else (lambda x: x)
    return gradient(framework, lambda x: window_max(framework, moved(x)), x).ravel()


@row(
    "P1",
    "Max pooling of four equal entries: gradient",
    {"pytorch": [1, 0, 0, 0], "tensorflow": [1, 0, 0, 0], "jax": [1, 0, 0, 0]},
    reference=lambda: np.array([1.0, 0, 0, 0]),
)
def tie_gradient(framework: str) -> Answer:
    """Behind a ReLU whole windows are zero: who gets the gradient is no rare question."""
    found = window_gradient(framework, TIE)
    return Answer(found, "the window operation, as it is", found)


@row(
    "P2",
    "Maximum along an axis of four equal entries: gradient",
    {"pytorch": [1, 0, 0, 0], "tensorflow": [0.25] * 4, "jax": [0.25] * 4},
    reference=lambda: np.array([1.0, 0, 0, 0]),
)
def reduced_gradient(framework: str) -> Answer:
    """Pooling written as reshape and max shares the gradient out; the window picks the first."""
    if framework == "pytorch":
        found = gradient(framework, lambda x: x.max(0).values, np.zeros(4))
    elif framework == "tensorflow":
        import tensorflow as tf

        found = gradient(framework, lambda x: tf.reduce_max(x, 0), np.zeros(4))
    else:
        import jax.numpy as jnp

        found = gradient(framework, lambda x: jnp.max(x, 0), np.zeros(4))
    recipe = "pool with the window operation, never by reshape and max"
    return Answer(found, recipe, window_gradient(framework, TIE))


@row(
    "P2a",
    "Maximum of a whole array of four equal entries: gradient",
    {"pytorch": [0.25] * 4, "tensorflow": [0.25] * 4, "jax": [0.25] * 4},
    reference=lambda: np.array([1.0, 0, 0, 0]),
)
def whole_gradient(framework: str) -> Answer:
    """All share it out here, PyTorch too: x.max() and x.max(0) of it differ in one library."""
    if framework == "pytorch":
        found = gradient(framework, lambda x: x.max(), np.zeros(4))
    elif framework == "tensorflow":
        import tensorflow as tf

        found = gradient(framework, tf.reduce_max, np.zeros(4))
    else:
        import jax.numpy as jnp

        found = gradient(framework, jnp.max, np.zeros(4))
    recipe = "one window over everything, where the first shall get it"
    return Answer(found, recipe, window_gradient(framework, TIE))


@row(
    "P9",
    "Argmax of four equal entries",
    {"pytorch": 0, "tensorflow": 0, "jax": 0},
    reference=lambda: LOGITS.argmax(1).astype(float),
)
def argmax_tie(framework: str) -> Answer:
    """All take the first; what the largest k are is another matter."""
    if framework == "pytorch":
        import torch

        found = torch.from_numpy(LOGITS).argmax(1).numpy()
        return Answer(int(torch.zeros(4).argmax()), "as it is", found)
    if framework == "tensorflow":
        import tensorflow as tf

        return Answer(int(tf.argmax(np.zeros(4))), "as it is", tf.argmax(LOGITS, 1).numpy())
    import jax.numpy as jnp

    return Answer(int(jnp.argmax(jnp.zeros(4))), "as it is", np.asarray(jnp.argmax(LOGITS, 1)))


@row(
    "P10",
    "The two largest of four equal entries",
    {"pytorch": [2, 3], "tensorflow": [0, 1], "jax": [0, 1]},
    reference=lambda: np.argsort(-LOGITS, 1, kind="stable")[:, :2].astype(float),
)
def top_k(framework: str) -> Answer:
    """Top-5 accuracy of a net that has learned nothing depends on where the labels lie."""
    if framework == "pytorch":
        import torch

        found = torch.zeros(4).topk(2).indices.sort().values.numpy()
        ordered = torch.sort(torch.from_numpy(LOGITS), dim=1, descending=True, stable=True)
        recipe = "torch.sort(x, descending=True, stable=True).indices[:k]"
        return Answer(found, recipe, ordered.indices[:, :2].numpy())
    if framework == "tensorflow":
        import tensorflow as tf

        found = tf.math.top_k(np.zeros(4), 2).indices.numpy()
        return Answer(found, "as it is", tf.math.top_k(LOGITS, 2).indices.numpy())
    from jax import lax

    found = np.asarray(lax.top_k(np.zeros(4), 2)[1])
    return Answer(found, "as it is", np.asarray(lax.top_k(LOGITS, 2)[1]))


@row(
    "P10t",
    "Top-1: is the label 1 a hit when four classes are equal?",
    {"pytorch": False, "tensorflow": True, "jax": False},
    reference=lambda: np.array([1.0, 0.0, 0.0]),
)
def tied_hits(framework: str) -> Answer:
    """in_top_k counts every tie as a hit: a net of zeros is right on every example."""
    recipe = "count classes above the label: (x > x[label]).sum() < k, ties as hits everywhere"
    if framework == "pytorch":
        import torch

        x, y = torch.from_numpy(LOGITS), torch.from_numpy(LABELS)
        default = bool((torch.zeros(4).topk(1).indices == 1).any())
        above = (x > x.gather(1, y[:, None])).sum(1)
        return Answer(default, recipe, (above < 1).double().numpy())
    if framework == "tensorflow":
        import tensorflow as tf

        default = bool(tf.math.in_top_k([1], np.zeros((1, 4), np.float32), 1)[0])
        own = tf.gather(LOGITS, LABELS, batch_dims=1)[:, None]
        above = tf.reduce_sum(tf.cast(own < LOGITS, tf.int32), 1)
        return Answer(default, recipe, tf.cast(above < 1, tf.float64).numpy())
    import jax.numpy as jnp
    from jax import lax

    x, y = jnp.asarray(LOGITS), jnp.asarray(LABELS)
    above = (x > jnp.take_along_axis(x, y[:, None], 1)).sum(1)
    return Answer(bool((lax.top_k(jnp.zeros(4), 1)[1] == 1).any()), recipe, np.asarray(above < 1))
