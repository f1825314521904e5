"""Activations: the constants and axes that nobody writes down."""

from typing import Any

import numpy as np
from scipy.special import erf

from implementations.atlas._tensors import functions, value
from implementations.atlas.row import Answer, row

POINTS = np.array([-7.5, -3.0, -1.0, 0.0, 0.25, 1.0, 3.0, 6.0, 21.0])
CUBE = np.sin(np.arange(24.0)).reshape(2, 3, 4)


def at(point: float, values: np.ndarray) -> float:
    """The entry that belongs to one of POINTS."""
    return float(values[point == POINTS][0])


@row(
    "A5",
    "slope of the leaky ReLU layer below 0",
    pinned={"pytorch": 0.01, "tensorflow": 0.3, "jax": 0.01},
    reference=lambda: np.where(POINTS > 0, POINTS, 0.1 * POINTS),
)
def leaky_layer(framework: str) -> Answer:
    """Thirty times the slope under the same name: a GAN's discriminator trains differently."""
    if framework == "pytorch":
        from torch import nn

        layer, aligned = nn.LeakyReLU(), nn.LeakyReLU(negative_slope=0.1)
        recipe = "nn.LeakyReLU(negative_slope=slope)"
    elif framework == "tensorflow":
        import keras
        import tensorflow as tf

        layer = keras.layers.LeakyReLU(dtype="float64")
        recipe = "tf.where(x > 0, x, slope * x): Keras rounds negative_slope to float32"

        def aligned(x: Any) -> Any:
            return tf.where(x > 0, x, 0.1 * x)
    else:
        import flax.linen as nn

        layer, recipe = nn.leaky_relu, "nn.leaky_relu(x, negative_slope=slope)"

        def aligned(x: Any) -> Any:
            return nn.leaky_relu(x, negative_slope=0.1)

    slope = -at(-1, value(framework, layer, POINTS))
    return Answer(slope, recipe, value(framework, aligned, POINTS))


@row(
    "A12",
    "slope of the leaky ReLU function below 0",
    pinned={"pytorch": 0.01, "tensorflow": 0.2, "jax": 0.01},
    reference=lambda: np.where(POINTS > 0, POINTS, 0.1 * POINTS),
)
def leaky_function(framework: str) -> Answer:
    """In Keras the function has another slope than the layer of the same name."""
    if framework == "pytorch":
        from torch.nn.functional import leaky_relu
    elif framework == "tensorflow":
        from keras.activations import leaky_relu
    else:
        from flax.linen import leaky_relu
    m = functions(framework)
    slope = -at(-1, value(framework, leaky_relu, POINTS))
    aligned = value(framework, lambda x: m.where(x > 0, x, 0.1 * x), POINTS)
    return Answer(slope, "where(x > 0, x, slope * x)", aligned)


@row(
    "A13",
    "initial slope of PReLU, and how many slopes an image of 4 x 5 x 3 has",
    pinned={"pytorch": [0.25, 1], "tensorflow": [0.0, 60], "jax": [0.01, 1]},
    reference=lambda: np.where(CUBE > 0, CUBE, 0.25 * CUBE),
)
def prelu(framework: str) -> Answer:
    """Keras learns one slope for every pixel unless told which axes share one."""
    if framework == "pytorch":
        from torch import nn

        weight = nn.PReLU().weight.detach()
        layer = nn.PReLU(init=0.25).double()
        return Answer(
            [float(weight[0]), weight.numel()],
            "nn.PReLU(init=0.25)",
            value(framework, layer, CUBE),
        )
    if framework == "tensorflow":
        import keras

        layer = keras.layers.PReLU()
        layer.build((None, 4, 5, 3))
        shared = keras.layers.PReLU(shared_axes=[1, 2], dtype="float64")
        shared.build(CUBE.shape)
        shared.set_weights([np.full((1, 1), 0.25)])
        return Answer(
            [float(np.max(layer.alpha)), int(np.size(layer.alpha))],
            "PReLU(shared_axes=all but the channels), then set_weights",
            value(framework, shared, CUBE),
        )
    import flax.linen as nn
    import jax

    slope = np.asarray(jax.tree.leaves(nn.PReLU().init(jax.random.key(0), np.ones((1, 4, 5, 3)))))
    layer, parameters = nn.PReLU(), {"params": {"negative_slope": np.float64(0.25)}}
    aligned = value(framework, lambda x: layer.apply(parameters, x), CUBE)
    return Answer([float(slope.max()), slope.size], "nn.PReLU(negative_slope_init=0.25)", aligned)


