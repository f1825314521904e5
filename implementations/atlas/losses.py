"""Losses: what goes in, what is averaged over what, and where a logarithm is cut."""

from typing import Any

import numpy as np

from implementations.atlas._tensors import functions, value
from implementations.atlas.row import Answer, row

LOGITS = np.array([[2.0, 1.0, -1.0], [0.5, 3.0, 1.0]])
LABELS = np.array([0, 2])
ONE_HOT = np.eye(3)[LABELS]
LOG_PROBABILITIES = LOGITS - np.log(np.exp(LOGITS).sum(1, keepdims=True))
LOSSES = -(ONE_HOT * LOG_PROBABILITIES).sum(1)  # one an example


def each(framework: str) -> np.ndarray:
    """Cross-entropy of every example from logits: the spelling on which all agree."""
    if framework == "pytorch":
        from torch import tensor
        from torch.nn.functional import cross_entropy

        return cross_entropy(tensor(LOGITS), tensor(LABELS), reduction="none").numpy()
    if framework == "tensorflow":
        import tensorflow as tf

        return tf.nn.sparse_softmax_cross_entropy_with_logits(LABELS, LOGITS).numpy()
    import optax

    return np.asarray(optax.softmax_cross_entropy_with_integer_labels(LOGITS, LABELS))


RECIPES = {
    "pytorch": 'F.cross_entropy(logits, labels, reduction="none")',
    "tensorflow": "tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)",
    "jax": "optax.softmax_cross_entropy_with_integer_labels(logits, labels)",
}


@row(
    "L1",
    "cross-entropy of logits: 1.273 is the mean over two examples",
    pinned={"pytorch": [1.272873], "tensorflow": [0.752039], "jax": [0.349012, 2.196734]},
    reference=lambda: LOSSES.mean(),
)
def cross_entropy(framework: str) -> Answer:
    """Keras takes the numbers for probabilities and trains without a word; optax takes no mean."""
    if framework == "pytorch":
        import torch

        loss = value(framework, torch.nn.CrossEntropyLoss(), LOGITS, ONE_HOT)
    elif framework == "tensorflow":
        import keras

        loss = np.asarray(keras.losses.CategoricalCrossentropy()(ONE_HOT, LOGITS))
    else:
        import optax

        loss = value(framework, optax.softmax_cross_entropy, LOGITS, ONE_HOT)
    return Answer(loss.ravel().tolist(), f"mean of {RECIPES[framework]}", each(framework).mean())


@row(
    "L2",
    "cross-entropy of a probability of exp(-50)",
    pinned={"pytorch": 50.0, "tensorflow": 16.118096, "jax": None},
    reference=lambda: 50.0,
)
def clipped_cross_entropy(framework: str) -> Answer:
    """From probabilities Keras cuts at 1e-7: the worst examples report 16 and have no gradient."""
    logits = np.array([[0.0, 50.0]])
    if framework == "pytorch":
        import torch

        nll, labels = torch.nn.functional.nll_loss, torch.tensor([0])
        loss = value(framework, lambda x: nll(torch.log(torch.softmax(x, 1)), labels), logits)[()]
        recipe = "F.cross_entropy(logits, labels)"
        aligned = value(framework, lambda x: torch.nn.functional.cross_entropy(x, labels), logits)
    elif framework == "tensorflow":
        import keras
        import tensorflow as tf

        scce = keras.losses.sparse_categorical_crossentropy
        loss = value(framework, lambda x: scce(np.array([0]), tf.nn.softmax(x)), logits)[0]
        recipe = RECIPES[framework]
        aligned = value(framework, lambda x: scce(np.array([0]), x, from_logits=True), logits)[0]
    else:
        import optax

        loss, recipe = None, RECIPES[framework]  # optax takes logits only
        scce = optax.softmax_cross_entropy_with_integer_labels
        aligned = value(framework, lambda x: scce(x, np.array([0])), logits)[0]
    return Answer(loss if loss is None else float(loss), recipe, aligned)


@row(
    "L14",
    "binary cross-entropy of a probability of 0",
    pinned={"pytorch": 100.0, "tensorflow": 16.118096, "jax": None},
    reference=lambda: np.logaddexp(0, -LOGITS),
)
def clipped_binary_cross_entropy(framework: str) -> Answer:
    """A GAN's loss saturates at 100 or at 16.1 on probabilities; on logits it does not."""
    zero, one = np.zeros((1, 1)), np.ones((1, 1))
    ones = np.ones_like(LOGITS)
    if framework == "pytorch":
        import torch.nn.functional as F

        loss = float(value(framework, F.binary_cross_entropy, zero, one))
        recipe = 'F.binary_cross_entropy_with_logits(x, y, reduction="none")'
        aligned = value(
            framework,
            lambda x, y: F.binary_cross_entropy_with_logits(x, y, reduction="none"),
            LOGITS,
            ones,
        )
    elif framework == "tensorflow":
        import keras
        import tensorflow as tf

        loss = float(value(framework, keras.losses.binary_crossentropy, one, zero)[0])
        recipe = "tf.nn.sigmoid_cross_entropy_with_logits(y, x)"
        aligned = value(framework, tf.nn.sigmoid_cross_entropy_with_logits, ones, LOGITS)
    else:
        import optax

        loss, recipe = None, "optax.sigmoid_binary_cross_entropy(x, y)"
        aligned = value(framework, optax.sigmoid_binary_cross_entropy, LOGITS, ones)
    return Answer(loss, recipe, aligned)


