"""Layer, group, instance, RMS and local response normalization; standard deviations."""

from typing import Any

import numpy as np

from implementations.atlas.row import FLOAT32, Answer, row

X = np.random.default_rng(1).normal(1.0, 2.0, size=(2, 3, 3, 4))  # two images, four channels
SMALL = np.array([[-1e-3, 1e-3]])  # mean 0, variance 1e-6
EPSILON = 1e-5


def to_first(x: np.ndarray) -> np.ndarray:
    """Channels last to channels first."""
    return np.moveaxis(x, -1, 1)


def to_last(x: Any) -> np.ndarray:
    return np.moveaxis(np.asarray(x), 1, -1)


def normalized(x: np.ndarray, axis: int | tuple[int, ...]) -> np.ndarray:
    centered = x - x.mean(axis, keepdims=True)
    return centered / np.sqrt(x.var(axis, keepdims=True) + EPSILON)


def flax_output(module: Any, x: np.ndarray) -> np.ndarray:
    import jax

    # Compiled as a whole: line by line it takes twice as long.
    return np.asarray(jax.jit(module.init_with_output)(jax.random.key(0), x)[0])


def solved(y: np.ndarray) -> float:
    """The epsilon with which SMALL became y."""
    return float((1e-3 / y.max()) ** 2 - 1e-6)


@row(
    "B7",
    "Batch normalization of a (2, 3, 5) input: how many channels",
    {"pytorch": 3, "tensorflow": 5, "jax": 5},
    reference=lambda: normalized(to_first(X), (0, 2, 3)),
)
def channel_axis(framework: str) -> Answer:
    """Channels come first in one framework and last in the others: no error where sizes fit."""
    seen, first = np.zeros((2, 3, 5)), to_first(X)
    if framework == "pytorch":
        import torch

        lazy = torch.nn.LazyBatchNorm1d(dtype=torch.float64)
        lazy(torch.from_numpy(seen))
        y = torch.nn.BatchNorm2d(4, eps=EPSILON, dtype=torch.float64)(torch.from_numpy(first))
        return Answer(len(lazy.weight), "as it is: axis 1", y.detach().numpy())
    if framework == "tensorflow":
        import keras

        fresh: Any = keras.layers.BatchNormalization()
        fresh.build(seen.shape)
        layer = keras.layers.BatchNormalization(axis=1, epsilon=EPSILON, dtype="float64")
        return Answer(fresh.gamma.shape[0], "axis=1", np.asarray(layer(first, training=True)))
    import jax
    from flax import linen

    fresh: Any = linen.BatchNorm(use_running_average=True).init(jax.random.key(0), seen)
    module = linen.BatchNorm(False, axis=1, epsilon=EPSILON, param_dtype=np.float64)
    return Answer(fresh["params"]["scale"].shape[0], "axis=1", flax_output(module, first))


@row(
    "B10",
    "Layer normalization: epsilon",
    {"pytorch": 1e-5, "tensorflow": 1e-3, "jax": 1e-6},
    reference=lambda: normalized(X, -1),
    decimals=8,
)
def layer_norm(framework: str) -> Answer:
    """Three frameworks, three numbers, a thousand apart: small activations are scaled otherwise."""
    if framework == "pytorch":
        import torch

        def normal(x: np.ndarray, **options: Any) -> np.ndarray:
            layer = torch.nn.LayerNorm(x.shape[-1], dtype=torch.float64, **options)
            return layer(torch.from_numpy(x)).detach().numpy()

        return Answer(solved(normal(SMALL)), "eps=1e-5", normal(X, eps=EPSILON))
    if framework == "tensorflow":
        import keras

        def normal(x: np.ndarray, **options: Any) -> np.ndarray:
            return np.asarray(keras.layers.LayerNormalization(dtype="float64", **options)(x))

    else:
        from flax import linen

        def normal(x: np.ndarray, **options: Any) -> np.ndarray:
            return flax_output(linen.LayerNorm(param_dtype=np.float64, **options), x)

    return Answer(solved(normal(SMALL)), "epsilon=1e-5", normal(X, epsilon=EPSILON))


