"""Pooling: where windows lie, what counts at borders, what is let through.

Images are held as (N, H, W, C) here.
"""

from typing import Any

import numpy as np

from implementations.atlas.row import Answer, row

X = np.random.default_rng(4).normal(size=(2, 6, 6, 3))
ODD = X[:, :5, :5]
COUNTED = np.arange(36.0).reshape(1, 6, 6, 1)


def pooled(x: np.ndarray, size: int, stride: int, reduce: Any = np.max) -> np.ndarray:
    windows = np.lib.stride_tricks.sliding_window_view(x, (size, size), (1, 2))
    return reduce(windows[:, ::stride, ::stride], axis=(-2, -1))


def first_of(x: Any) -> Any:
    """PyTorch's view: channels first."""
    import torch

    return torch.from_numpy(np.ascontiguousarray(x)).movedim(3, 1)


def last_of(y: Any) -> np.ndarray:
    return y.detach().movedim(1, 3).numpy()


def window_max(
    framework: str, x: Any, size: int = 2, stride: int = 2, padding: Any = "VALID"
) -> Any:
    """The library's own operation, differentiable, no padding said where it is VALID."""
    if framework == "pytorch":
        import torch

        return torch.nn.functional.max_pool2d(x, size, stride)
    if framework == "tensorflow":
        import tensorflow as tf

        return tf.nn.max_pool2d(tf.convert_to_tensor(x), size, stride, padding)  # P15
    from flax import linen

    return linen.max_pool(x, (size, size), (stride, stride), padding)


@row(
    "P3",
    "Max pooling by 2 on 6 pixels, no stride said: size of the output",
    {"pytorch": 3, "tensorflow": 3, "jax": 5},
    reference=lambda: pooled(X, 2, 2),
)
def default_stride(framework: str) -> Answer:
    """One library moves by one pixel: the net runs, and its dense layer is four times as large."""
    if framework == "pytorch":
        import torch

        default = torch.nn.MaxPool2d(2)(first_of(X)).shape[2]
        return Answer(default, "as it is", last_of(window_max(framework, first_of(X))))
    aligned = np.asarray(window_max(framework, X))
    if framework == "tensorflow":
        import keras

        return Answer(keras.layers.MaxPooling2D(2)(X).shape[1], "as it is", aligned)
    from flax import linen

    return Answer(linen.max_pool(X, (2, 2)).shape[1], "strides=(2, 2)", aligned)


@row(
    "P4",
    "Max pooling 3x3 with stride 2 of 0..35 on 6x6, padded as usual: first row",
    {"pytorch": [7, 9, 11], "tensorflow": [14, 16, 17], "jax": [14, 16, 17]},
    reference=lambda: pooled(
        np.pad(X, [(0, 0), (1, 1), (1, 1), (0, 0)], constant_values=-np.inf), 3, 2
    ),
)
def padded_windows(framework: str) -> Answer:
    """padding=1 pads on both sides, SAME at the end only: every window of ResNet's stem shifts."""
    if framework == "pytorch":
        import torch

        pool = torch.nn.MaxPool2d(3, 2, padding=1)
        return Answer(
            pool(first_of(COUNTED))[0, 0, 0].numpy(), "as it is", last_of(pool(first_of(X)))
        )
    usual = np.asarray(window_max(framework, COUNTED, 3, 2, "SAME"))[0, 0, :, 0]
    if framework == "tensorflow":
        import tensorflow as tf

        padded = tf.pad(X, [(0, 0), (1, 1), (1, 1), (0, 0)], constant_values=-np.inf)
        aligned = window_max(framework, padded, 3, 2).numpy()
        return Answer(usual, "tf.pad(x, ..., constant_values=-inf), then VALID", aligned)
    aligned = window_max(framework, X, 3, 2, ((1, 1), (1, 1)))
    return Answer(usual, "padding=((1, 1), (1, 1))", np.asarray(aligned))


@row(
    "P4n",
    "Max pooling of -1 everywhere, padded: the corner",
    {"pytorch": -1.0, "tensorflow": -1.0, "jax": -1.0},
    reference=lambda: pooled(ODD[:, :4, :4], 2, 2),
)
def padding_value(framework: str) -> Answer:
    """All pad with minus infinity; a hand-written zero padding would win over negative entries."""
    below = np.full((1, 3, 3, 1), -1.0)
    if framework == "pytorch":
        import torch

        corner = torch.nn.functional.max_pool2d(first_of(below), 2, 2, padding=1)[0, 0, 0, 0]
        return Answer(
            float(corner), "as it is", last_of(window_max(framework, first_of(X[:, :4, :4])))
        )
    corner = np.asarray(window_max(framework, below, 2, 2, "SAME"))[0, -1, -1, 0]
    return Answer(float(corner), "as it is", np.asarray(window_max(framework, X[:, :4, :4])))