@row(
    "L3",
    "mean cross-entropy with class weights 1, 1, 3",
    pinned={"pytorch": 1.734804, "tensorflow": 3.469607, "jax": None},
    reference=lambda: (np.array([1, 3]) * LOSSES).sum() / 4,
)
def class_weights(framework: str) -> Answer:
    """PyTorch divides by the sum of the weights, Keras by the number of examples."""
    weights = np.array([1.0, 1.0, 3.0])
    if framework == "pytorch":
        from torch import nn, tensor

        loss = nn.CrossEntropyLoss(tensor(weights))(tensor(LOGITS), tensor(LABELS)).item()
    elif framework == "tensorflow":
        from keras.losses import SparseCategoricalCrossentropy

        mean = SparseCategoricalCrossentropy(from_logits=True, dtype="float64")
        loss = float(np.asarray(mean(LABELS, LOGITS, sample_weight=weights[LABELS])))
    else:
        loss = None
    m, chosen = functions(framework), weights[LABELS]
    aligned = value(framework, lambda x, w: m.sum(w * x) / m.sum(w), each(framework), chosen)
    return Answer(loss, "sum(w[labels] * losses) / sum(w[labels])", aligned)


@row(
    "L4",
    "cross-entropy with labels smoothed by 0.1",
    pinned={"pytorch": 1.31454, "tensorflow": 1.31454, "jax": 1.31454},
    reference=lambda: -((0.9 * ONE_HOT + 0.1 / 3) * LOG_PROBABILITIES).sum(1).mean(),
)
def label_smoothing(framework: str) -> Answer:
    """All spread the 0.1 over all classes, the right one included."""
    if framework == "pytorch":
        from torch.nn import CrossEntropyLoss

        loss = value(framework, CrossEntropyLoss(label_smoothing=0.1), LOGITS, ONE_HOT)
        recipe = "nn.CrossEntropyLoss(label_smoothing=e)"
    elif framework == "tensorflow":
        from keras.losses import CategoricalCrossentropy

        mean = CategoricalCrossentropy(from_logits=True, label_smoothing=0.1, dtype="float64")
        loss = value(framework, mean, ONE_HOT, LOGITS)
        recipe = 'CategoricalCrossentropy(from_logits=True, label_smoothing=e, dtype="float64")'
    else:
        import optax

        smoothed = np.asarray(optax.smooth_labels(ONE_HOT, 0.1))
        loss = value(framework, optax.softmax_cross_entropy, LOGITS, smoothed).mean()
        recipe = "optax.softmax_cross_entropy(logits, optax.smooth_labels(labels, e)).mean()"
    return Answer(float(loss), recipe, loss)


@row(
    "L13",
    "mean cross-entropy of two examples, the second masked",
    pinned={"pytorch": 0.349012, "tensorflow": 0.174506, "jax": None},
    reference=lambda: LOSSES[0],
)
def masked_mean(framework: str) -> Answer:
    """Padded captions: the mean over all tokens shrinks with the padding."""
    weights = np.array([1.0, 0.0])
    if framework == "pytorch":
        from torch import nn, tensor

        loss = nn.CrossEntropyLoss()(tensor(LOGITS), tensor([0, -100])).item()
    elif framework == "tensorflow":
        from keras.losses import SparseCategoricalCrossentropy

        mean = SparseCategoricalCrossentropy(from_logits=True, dtype="float64")
        loss = float(np.asarray(mean(LABELS, LOGITS, sample_weight=weights)))
    else:
        loss = None
    m = functions(framework)
    aligned = value(framework, lambda x, w: m.sum(w * x) / m.sum(w), each(framework), weights)
    return Answer(loss, "sum(mask * losses) / sum(mask)", aligned)


@row(
    "L16",
    "cross-entropy of a label -1",
    pinned={"pytorch": "IndexError", "tensorflow": "InvalidArgumentError", "jax": "the last class"},
    reference=lambda: LOSSES[0],
)
def negative_label(framework: str) -> Answer:
    """The usual mark for "no object" is trained as the last class in JAX, without an error."""
    labels = np.array([0, -1])
    if framework == "pytorch":
        from torch import tensor
        from torch.nn.functional import cross_entropy as loss

        def asked() -> Any:
            return loss(tensor(LOGITS), tensor(labels), reduction="none")
    elif framework == "tensorflow":
        import tensorflow as tf

        def asked() -> Any:
            return tf.nn.sparse_softmax_cross_entropy_with_logits(labels, LOGITS)
    else:
        from optax import softmax_cross_entropy_with_integer_labels as loss

        def asked() -> Any:
            return loss(LOGITS, labels)

    try:
        last = np.allclose(np.asarray(asked())[1], -LOG_PROBABILITIES[1, -1])
        default = "the last class" if last else "nan"
    except Exception as error:
        default = type(error).__name__
    m = functions(framework)
    mask = (labels >= 0).astype(float)
    aligned = value(framework, lambda x, w: m.sum(w * x) / m.sum(w), each(framework), mask)
    return Answer(default, "any label there, then sum(mask * losses) / sum(mask)", aligned)
