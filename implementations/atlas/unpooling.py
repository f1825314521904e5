"""Unpooling: where a maximum was, and the way back to there."""

from typing import Any

import numpy as np

from implementations.atlas.row import Answer, row

X = np.random.default_rng(5).normal(size=(1, 4, 4, 2))  # (N, H, W, C)
# Two channels whose maxima lie at row 0, column 1 and at row 1, column 0.
TWO = np.array([[[[1.0, 1.0], [2.0, 1.0]], [[1.0, 2.0], [1.0, 1.0]]]])


def windows(x: Any) -> Any:
    """(N, H, W, C) -> (N, H/2, W/2, C, 4): the entries of each 2x2 window, row by row."""
    n, h, w, c = x.shape
    apart = x.reshape(n, h // 2, 2, w // 2, 2, c)
    return apart.transpose(0, 1, 3, 5, 2, 4).reshape(n, h // 2, w // 2, c, 4)


def indices(x: np.ndarray) -> np.ndarray:
    """h*W + w of each window's first maximum, per channel."""
    width, within = x.shape[2], np.argmax(windows(x), -1)
    rows, columns = np.meshgrid(range(x.shape[1] // 2), range(width // 2), indexing="ij")
    h, w = 2 * rows[None, :, :, None] + within // 2, 2 * columns[None, :, :, None] + within % 2
    return h * width + w


def unpooled(x: np.ndarray) -> np.ndarray:
    """Every window's maximum at its place, zeros elsewhere."""
    n, h, w, c = x.shape
    flat, values = np.zeros((n, h * w, c)), windows(x).max(-1).reshape(n, -1, c)
    np.put_along_axis(flat, indices(x).reshape(n, -1, c), values, 1)
    return flat.reshape(x.shape)


@row(
    "P7",
    "Index of a maximum at row 0, column 1, and in the second channel at row 1, column 0",
    {"pytorch": [1, 2], "tensorflow": [2, 5], "jax": None},
    reference=lambda: indices(X),
)
def argmax_index(framework: str) -> Answer:
    """Counted within a channel, or over all with the channel running fastest."""
    if framework == "pytorch":
        import torch

        def found(x: np.ndarray) -> np.ndarray:
            pool = torch.nn.MaxPool2d(2, return_indices=True)
            return pool(torch.from_numpy(x).movedim(3, 1))[1].movedim(1, 3).numpy()

        return Answer(found(TWO).ravel(), "as it is: h*W + w within the channel", found(X))
    if framework == "tensorflow":
        import tensorflow as tf

        def found(x: np.ndarray) -> np.ndarray:
            return tf.nn.max_pool_with_argmax(tf.constant(x), 2, 2, "VALID")[1].numpy()

        return Answer(
            found(TWO).ravel(), "index // C, without include_batch_in_index", found(X) // 2
        )
    import jax.numpy as jnp

    within = jnp.argmax(windows(jnp.asarray(X)), -1)
    tops = 2 * np.arange(2)
    h, w = tops[:, None, None] + within // 2, tops[None, :, None] + within % 2
    recipe = "argmax over windows brought into one axis, then h*W + w"
    return Answer(None, recipe, np.asarray(h * 4 + w))


@row(
    "P8",
    "Unpooling 1 and then 2 to the same place",
    {"pytorch": 2.0, "tensorflow": 3.0, "jax": 2.0},
    reference=lambda: unpooled(X),
)
def unpooling(framework: str) -> Answer:
    """Where windows overlap, indices repeat: one overwrites, one adds, one leaves it open."""
    flat, top = indices(X).reshape(-1, 2), windows(X).max(-1).reshape(-1, 2)
    recipe = "windows that do not overlap (2x2, stride 2): every index is unique"
    if framework == "pytorch":
        import torch

        unpool: Any = torch.nn.functional.max_unpool2d
        twice = unpool(
            torch.tensor([[[[1.0, 2.0]]]]), torch.tensor([[[[0, 0]]]]), 1, output_size=(1, 2)
        )
        pool = torch.nn.MaxPool2d(2, return_indices=True)
        aligned = unpool(*pool(torch.from_numpy(X).movedim(3, 1)), 2).movedim(1, 3)
        return Answer(float(twice[0, 0, 0, 0]), recipe, aligned.numpy())
    channels = np.broadcast_to(np.arange(2), flat.shape)
    if framework == "tensorflow":
        import tensorflow as tf

        twice = tf.scatter_nd([[0], [0]], [1.0, 2.0], [1])
        aligned = tf.scatter_nd(np.stack([flat, channels], -1), top, [16, 2])
        return Answer(float(twice[0]), f"tf.scatter_nd; {recipe}", aligned.numpy().reshape(X.shape))
    import jax.numpy as jnp

    twice = jnp.zeros(1).at[jnp.array([0, 0])].set(jnp.array([1.0, 2.0]))
    aligned = jnp.zeros((16, 2)).at[flat, channels].set(top)
    return Answer(float(twice[0]), f"x.at[].set; {recipe}", np.asarray(aligned).reshape(X.shape))
