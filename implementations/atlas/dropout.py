"""Dropout: what the rate means, what shares a mask, and when it is on.

The masks of two libraries never agree by seed. Every recipe hands the mask in.
"""

from typing import Any

import numpy as np

from implementations.atlas._tensors import functions, value
from implementations.atlas.row import Answer, row

IMAGE = np.sin(np.arange(96.0)).reshape(2, 4, 4, 3)
MASK = (np.cos(np.arange(96.0)) > -0.5).astype(float).reshape(IMAGE.shape)
ONES = np.ones((4, 4, 4, 4))
CHANNELS = MASK[:, :1, :1, :]
INVERTED = "x * mask / (1 - rate) with a mask drawn in NumPy"


def dropped(framework: str, ones: np.ndarray, rate: float = 0.5) -> np.ndarray:
    """The library's dropout layer on these ones, switched on."""
    if framework == "pytorch":
        import torch

        torch.manual_seed(0)
        return torch.nn.Dropout(rate)(torch.tensor(ones)).numpy()
    if framework == "tensorflow":
        import keras

        return np.asarray(keras.layers.Dropout(rate, seed=0, dtype="float64")(ones, training=True))
    import flax.linen as nn
    import jax

    layer = nn.Dropout(rate, deterministic=False)
    return np.asarray(layer.apply({}, ones, rngs={"dropout": jax.random.key(0)}))


def masked(framework: str, mask: np.ndarray) -> np.ndarray:
    return value(framework, lambda x, m: x * m / 0.75, IMAGE, mask)


@row(
    "D1",
    "what dropout of rate 0.25 makes of the ones that survive",
    pinned={"pytorch": 1.333333, "tensorflow": 1.333333, "jax": 1.333333},
    reference=lambda: IMAGE * MASK / 0.75,
)
def scaling(framework: str) -> Answer:
    """All scale while training; papers before 2014 scale the weights at test time instead."""
    survivor = float(dropped(framework, ONES, 0.25).max())
    return Answer(survivor, INVERTED, masked(framework, MASK))


@row(
    "D2",
    "what the dropout layer of rate 1 makes of ones",
    pinned={"pytorch": 0.0, "tensorflow": 0.0, "jax": 0.0},
    reference=lambda: 0 * IMAGE,
)
def everything(framework: str) -> Answer:
    """The formula divides by 0; all layers return 0, and tf.nn.dropout refuses a rate of 1."""
    largest = float(dropped(framework, ONES, 1.0).max())
    aligned = masked(framework, np.zeros_like(IMAGE))
    return Answer(largest, "0 * x, or no rate of 1", aligned)


@row(
    "D13",
    "share of the zeros after the dropout of 2017 with argument 0.9",
    pinned={"pytorch": 0.9, "tensorflow": 0.1, "jax": 0.9},
    decimals=1,
    reference=lambda: IMAGE * MASK / 0.75,
)
def keep_probability(framework: str) -> Answer:
    """Code for TensorFlow 1 names the share that is kept: ported as it stands, it drops 9 in 10."""
    ones = ONES
    if framework == "tensorflow":
        import tensorflow as tf

        zeros = np.asarray(tf.compat.v1.nn.dropout(ones, 0.9, seed=0)) == 0
    else:
        zeros = dropped(framework, ones, 0.9) == 0
    return Answer(float(zeros.mean()), f"rate = 1 - keep_prob; {INVERTED}", masked(framework, MASK))


@row(
    "D14",
    "a dropout layer called as it was made, nothing said of training",
    pinned={"pytorch": "drops", "tensorflow": "passes", "jax": "ValueError"},
    reference=lambda: IMAGE,
)
def switch(framework: str) -> Answer:
    """A net that is evaluated without .eval() is noisy; a Keras loop without training=True never
    drops."""
    ones = ONES
    if framework == "pytorch":
        from torch import nn

        layer = nn.Dropout(0.5)
        default = "passes" if value(framework, layer, ones).all() else "drops"
        return Answer(default, ".eval() or .train(), always", value(framework, layer.eval(), IMAGE))
    if framework == "tensorflow":
        import keras

        layer = keras.layers.Dropout(0.5, dtype="float64")
        default = "passes" if np.asarray(layer(ones)).all() else "drops"
        aligned = value(framework, lambda x: layer(x, training=False), IMAGE)
        return Answer(default, "training=True or training=False, always", aligned)
    import flax.linen as nn

    try:
        default = "passes" if np.asarray(nn.Dropout(0.5).apply({}, ones)).all() else "drops"
    except ValueError as error:
        default = type(error).__name__
    off = nn.Dropout(0.5, deterministic=True)
    aligned = value(framework, lambda x: off.apply({}, x), IMAGE)
    return Answer(default, "deterministic=True or False, always", aligned)


