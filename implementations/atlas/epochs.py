"""What a loop over an epoch sees and reports."""

from typing import Any

import numpy as np

from implementations.atlas._tensors import functions, value
from implementations.atlas.row import Answer, row

EXAMPLES = np.sin(np.arange(10.0))  # ten, in batches of four
KERNEL = np.array([[1.0], [-2.0]])
BATCH, TARGETS = np.array([[1.0, 2.0], [0.5, -1.0]]), np.array([[0.0], [1.0]])


@row(
    "L11",
    "batches of 4 that 10 examples make",
    pinned={"pytorch": 3, "tensorflow": 3, "jax": None},
    decimals=0,
    reference=lambda: EXAMPLES.mean(),
)
def last_batch(framework: str) -> Answer:
    """The mean of the batches' means weighs the two examples of the last batch double."""
    if framework == "pytorch":
        from torch import tensor
        from torch.utils.data import DataLoader, TensorDataset

        batches = [np.asarray(x) for (x,) in DataLoader(TensorDataset(tensor(EXAMPLES)), 4)]
    elif framework == "tensorflow":
        import tensorflow as tf

        batches = list(tf.data.Dataset.from_tensor_slices(EXAMPLES).batch(4).as_numpy_iterator())
    else:
        batches = np.split(EXAMPLES, [4, 8])  # JAX has no loader
    m = functions(framework)
    sums = [value(framework, lambda x: m.mean(x) * x.shape[0], batch) for batch in batches]
    recipe = "sum(mean * size of the batch) / number of examples, or leave the remainder out"
    return Answer(None if framework == "jax" else len(batches), recipe, sum(sums) / len(EXAMPLES))


@row(
    "L12",
    "what an L2 penalty of 0.1 on a kernel (1, -2) adds to the loss that is reported",
    pinned={"pytorch": None, "tensorflow": 0.5, "jax": None},
    decimals=5,
    reference=lambda: ((BATCH @ KERNEL - TARGETS) ** 2).mean(),
)
def reported_loss(framework: str) -> Answer:
    """Keras adds the penalties of its layers to the loss it prints: its curves lie higher. Layers
    of the others hold none."""
    added = None
    if framework == "tensorflow":
        import keras

        penalty = keras.regularizers.L2(0.1)
        dense = keras.layers.Dense(1, use_bias=False, kernel_regularizer=penalty)
        model = keras.Sequential([dense])
        model.build((None, 2))
        dense.set_weights([KERNEL])
        model.compile(loss="mse", run_eagerly=True)
        guesses = model(BATCH)
        data = ((np.asarray(guesses) - TARGETS) ** 2).mean()
        added = float(np.asarray(model.compute_loss(BATCH, TARGETS, guesses)) - data)
    m = functions(framework)

    def loss(x: Any, w: Any, y: Any) -> Any:
        return m.mean((m.matmul(x, w) - y) ** 2)

    aligned = value(framework, loss, BATCH, KERNEL, TARGETS)
    return Answer(added, "mean((outputs - targets)**2) over the batch, penalties apart", aligned)