@row(
    "P5",
    "Average pooling of ones on 3x3 by 2, padded: the output",
    {"pytorch": [0.25, 0.5, 0.5, 1], "tensorflow": [1, 1, 1, 1], "jax": [1, 0.5, 0.5, 0.25]},
    reference=lambda: clipped_mean(X[:, :3, :3]),
)
def average_at_borders(framework: str) -> Answer:
    """Whether padding counts as entries: borders get darker in two of them, at opposite sides."""
    ones, x = np.ones((1, 3, 3, 1)), X[:, :3, :3]
    if framework == "pytorch":
        from torch.nn.functional import avg_pool2d

        default = avg_pool2d(first_of(ones), 2, padding=1).numpy().ravel()
        return Answer(
            default,
            "ceil_mode=True, padding=0",
            last_of(avg_pool2d(first_of(x), 2, ceil_mode=True)),
        )
    if framework == "tensorflow":
        import keras

        pool = keras.layers.AveragePooling2D(2, padding="same", dtype="float64")
        return Answer(np.asarray(pool(ones)).ravel(), "padding='same'", np.asarray(pool(x)))
    from flax import linen

    default = linen.avg_pool(ones, (2, 2), (2, 2), "SAME")
    aligned = linen.avg_pool(x, (2, 2), (2, 2), "SAME", count_include_pad=False)
    return Answer(np.asarray(default).ravel(), "count_include_pad=False", np.asarray(aligned))


def clipped_mean(x: np.ndarray) -> np.ndarray:
    """Of 2x2 windows with stride 2, cut off at the end where the size is odd."""
    starts = range(0, x.shape[1], 2)
    rows = [[x[:, i : i + 2, j : j + 2].mean((1, 2)) for j in starts] for i in starts]
    return np.stack([np.stack(line, 1) for line in rows], 1)


@row(
    "P6",
    "Max pooling by 2 on 5 pixels: size of the output",
    {"pytorch": 2, "tensorflow": 2, "jax": 2},
    reference=lambda: pooled(
        np.pad(ODD, [(0, 0), (0, 1), (0, 1), (0, 0)], constant_values=-np.inf), 2, 2
    ),
)
def odd_sizes(framework: str) -> Answer:
    """All drop the last row; the word that keeps it differs."""
    if framework == "pytorch":
        import torch

        size = torch.nn.MaxPool2d(2)(first_of(ODD)).shape[2]
        kept = torch.nn.functional.max_pool2d(first_of(ODD), 2, 2, ceil_mode=True)
        return Answer(size, "ceil_mode=True keeps it", last_of(kept))
    kept = np.asarray(window_max(framework, ODD, padding="SAME"))
    if framework == "tensorflow":
        import keras

        return Answer(keras.layers.MaxPooling2D(2)(ODD).shape[1], "padding='same' keeps it", kept)
    from flax import linen

    size = linen.max_pool(ODD, (2, 2), (2, 2)).shape[1]
    return Answer(size, "padding='SAME' keeps it", kept)


@row(
    "P14",
    "Max pooling of 1 2 3 and a not-a-number, in front or behind",
    {
        "pytorch": [float("nan")] * 2,
        "tensorflow": [3.0, 3.0],
        "jax": [float("nan")] * 2,
    },
    reference=lambda: np.array([1.0, 1.0]),
)
def not_a_number(framework: str) -> Answer:
    """Where it is dropped nobody sees that the run has diverged."""
    front, behind = [np.nan, 1.0, 2.0, 3.0], [1.0, 2.0, 3.0, np.nan]
    windows = np.array([front, behind]).reshape(2, 2, 2, 1)
    x = first_of(windows) if framework == "pytorch" else windows
    found = np.asarray(window_max(framework, x)).ravel()
    if framework != "tensorflow":
        return Answer(found, "as it is", np.isnan(found).astype(float))
    import tensorflow as tf

    seen = found + 0 * np.asarray(tf.nn.avg_pool2d(windows, 2, 2, "VALID")).ravel()
    return Answer(found, "max_pool2d(x) + 0 * avg_pool2d(x)", np.isnan(seen).astype(float))


@row(
    "P15",
    "Max pooling of float64 numbers in a NumPy array",
    {"pytorch": None, "tensorflow": "float32", "jax": "float64"},
    reference=lambda: pooled(X, 2, 2),
)
def array_dtype(framework: str) -> Answer:
    """The operation takes a NumPy array and rounds it to float32: nine digits are gone unseen."""
    if framework == "pytorch":
        recipe = "torch.from_numpy(x), which keeps float64: it takes tensors alone"
        return Answer(None, recipe, last_of(window_max(framework, first_of(X))))
    if framework == "tensorflow":
        import tensorflow as tf

        dtype = tf.nn.max_pool2d(X, 2, 2, "VALID").dtype.name
        return Answer(dtype, "tf.convert_to_tensor(x) first", window_max(framework, X).numpy())
    y = window_max(framework, X)
    return Answer(str(y.dtype), "as it is, with jax_enable_x64", np.asarray(y))