@row(
    "D3",
    "the axis that shares a fate in channel dropout of (batch, 4, 4, 4)",
    pinned={"pytorch": 1, "tensorflow": 3, "jax": None},
    decimals=0,
    reference=lambda: IMAGE * CHANNELS / 0.75,
)
def channels(framework: str) -> Answer:
    """Given channels last, Dropout2d drops rows of the image, without a word."""
    ones = ONES
    if framework == "pytorch":
        import torch

        torch.manual_seed(0)
        kept = value(framework, torch.nn.Dropout2d(0.5), ones)
        recipe = "nn.Dropout2d on (batch, channels, height, width)"
    elif framework == "tensorflow":
        import keras

        layer = keras.layers.SpatialDropout2D(0.5, seed=0, dtype="float64")
        kept = np.asarray(layer(ones, training=True))
        recipe = 'keras.layers.SpatialDropout2D(rate, data_format="channels_last")'
    else:
        kept = dropped(framework, ones)
        recipe = "nn.Dropout(rate, broadcast_dims=(1, 2))"
    constant = [np.ptp(kept, axis=tuple({1, 2, 3} - {axis})).max() == 0 for axis in (1, 2, 3)]
    axis = constant.index(True) + 1 if any(constant) else None
    recipe = f"x * mask / (1 - rate), mask of (batch, 1, 1, channels); else {recipe}"
    return Answer(axis, recipe, masked(framework, CHANNELS))


@row(
    "D4",
    "what the argument dropout of a recurrent layer drops",
    pinned={
        "pytorch": "between layers, anew each step",
        "tensorflow": "the input, one mask a sequence",
        "jax": None,
    },
    reference=lambda: np.cumsum(MASK[:, :, 0, :1] / 0.75, 1),
)
def recurrent(framework: str) -> Answer:
    """In PyTorch one layer with dropout=0.5 drops nothing; in Keras it drops its input."""
    ones = np.ones((16, 8, 1), np.float32)
    if framework == "pytorch":
        import torch

        def output(layers: int) -> np.ndarray:
            torch.manual_seed(0)
            net = torch.nn.RNN(1, 1, layers, "relu", batch_first=True, dropout=0.5)
            for name, weight in net.named_parameters():
                torch.nn.init.constant_(weight, float("weight_ih" in name))
            return net(torch.tensor(ones))[0].detach().numpy()

        kept, place = output(layers=2), "between layers"
        if np.ptp(output(layers=1)) != 0:
            place = "the input"
    elif framework == "tensorflow":
        import keras

        layer = keras.layers.SimpleRNN(
            1, "relu", False, "ones", "zeros", dropout=0.5, return_sequences=True, seed=0
        )
        kept, place = np.asarray(layer(ones, training=True)), "the input"
    else:
        kept, place = None, ""
    fresh = kept is not None and np.ptp(kept, axis=1).max() > 0
    default = f"{place}, {'anew each step' if fresh else 'one mask a sequence'}"
    m = functions(framework)
    aligned = value(framework, lambda x: m.cumsum(x / 0.75, 1), MASK[:, :, 0, :1])
    recipe = "mask the input by hand, dropout=0: here h = h + x * mask / (1 - rate)"
    return Answer(None if kept is None else default, recipe, aligned)


@row(
    "D5",
    "whether what switches dropout on has batch norm use the batch",
    pinned={"pytorch": True, "tensorflow": True, "jax": False},
    reference=lambda: np.full(4, 2 * 3.0 / np.sqrt(1 + 1e-3)),
)
def monte_carlo(framework: str) -> Answer:
    """Monte-Carlo dropout with batch statistics estimates another net than the one trained."""
    same = np.full((64, 4), 3.0)  # frozen statistics leave 3, the batch's own leave 0
    if framework == "pytorch":
        from torch import nn

        norm, drop = nn.BatchNorm1d(4, eps=1e-3), nn.Dropout(0.5)
        net = nn.Sequential(norm, drop).double()
        batch_used = bool(value(framework, net.train(), same).max() < 1)
        norm.reset_running_stats()
        net.eval()
        drop.train()
        recipe = "net.eval(), then .train() on the dropout modules"
        return Answer(
            batch_used,
            "net.eval(), then .train() on the dropout modules",
            _top(value(framework, net, same)),
        )
    if framework == "tensorflow":
        import keras

        norm = keras.layers.BatchNormalization(epsilon=1e-3, dtype="float64")
        drop = keras.layers.Dropout(0.5, dtype="float64")
        batch_used = bool(np.max(keras.Sequential([norm, drop])(same, training=True)) < 1)
        norm.set_weights([np.ones(4), np.zeros(4), np.zeros(4), np.ones(4)])  # as at the start
        aligned = drop(norm(same, training=False), training=True)
        recipe = "call layer by layer: training=False for the norm, True for dropout"
        return Answer(batch_used, recipe, _top(np.asarray(aligned)))
    import flax.linen as nn
    import jax

    norm = nn.BatchNorm(use_running_average=True, epsilon=1e-3, use_bias=False, use_scale=False)
    statistics: Any = {"batch_stats": {"mean": np.zeros(4), "var": np.ones(4)}}
    frozen = np.asarray(norm.apply(statistics, same.reshape(ONES.shape)))
    drop = nn.Dropout(0.5, deterministic=False)
    both = np.asarray(drop.apply({}, frozen, rngs={"dropout": jax.random.key(0)})).reshape(64, 4)
    recipe = "use_running_average=True and deterministic=False: two flags"
    return Answer(bool(both.max() < 1), recipe, _top(both))


def _top(outputs: np.ndarray) -> np.ndarray:
    """Of 64 equal rows under dropout: the survivors, of each column."""
    return outputs.max(0)
