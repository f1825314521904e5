"""Losses other than cross-entropy, similarities and penalties: factors, signs and epsilons."""

from typing import Any

import numpy as np

from implementations.atlas._tensors import derivative, functions, value
from implementations.atlas.row import Answer, row

VECTOR = np.array([1.0, -2.0, 3.0])
LOGITS = np.array([[2.0, 1.0, -1.0], [0.5, 3.0, 1.0]])
LABELS = np.array([0, 2])
TARGET, GUESS = np.array([[0.2, 0.8], [0.5, 0.5]]), np.array([[0.6, 0.4], [0.9, 0.1]])
LEFT, RIGHT = np.array([[1.0, 2.0, 0.5]]), np.array([[2.0, 1.0, -1.0]])


@row(
    "L5",
    "the squared-error loss of errors 1, -2, 3",
    pinned={"pytorch": [4.666667], "tensorflow": [7.0], "jax": [0.5, 2.0, 4.5]},
    reference=lambda: (VECTOR**2).mean(),
)
def squared_error(framework: str) -> Answer:
    """Mean, half a sum, or halves: the factor is a factor of the learning rate."""
    zeros = np.zeros(3)
    if framework == "pytorch":
        import torch

        loss = value(framework, torch.nn.functional.mse_loss, VECTOR, zeros)
    elif framework == "tensorflow":
        import tensorflow as tf

        loss = value(framework, tf.nn.l2_loss, VECTOR)
    else:
        import optax

        loss = value(framework, optax.l2_loss, VECTOR, zeros)
    m = functions(framework)
    aligned = value(framework, lambda x, y: m.mean((x - y) ** 2), VECTOR, zeros)
    return Answer(loss.ravel().tolist(), "mean((x - y)**2), written out", aligned)


@row(
    "L15",
    "gradient of an L2 penalty of strength 1 on a weight of 1",
    pinned={"pytorch": 1.0, "tensorflow": 2.0, "jax": 1.0},
    reference=lambda: 0.1 * VECTOR,
)
def l2_penalty(framework: str) -> Answer:
    """Weight decay w of PyTorch and optax is half as strong as Keras's regularizer L2(w)."""
    if framework == "pytorch":
        import torch

        weight = torch.nn.Parameter(torch.ones(1))
        weight.grad = torch.zeros(1)
        torch.optim.SGD([weight], lr=1.0, weight_decay=1.0).step()
        strength = 1 - weight.item()
    elif framework == "tensorflow":
        import keras

        strength = float(derivative(framework, keras.regularizers.L2(1.0), np.ones(1))[0])
    else:
        import optax

        decay, one = optax.add_decayed_weights(1.0), np.ones(1)
        strength = float(np.asarray(decay.update(np.zeros(1), decay.init(one), one)[0])[0])
    m = functions(framework)
    aligned = derivative(framework, lambda w: 0.1 / 2 * m.sum(w * w), VECTOR)
    return Answer(
        strength, "strength / 2 * sum(w * w) in the loss; in Keras L2(strength / 2)", aligned
    )


@row(
    "L6",
    "multi-class hinge loss of one example, three classes",
    pinned={"pytorch": 1.166667, "tensorflow": 3.0, "jax": 3.0},
    reference=lambda: np.array([0.0, 3.5]),
)
def multiclass_hinge(framework: str) -> Answer:
    """All violations over the classes (Weston and Watkins), or the largest one alone (Crammer)."""
    one_hot = np.eye(3)[LABELS]
    if framework == "pytorch":
        import torch

        hinge, labels = torch.nn.functional.multi_margin_loss, torch.tensor(LABELS)
        loss = value(framework, lambda x: hinge(x, labels, reduction="none"), LOGITS)
        relu = torch.relu
    elif framework == "tensorflow":
        import keras

        loss = value(framework, keras.losses.categorical_hinge, one_hot, LOGITS)
        relu = keras.ops.relu
    else:
        import jax
        import optax

        loss = value(framework, lambda x: optax.losses.multiclass_hinge_loss(x, LABELS), LOGITS)
        relu = jax.nn.relu
    m = functions(framework)

    def violations(x: Any, y: Any) -> Any:
        margins = 1 + x - m.sum(x * y, 1)[:, None]
        return m.sum(relu(margins) * (1 - y), 1)

    aligned = value(framework, violations, LOGITS, one_hot)
    return Answer(float(loss[1]), "sum(relu(1 + x - x[label]) * (1 - one_hot))", aligned)


@row(
    "L7",
    "Kullback-Leibler divergence of two examples with two classes",
    pinned={"pytorch": [0.211405], "tensorflow": [0.42281], "jax": [0.334795, 0.510826]},
    reference=lambda: (TARGET * np.log(TARGET / GUESS)).sum(1).mean(),
)
def divergence(framework: str) -> Answer:
    """PyTorch divides by the classes too, and takes log q first; Keras takes p first and no log."""
    if framework == "pytorch":
        import torch

        loss = value(framework, torch.nn.functional.kl_div, np.log(GUESS), TARGET)
        recipe = 'F.kl_div(log_q, p, reduction="batchmean")'
    elif framework == "tensorflow":
        import keras

        loss = np.asarray(keras.losses.KLDivergence(dtype="float64")(TARGET, GUESS))
        recipe = 'keras.losses.KLDivergence(dtype="float64")(p, q), which cuts both at 1e-7'
    else:
        import optax

        loss = value(framework, optax.kl_divergence, np.log(GUESS), TARGET)
        recipe = "mean(optax.kl_divergence(log_q, p))"
    m = functions(framework)
    aligned = value(
        framework, lambda p, q: m.mean(m.sum(p * (m.log(p) - m.log(q)), 1)), TARGET, GUESS
    )
    return Answer(loss.ravel().tolist(), f"mean of sum(p log(p / q)): {recipe}", aligned)


