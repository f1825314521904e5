"""Batch normalization: y = (x - mean) / sqrt(variance + epsilon), and what is kept for later."""

from typing import Any

import numpy as np

from implementations.atlas.row import Answer, row

X = np.random.default_rng(0).normal(1.0, 2.0, size=(6, 3))  # six examples, three channels
EPSILON = 1e-5


def trained(framework: str, *batches: np.ndarray, **options: Any) -> tuple[np.ndarray, ...]:
    """The last output, running mean and running variance after training steps on (N, C) batches."""
    channels = batches[0].shape[-1]
    y: Any = None
    if framework == "pytorch":
        import torch

        layer = torch.nn.BatchNorm1d(channels, dtype=torch.float64, **options)
        for batch in batches:
            y = layer(torch.from_numpy(batch)).detach()
        return np.asarray(y), np.asarray(layer.running_mean), np.asarray(layer.running_var)
    if framework == "tensorflow":
        import keras

        layer = keras.layers.BatchNormalization(dtype="float64", **options)
        for batch in batches:
            y = layer(batch, training=True)
        return np.asarray(y), np.asarray(layer.moving_mean), np.asarray(layer.moving_variance)
    import jax
    from flax import linen

    module = linen.BatchNorm(use_running_average=False, param_dtype=np.float64, **options)
    variables = wide(module.init(jax.random.key(0), batches[0]))
    for batch in batches:
        y, changed = module.apply(variables, batch, mutable=["batch_stats"])
        variables = {**variables, **changed}
    kept = variables["batch_stats"]
    return np.asarray(y), np.asarray(kept["mean"]), np.asarray(kept["var"])


def wide(variables: Any) -> Any:
    """A tree of flax in float64: running statistics are in float32 unless they are cast (B16)."""
    import jax

    return jax.tree.map(lambda leaf: leaf.astype(np.float64), variables)


def refused(question: Any) -> Any:
    """What a call gives, or the name of the error with which it is refused."""
    try:
        return question()
    except Exception as error:
        return f"refused ({type(error).__name__})"


def normalized(x: np.ndarray, axis: int | tuple[int, ...], epsilon: float = EPSILON) -> np.ndarray:
    centered = x - x.mean(axis, keepdims=True)
    return centered / np.sqrt(x.var(axis, keepdims=True) + epsilon)


def evaluated(framework: str, x: np.ndarray) -> np.ndarray:
    """A fresh layer's output by its running statistics, mean 0 and variance 1."""
    if framework == "pytorch":
        import torch

        layer = torch.nn.BatchNorm1d(x.shape[-1], dtype=torch.float64, eps=EPSILON).eval()
        return layer(torch.from_numpy(x)).detach().numpy()
    if framework == "tensorflow":
        import keras

        layer = keras.layers.BatchNormalization(dtype="float64", epsilon=EPSILON)
        return np.asarray(layer(x, training=False))
    import jax
    from flax import linen

    module = linen.BatchNorm(use_running_average=True, param_dtype=np.float64, epsilon=EPSILON)
    return np.asarray(module.apply(wide(module.init(jax.random.key(0), x)), x))


@row(
    "B1",
    "Batch normalization: epsilon",
    {"pytorch": 1e-5, "tensorflow": 1e-3, "jax": 1e-5},
    reference=lambda: normalized(X, 0),
    decimals=8,
)
def epsilon(framework: str) -> Answer:
    """Weights moved between frameworks give other outputs wherever a channel varies little."""
    word = "eps" if framework == "pytorch" else "epsilon"
    x = np.array([[-1e-3], [1e-3]])  # variance 1e-6: epsilon = (x / y)^2 - 1e-6
    y = trained(framework, x)[0]
    aligned = trained(framework, X, **{word: EPSILON})[0]
    return Answer(float((x[1, 0] / y[1, 0]) ** 2 - 1e-6), f"{word}=1e-5", aligned)


@row(
    "B5",
    "Batch normalization in training: a batch of one example",
    {"pytorch": "refused (ValueError)", "tensorflow": 0.0, "jax": 0.0},
    reference=lambda: X[:1] / np.sqrt(1 + EPSILON),
)
def one_example(framework: str) -> Answer:
    """A last batch of one stops one framework and is silently turned into zeros by the others."""
    default = refused(lambda: float(trained(framework, X[:1])[0][0, 0]))
    return Answer(default, "drop such a batch, or evaluate it", evaluated(framework, X[:1]))


def statistics(y: Any) -> str:
    """Which ones normalized X: the batch's make every mean zero."""
    return "batch" if np.abs(np.asarray(y).mean(0)).max() < 1e-9 else "running"