@row(
    "B10g",
    "Group normalization: epsilon",
    {"pytorch": 1e-5, "tensorflow": 1e-3, "jax": 1e-6},
    reference=lambda: normalized(X.reshape(2, 9, 2, 2), (1, 3)).reshape(X.shape),
    decimals=8,
)
def group_norm(framework: str) -> Answer:
    """As in layer normalization; the number of groups is 32 in two of them when nobody says it."""
    if framework == "pytorch":
        import torch

        small = torch.nn.GroupNorm(1, 2, dtype=torch.float64)(torch.from_numpy(SMALL))
        layer = torch.nn.GroupNorm(2, 4, eps=EPSILON, dtype=torch.float64)
        y = layer(torch.from_numpy(to_first(X))).detach().numpy()
        return Answer(
            solved(small.detach().numpy()), "GroupNorm(groups, channels, eps=1e-5)", to_last(y)
        )
    if framework == "tensorflow":
        import keras

        small = keras.layers.GroupNormalization(1, dtype="float64")(SMALL)
        y = keras.layers.GroupNormalization(2, epsilon=EPSILON, dtype="float64")(X)
        recipe = "GroupNormalization(groups, epsilon=1e-5)"
        return Answer(solved(np.asarray(small)), recipe, np.asarray(y))
    from flax import linen

    small = flax_output(linen.GroupNorm(1, param_dtype=np.float64), SMALL)
    y = flax_output(linen.GroupNorm(2, epsilon=EPSILON, param_dtype=np.float64), X)
    return Answer(solved(small), "GroupNorm(groups, epsilon=1e-5)", y)


@row(
    "B10i",
    "Instance normalization of four channels: trained numbers",
    {"pytorch": 0, "tensorflow": 8, "jax": 8},
    reference=lambda: normalized(X, (1, 2)),
)
def instance_norm(framework: str) -> Answer:
    """One framework's layer has no scale and shift unless asked, so weights do not load."""
    if framework == "pytorch":
        import torch

        layer = torch.nn.InstanceNorm2d(4)
        default = sum(parameter.numel() for parameter in layer.parameters())
        layer = torch.nn.InstanceNorm2d(4, affine=True, eps=EPSILON, dtype=torch.float64)
        y = layer(torch.from_numpy(to_first(X))).detach().numpy()
        return Answer(default, "affine=True, eps=1e-5", to_last(y))
    if framework == "tensorflow":
        import keras

        layer = keras.layers.GroupNormalization(-1, epsilon=EPSILON, dtype="float64")
        y = np.asarray(layer(X))
        return Answer(layer.count_params(), "GroupNormalization(groups=-1, epsilon=1e-5)", y)
    import jax
    from flax import linen

    module = linen.InstanceNorm(epsilon=EPSILON, param_dtype=np.float64)
    y, variables = module.init_with_output(jax.random.key(0), X)
    default = sum(leaf.size for leaf in jax.tree.leaves(variables))
    return Answer(default, "InstanceNorm(epsilon=1e-5)", np.asarray(y))


@row(
    "B10r",
    "Root-mean-square normalization in float32: epsilon",
    {"pytorch": 1.19e-7, "tensorflow": 1e-6, "jax": 1e-6},
    reference=lambda: X / np.sqrt((X**2).mean(-1, keepdims=True) + EPSILON),
    decimals=8,
)
def rms_norm(framework: str) -> Answer:
    """One framework takes the machine epsilon of the dtype: another number in every precision."""
    small = SMALL.astype(np.float32)
    if framework == "pytorch":
        import torch

        y = torch.nn.RMSNorm(2)(torch.from_numpy(small)).detach().numpy()
        layer = torch.nn.RMSNorm(4, eps=EPSILON, dtype=torch.float64)
        return Answer(solved(y), "eps=1e-5", layer(torch.from_numpy(X)).detach().numpy())
    if framework == "tensorflow":
        import keras

        y = np.asarray(keras.layers.RMSNormalization()(small))
        layer = keras.layers.RMSNormalization(epsilon=EPSILON, dtype="float64")
        return Answer(solved(y), "epsilon=1e-5", np.asarray(layer(X)))
    from flax import linen

    module = linen.RMSNorm(epsilon=EPSILON, param_dtype=np.float64)
    return Answer(
        solved(flax_output(linen.RMSNorm(), small)), "epsilon=1e-5", flax_output(module, X)
    )


@row(
    "B13",
    "Standard deviation of 1, 2, 3, 4",
    {"pytorch": np.sqrt(5 / 3), "tensorflow": np.sqrt(5 / 4), "jax": np.sqrt(5 / 4)},
    reference=lambda: X.std(0),
)
def standard_deviation(framework: str) -> Answer:
    """Divided by n - 1 in one framework and by n in the others: data are standardized otherwise."""
    numbers = np.array([1.0, 2.0, 3.0, 4.0])
    if framework == "pytorch":
        import torch

        default = torch.std(torch.from_numpy(numbers))
        return Answer(
            float(default), "correction=0", torch.from_numpy(X).std(0, correction=0).numpy()
        )
    if framework == "tensorflow":
        import tensorflow as tf

        return Answer(
            float(tf.math.reduce_std(numbers)), "as it is", tf.math.reduce_std(X, 0).numpy()
        )
    import jax.numpy as jnp

    return Answer(float(jnp.std(numbers)), "as it is", np.asarray(jnp.std(X, 0)))