@row(
    "L8",
    "cosine of equal vectors, as the loss gives it",
    pinned={"pytorch": 0.0, "tensorflow": -1.0, "jax": 0.0},
    reference=lambda: 1 - (LEFT @ RIGHT.T)[0] / np.linalg.norm(LEFT) / np.linalg.norm(RIGHT),
)
def cosine(framework: str) -> Answer:
    """Keras's loss is minus the similarity, the others' is one minus it: only gradients agree."""
    if framework == "pytorch":
        import torch

        loss = torch.nn.CosineEmbeddingLoss()(*torch.tensor([LEFT, LEFT]), torch.ones(1)).item()
    elif framework == "tensorflow":
        import keras

        loss = float(np.asarray(keras.losses.cosine_similarity(LEFT, LEFT))[0])
    else:
        import optax

        loss = float(value(framework, optax.cosine_distance, LEFT, LEFT)[0])
    m = functions(framework)

    def aligned(x: Any, y: Any) -> Any:
        return 1 - m.sum(x * y, 1) / m.sqrt(m.sum(x * x, 1) * m.sum(y * y, 1))

    return Answer(
        loss, "1 - sum(x y) / sqrt(sum(x x) sum(y y))", value(framework, aligned, LEFT, RIGHT)
    )


@row(
    "L9",
    "length of a vector of 1e-7 after normalization",
    pinned={"pytorch": 1.0, "tensorflow": 0.1, "jax": None},
    reference=lambda: np.array([1e-7, 0.0]) / np.sqrt(1e-14 + 1e-12),
)
def normalized(framework: str) -> Answer:
    """TensorFlow cuts the square at 1e-12, PyTorch the length: they differ below 1e-6."""
    short = np.array([1e-7, 0.0])
    if framework == "pytorch":
        import torch

        length = float(
            value(framework, lambda x: torch.nn.functional.normalize(x, dim=0), short)[0]
        )
    elif framework == "tensorflow":
        import tensorflow as tf

        length = float(value(framework, tf.math.l2_normalize, short)[0])
    else:
        length = None
    m = functions(framework)
    aligned = value(framework, lambda x: x / m.sqrt(m.sum(x * x) + 1e-12), short)
    return Answer(length, "x / sqrt(sum(x * x) + eps), the same eps in all", aligned)


@row(
    "L10",
    "triplet loss of equal embeddings beyond its margin, in units of 1e-6",
    pinned={"pytorch": 4.0, "tensorflow": None, "jax": 999.75},
    decimals=2,
    reference=lambda: np.sqrt(((LEFT - RIGHT) ** 2).sum(1) + 1e-12),
)
def triplet(framework: str) -> Answer:
    """PyTorch adds 1e-6 to each difference, optax 1e-6 to the square: distances start at 0.001."""
    anchor, far = np.zeros((1, 4)), np.full((1, 4), 1.0)
    if framework == "pytorch":
        import torch

        loss = torch.nn.functional.triplet_margin_loss
        excess = float(value(framework, lambda x, y: loss(x, x, y, margin=10), anchor, far)) - 8
    elif framework == "tensorflow":
        excess = None
    else:
        import optax

        loss = optax.losses.triplet_margin_loss
        excess = float(value(framework, lambda x, y: loss(x, x, y, margin=10), anchor, far)[0]) - 8
    m = functions(framework)
    aligned = value(framework, lambda x, y: m.sqrt(m.sum((x - y) ** 2, 1) + 1e-12), LEFT, RIGHT)
    recipe = "distances as sqrt(sum((x - y)**2) + eps), relu(near - far + margin) over them"
    return Answer(excess if excess is None else excess / 1e-6, recipe, aligned)


@row(
    "L17",
    "smooth L1 (Huber) loss of an error of 3 with its bend at 2",
    pinned={"pytorch": 2.0, "tensorflow": 4.0, "jax": 4.0},
    reference=lambda: np.array([0.5, 2.0, 4.0]),
)
def smooth_l1(framework: str) -> Answer:
    """smooth_l1_loss is Huber's loss divided by its delta: equal at 1, and only there."""
    errors, zeros = np.array([1.0, -2.0, 3.0]), np.zeros(3)
    m = functions(framework)
    if framework == "pytorch":
        from torch.nn.functional import huber_loss, smooth_l1_loss

        loss = value(framework, lambda x, y: smooth_l1_loss(x, y, beta=2.0), errors[2:], zeros[2:])
        recipe = 'F.huber_loss(x, y, delta=d, reduction="none")'
        aligned = value(
            framework, lambda x, y: huber_loss(x, y, reduction="none", delta=2.0), errors, zeros
        )
    elif framework == "tensorflow":
        from keras.losses import huber

        loss = value(framework, lambda x: huber(x, m.zeros_like(x), 2.0), errors[2:])
        recipe = "keras.losses.huber(y, x, delta=d), which takes the mean over the last axis"
        aligned = value(framework, lambda x: huber(x, m.zeros_like(x), 2.0), errors[:, None])
    else:
        import optax

        loss = value(framework, lambda x: optax.huber_loss(x, delta=2.0), errors[2:])
        recipe = "optax.huber_loss(x, y, delta=d)"
        aligned = value(framework, lambda x: optax.huber_loss(x, delta=2.0), errors)
    return Answer(float(loss.ravel()[0]), recipe, aligned)