@row(
    "A6",
    "GELU of 1: by the normal distribution, or by tanh",
    pinned={"pytorch": 0.841345, "tensorflow": 0.841345, "jax": 0.841192},
    reference=lambda: POINTS / 2 * (1 + erf(POINTS / np.sqrt(2))),
)
def gelu(framework: str) -> Answer:
    """Weights carried over give outputs that are off by 1e-3 after a few layers."""
    if framework == "pytorch":
        import torch

        function = torch.nn.functional.gelu
        recipe = 'F.gelu(x); F.gelu(x, approximate="tanh") is the default of JAX'

        def exact(x: Any) -> Any:
            return torch.nn.functional.gelu(x, approximate="none")
    elif framework == "tensorflow":
        import keras
        import tensorflow as tf

        function = keras.activations.gelu
        recipe = "x / 2 * (1 + tf.math.erf(x / sqrt(2))): gelu rounds sqrt(2) to float32"

        def exact(x: Any) -> Any:
            return x / 2 * (1 + tf.math.erf(x / np.sqrt(2)))
    else:
        import flax.linen as nn

        function, recipe = nn.gelu, "nn.gelu(x, approximate=False)"

        def exact(x: Any) -> Any:
            return nn.gelu(x, approximate=False)

    one = at(1, value(framework, function, POINTS))
    return Answer(one, recipe, value(framework, exact, POINTS))


@row(
    "A7",
    "hard sigmoid of 1",
    pinned={"pytorch": 0.666667, "tensorflow": 0.666667, "jax": 0.666667},
    reference=lambda: np.clip(POINTS / 6 + 0.5, 0, 1),
)
def hard_sigmoid(framework: str) -> Answer:
    """Agrees today; models of Keras 2 were trained with 0.2 x + 0.5, which gives 0.7."""
    if framework == "pytorch":
        from torch.nn.functional import hardsigmoid as function
    elif framework == "tensorflow":
        from keras.activations import hard_sigmoid as function
    else:
        from flax.linen import hard_sigmoid as function
    values = value(framework, function, POINTS)
    return Answer(at(1, values), "relu6(x + 3) / 6", values)


@row(
    "A8",
    "LeCun's tanh",
    pinned={"pytorch": None, "tensorflow": None, "jax": None},
    reference=lambda: 1.7159 * np.tanh(POINTS * 2 / 3),
)
def lecun_tanh(framework: str) -> Answer:
    """No library has the activation of the nets of 1998; plain tanh saturates earlier."""
    if framework == "pytorch":
        from torch import nn as library
    elif framework == "tensorflow":
        from keras import activations as library
    else:
        from flax import linen as library
    named = next((name for name in dir(library) if name.lower() == "lecun_tanh"), None)
    m = functions(framework)
    aligned = value(framework, lambda x: 1.7159 * m.tanh(x * 2 / 3), POINTS)
    return Answer(named, "1.7159 * tanh(x * 2 / 3)", aligned)


@row(
    "A14",
    "softplus(21) - 21, in units of 1e-9",
    pinned={"pytorch": 0.0, "tensorflow": 0.758, "jax": 0.758},
    decimals=3,
    reference=lambda: np.logaddexp(POINTS, 0),
)
def softplus(framework: str) -> Answer:
    """PyTorch takes x itself beyond 20: float64 results differ in the tenth digit."""
    if framework == "pytorch":
        import torch

        function, recipe = torch.nn.functional.softplus, "torch.logaddexp(x, zeros_like(x))"

        def exact(x: Any) -> Any:
            return torch.logaddexp(x, torch.zeros_like(x))
    elif framework == "tensorflow":
        import tensorflow as tf

        function = exact = tf.nn.softplus
        recipe = "tf.nn.softplus(x)"
    else:
        import flax.linen as nn

        function = exact = nn.softplus
        recipe = "nn.softplus(x)"
    excess = (at(21, value(framework, function, POINTS)) - 21) / 1e-9
    return Answer(excess, recipe, value(framework, exact, POINTS))


@row(
    "A15",
    "axis of softmax where none is given, for three axes",
    pinned={"pytorch": "the first", "tensorflow": "the last", "jax": "the last"},
    reference=lambda: np.exp(CUBE) / np.exp(CUBE).sum(-1, keepdims=True),
)
def softmax_axis(framework: str) -> Answer:
    """Attention weights that sum to 1 over the batch: a warning in PyTorch, no error."""
    if framework == "pytorch":
        from torch import softmax
        from torch.nn import Softmax

        function, recipe = Softmax(), "torch.softmax(x, -1)"
    elif framework == "tensorflow":
        from keras.activations import softmax

        function, recipe = softmax, "keras.activations.softmax(x, axis=-1)"
    else:
        from flax.linen import softmax

        function, recipe = softmax, "nn.softmax(x, axis=-1)"
    values = value(framework, function, CUBE)
    axis = next(axis for axis in range(3) if np.allclose(values.sum(axis), 1))
    aligned = value(framework, lambda x: softmax(x, -1), CUBE)
    return Answer(("the first", "the second", "the last")[axis], recipe, aligned)