def standardized(x: np.ndarray) -> np.ndarray:
    axes = tuple(range(1, x.ndim))
    least = 1 / np.sqrt(x[0].size)
    return (x - x.mean(axes, keepdims=True)) / np.maximum(x.std(axes, keepdims=True), least)


@row(
    "B14",
    "Standardizing an image of deviation 0.001 with 12 numbers: by what it is divided",
    {"pytorch": None, "tensorflow": 0.288675, "jax": 0.003317},
    reference=lambda: standardized(X / 100),
)
def image_standardization(framework: str) -> Answer:
    """The library's function does not divide by less than 1/sqrt(N): dark images stay dark."""
    x, image = X / 100, np.resize([-1e-3, 1e-3], (1, 2, 2, 3))
    recipe = "(x - mean) / max(std, 1/sqrt(N)), std of the whole image with n"
    axes, least = (1, 2, 3), 1 / np.sqrt(x[0].size)
    if framework == "pytorch":
        import torch

        z = torch.from_numpy(x)
        deviation = z.std(axes, correction=0, keepdim=True).clamp(min=least)
        return Answer(None, recipe, ((z - z.mean(axes, keepdim=True)) / deviation).numpy())
    if framework == "tensorflow":
        import tensorflow as tf

        default = 1e-3 / float(tf.reduce_max(tf.image.per_image_standardization(image)))
        deviation = tf.maximum(tf.math.reduce_std(x, axes, keepdims=True), least)
        aligned = (x - tf.reduce_mean(x, axes, keepdims=True)) / deviation
        return Answer(default, recipe, aligned.numpy())
    import jax
    import jax.numpy as jnp

    default = 1e-3 / float(jax.nn.standardize(image, axis=axes).max())
    deviation = jnp.maximum(jnp.std(x, axes, keepdims=True), least)
    return Answer(default, recipe, np.asarray((x - jnp.mean(x, axes, keepdims=True)) / deviation))


SIZE, ALPHA, BETA = 3, 1e-2, 0.75


def local_response(x: np.ndarray) -> np.ndarray:
    """x / (1 + alpha/n * sum of squares over n neighboring channels)^beta."""
    squares = np.pad(x**2, [(0, 0)] * 3 + [(1, 1)])
    sums = squares[..., :-2] + squares[..., 1:-1] + squares[..., 2:]
    return x / (1 + ALPHA / SIZE * sums) ** BETA


@row(
    "R4",
    "Local response normalization of a 1 among 11 ones",
    {"pytorch": 0.999925, "tensorflow": 0.288675, "jax": None},
    reference=lambda: local_response(X),
    tolerance=FLOAT32,  # one of the libraries has it in float32 alone
)
def local_response_norm(framework: str) -> Answer:
    """Alpha is divided by the number of channels in one framework only, and all defaults differ."""
    ones = np.ones((1, 1, 1, 11))
    if framework == "pytorch":
        import torch

        default = torch.nn.LocalResponseNorm(11)(torch.from_numpy(to_first(ones)))[0, 5, 0, 0]
        layer = torch.nn.LocalResponseNorm(SIZE, ALPHA, BETA, k=1.0)
        y = to_last(layer(torch.from_numpy(to_first(X))))
        return Answer(float(default), "LocalResponseNorm(n, alpha, beta, k=1)", y)
    if framework == "tensorflow":
        import tensorflow as tf

        norm = tf.nn.local_response_normalization
        default = norm(ones.astype(np.float32))[0, 0, 0, 5]
        y = norm(X.astype(np.float32), SIZE // 2, bias=1.0, alpha=ALPHA / SIZE, beta=BETA)
        recipe = "depth_radius=(n-1)/2, alpha=alpha/n, beta, bias=k"
        return Answer(float(default), recipe, y.numpy())
    from jax import lax

    sums = lax.reduce_window(X**2, 0.0, lax.add, (1, 1, 1, SIZE), (1, 1, 1, 1), "SAME")
    recipe = "x / (k + alpha/n * s)**beta with s = lax.reduce_window(x**2, 0., lax.add, ...)"
    return Answer(None, recipe, np.asarray(X / (1 + ALPHA / SIZE * sums) ** BETA))