@row(
    "B6",
    "Batch normalization: statistics of a frozen layer in a training step",
    {"pytorch": "batch", "tensorflow": "running", "jax": "batch"},
    reference=lambda: X / np.sqrt(1 + EPSILON),
)
def frozen(framework: str) -> Answer:
    """Fine-tuning with frozen layers: in one framework their statistics go on moving, or do not."""
    if framework == "pytorch":
        import torch

        layer = torch.nn.BatchNorm1d(3, dtype=torch.float64).requires_grad_(False)
        y, recipe = layer(torch.from_numpy(X)), "layer.eval(), again after every model.train()"
    elif framework == "tensorflow":
        import keras

        layer = keras.layers.BatchNormalization(dtype="float64")
        layer.trainable = False
        y, recipe = layer(X, training=True), "trainable=False"
    else:  # frozen by the optimizer, which the layer does not know of
        y, recipe = trained(framework, X)[0], "use_running_average=True"
    return Answer(statistics(y), recipe, evaluated(framework, X))


@row(
    "B8",
    "Batch normalization: statistics of a fresh layer that is told nothing",
    {"pytorch": "batch", "tensorflow": "running", "jax": "refused (ValueError)"},
    reference=lambda: X / np.sqrt(1 + EPSILON),
)
def fresh(framework: str) -> Answer:
    """A module has a mode and starts in training; a call is told, and starts in evaluation."""
    if framework == "pytorch":
        import torch

        layer = torch.nn.BatchNorm1d(3, dtype=torch.float64)
        default, recipe = statistics(layer(torch.from_numpy(X)).detach()), "layer.eval()"
    elif framework == "tensorflow":
        import keras

        layer = keras.layers.BatchNormalization(dtype="float64")
        default, recipe = statistics(layer(X)), "layer(x, training=False)"
    else:
        import jax
        from flax import linen

        default = refused(lambda: linen.BatchNorm().init_with_output(jax.random.key(0), X))
        recipe = "BatchNorm(use_running_average=True)"
    return Answer(default, recipe, evaluated(framework, X))


@row(
    "B9",
    "Batch normalization: a training step whose second result nobody takes",
    {
        "pytorch": "statistics moved",
        "tensorflow": "statistics moved",
        "jax": "refused (ModifyScopeVariableError)",
    },
    reference=lambda: 0.1 * X.mean(0),
)
def kept_where(framework: str) -> Answer:
    """Where a layer is a pure function its new statistics are a result, and can be lost."""
    given = {"momentum": 0.1 if framework == "pytorch" else 0.9}
    aligned = trained(framework, X, **given)[1]
    if framework != "jax":
        moved = "statistics moved" if np.abs(trained(framework, X)[1]).max() > 0 else "lost"
        return Answer(moved, "nothing to do: the layer holds them", aligned)
    import jax
    from flax import linen

    module = linen.BatchNorm(use_running_average=False)
    variables = module.init(jax.random.key(0), X)
    default = refused(lambda: str(module.apply(variables, X)))
    return Answer(
        default, "y, new = apply(variables, x, mutable=['batch_stats']), keep new", aligned
    )


@row(
    "B15",
    "Batch normalization in float32: outputs of 4095 and 4097",
    {"pytorch": 0.999995, "tensorflow": 0.999995, "jax": 316.227766},
    reference=lambda: normalized(np.array([[4095.0], [4097.0]]), 0),
    decimals=3,
    tolerance=1e-5,  # float32 is what the row is about
)
def fast_variance(framework: str) -> Answer:
    """E[x^2] - E[x]^2 cancels in float32: the variance of large values is lost."""
    x = np.array([[4095.0], [4097.0]], np.float32)
    if framework == "pytorch":
        import torch

        layer = torch.nn.BatchNorm1d(1, eps=EPSILON)
        y = layer(torch.from_numpy(x)).detach().numpy()
        return Answer(float(y[1, 0]), "as it is", y)
    if framework == "tensorflow":
        import keras

        def layer(x: np.ndarray) -> np.ndarray:
            return np.asarray(keras.layers.BatchNormalization(epsilon=EPSILON)(x, training=True))

        return Answer(float(layer(x)[1, 0]), "as it is", layer(x))
    import jax
    from flax import linen

    def output(**fast: Any) -> np.ndarray:
        module = linen.BatchNorm(use_running_average=False, epsilon=EPSILON, **fast)
        return np.asarray(module.init_with_output(jax.random.key(0), x)[0])

    default = output()[1, 0]
    return Answer(float(default), "use_fast_variance=False", output(use_fast_variance=False))
