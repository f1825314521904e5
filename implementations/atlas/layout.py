"""Layout: how weights and images lie in memory, and the transposed convolution.

Images are held as (N, H, W, C) here, kernels as (height, width, in, out).
"""

from typing import Any

import numpy as np

from implementations.atlas.row import Answer, row

DRAWS = np.random.default_rng(3)
X = DRAWS.normal(size=(2, 4, 5, 2))
KERNEL = DRAWS.normal(size=(3, 4, 2, 5))
VECTORS, MATRIX = DRAWS.normal(size=(6, 2)), DRAWS.normal(size=(2, 5))


def variables(module: Any, x: np.ndarray) -> Any:
    """The shapes of what flax would draw: drawing is compiled, and that takes a second."""
    import jax

    return jax.eval_shape(lambda: module.init(jax.random.key(0), x))["params"]


def correlated(x: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    windows = np.lib.stride_tricks.sliding_window_view(x, kernel.shape[:2], (1, 2))
    return np.einsum("nijcab,abco->nijo", windows, kernel)


@row(
    "C5",
    "Convolution kernel: 2 channels in, 5 out, 3 high, 4 wide",
    {"pytorch": [5, 2, 3, 4], "tensorflow": [3, 4, 2, 5], "jax": [3, 4, 2, 5]},
    reference=lambda: correlated(X, KERNEL),
)
def kernel_layout(framework: str) -> Answer:
    """With as many channels in as out a kernel loads the wrong way round and nothing complains."""
    if framework == "pytorch":
        import torch

        layer = torch.nn.Conv2d(2, 5, (3, 4), bias=False, dtype=torch.float64)
        shape = list(layer.weight.shape)
        with torch.no_grad():
            layer.weight.copy_(torch.from_numpy(KERNEL.transpose(3, 2, 0, 1)))
            y = layer(torch.from_numpy(X).movedim(3, 1)).movedim(1, 3)
        return Answer(shape, "kernel.transpose(3, 2, 0, 1) from (h, w, in, out)", y.numpy())
    if framework == "tensorflow":
        import keras

        layer: Any = keras.layers.Conv2D(5, (3, 4), use_bias=False, dtype="float64")
        layer.build(X.shape)
        shape = list(layer.kernel.shape)
        layer.set_weights([KERNEL])
        return Answer(shape, "as it is: (h, w, in, out)", np.asarray(layer(X)))
    from flax import linen

    module = linen.Conv(5, (3, 4), use_bias=False, padding="VALID")
    shape = list(variables(module, X)["kernel"].shape)
    y = module.apply({"params": {"kernel": KERNEL}}, X)
    return Answer(shape, "as it is: (h, w, in, out)", np.asarray(y))


@row(
    "C6",
    "Dense weight: 2 in, 5 out",
    {"pytorch": [5, 2], "tensorflow": [2, 5], "jax": [2, 5]},
    reference=lambda: VECTORS @ MATRIX,
)
def dense_layout(framework: str) -> Answer:
    """x W^T or x W: a square weight loads transposed without a word."""
    if framework == "pytorch":
        import torch

        layer = torch.nn.Linear(2, 5, bias=False, dtype=torch.float64)
        shape = list(layer.weight.shape)
        layer.load_state_dict({"weight": torch.from_numpy(MATRIX.T)})
        return Answer(shape, "weight.T", layer(torch.from_numpy(VECTORS)).detach().numpy())
    if framework == "tensorflow":
        import keras

        layer: Any = keras.layers.Dense(5, use_bias=False, dtype="float64")
        layer.build(VECTORS.shape)
        shape = list(layer.kernel.shape)
        layer.set_weights([MATRIX])
        return Answer(shape, "as it is: (in, out)", np.asarray(layer(VECTORS)))
    from flax import linen

    module = linen.Dense(5, use_bias=False)
    shape = list(variables(module, VECTORS)["kernel"].shape)
    y = module.apply({"params": {"kernel": MATRIX}}, VECTORS)
    return Answer(shape, "as it is: (in, out)", np.asarray(y))


@row(
    "C15",
    "Convolution layer: axis of the channels",
    {"pytorch": 1, "tensorflow": 3, "jax": 3},
    reference=lambda: correlated(X, KERNEL),
)
def image_layout(framework: str) -> Answer:
    """An image of 3 by 3 pixels and 3 channels convolves along the wrong axes without a word."""
    sizes: Any = np.ones((1, 6, 7, 8))  # a single filter leaves a 1 where the channels were
    if framework == "pytorch":
        import torch

        shape = torch.nn.LazyConv2d(1, 1)(torch.ones(sizes.shape)).shape
        kernel = torch.from_numpy(KERNEL).permute(3, 2, 0, 1)
        y = torch.nn.functional.conv2d(torch.from_numpy(X).movedim(3, 1), kernel)
        recipe, y = "x.movedim(3, 1) before, y.movedim(1, 3) after", y.movedim(1, 3).numpy()
    elif framework == "tensorflow":
        import keras
        import tensorflow as tf

        shape = keras.layers.Conv2D(1, 1)(sizes).shape
        recipe, y = "as it is: channels last", tf.nn.conv2d(X, KERNEL, 1, "VALID").numpy()
    else:
        import jax
        import jax.numpy as jnp
        from flax import linen
        from jax import lax

        module = linen.Conv(1, (1, 1))
        y, _ = jax.eval_shape(lambda: module.init_with_output(jax.random.key(0), sizes))
        shape = y.shape
        x, kernel, numbers = jnp.asarray(X), jnp.asarray(KERNEL), ("NHWC", "HWIO", "NHWC")
        y = lax.conv_general_dilated(x, kernel, (1, 1), "VALID", dimension_numbers=numbers)
        recipe = "flax as it is; lax needs dimension_numbers=('NHWC', 'HWIO', 'NHWC')"
    return Answer(list(shape).index(1, 1), recipe, np.asarray(y))


@row(
    "C10",
    "Flattening 2x2 pixels of channels 10s and 20s",
    {
        "pytorch": [11, 12, 13, 14, 21, 22, 23, 24],
        "tensorflow": [11, 21, 12, 22, 13, 23, 14, 24],
        "jax": [11, 21, 12, 22, 13, 23, 14, 24],
    },
    reference=lambda: X.reshape(2, -1),
)
def flatten_order(framework: str) -> Answer:
    """The first dense layer after a convolution reads its rows in another order."""
    image = np.array([[11.0, 21], [12, 22], [13, 23], [14, 24]]).reshape(1, 2, 2, 2)
    if framework == "pytorch":
        import torch

        flatten = torch.nn.Flatten()
        default = flatten(torch.from_numpy(image).movedim(3, 1))
        aligned = flatten(torch.from_numpy(X).movedim(3, 1).permute(0, 2, 3, 1))
        recipe = "x.permute(0, 2, 3, 1) before Flatten, or permute the dense layer's rows"
        return Answer(default[0].numpy(), recipe, aligned.numpy())
    if framework == "tensorflow":
        import keras

        flatten = keras.layers.Flatten(dtype="float64")
        return Answer(np.asarray(flatten(image))[0], "as it is", np.asarray(flatten(X)))
    import jax.numpy as jnp

    default = jnp.reshape(jnp.asarray(image), (1, -1))[0]
    return Answer(np.asarray(default), "as it is", np.asarray(jnp.reshape(jnp.asarray(X), (2, -1))))


# Transposed convolution, along one axis: y[s*i + a] += x[i] k[a].
LINE, TAPS = np.array([1.0, 10.0]), np.array([1.0, 2.0, 3.0])


def spread(stride: int = 2) -> np.ndarray:
    """1 2 13 20 30: the full output for LINE and TAPS with stride 2."""
    y = np.zeros(stride * (len(LINE) - 1) + len(TAPS))
    for position, value in enumerate(LINE):
        y[stride * position : stride * position + len(TAPS)] += value * TAPS
    return y


def transposed(framework: str, **options: Any) -> np.ndarray:
    """The layer's output for LINE and TAPS with stride 2."""
    if framework == "pytorch":
        import torch

        layer = torch.nn.ConvTranspose1d(1, 1, 3, 2, bias=False, dtype=torch.float64, **options)
        layer.load_state_dict({"weight": torch.from_numpy(TAPS)[None, None]})
        return layer(torch.from_numpy(LINE)[None, None]).detach().numpy().ravel()
    x = LINE[None, :, None]
    if framework == "tensorflow":
        import keras

        layer = keras.layers.Conv1DTranspose(1, 3, 2, use_bias=False, dtype="float64", **options)
        layer.build(x.shape)
        layer.set_weights([TAPS[:, None, None]])
        return np.asarray(layer(x)).ravel()
    from flax import linen

    module = linen.ConvTranspose(1, (3,), (2,), use_bias=False, **options)
    return np.asarray(module.apply({"params": {"kernel": TAPS[:, None, None]}}, x)).ravel()


@row(
    "C7",
    "Transposed convolution's kernel: 2 channels in, 5 out, 3 high, 4 wide",
    {"pytorch": [2, 5, 3, 4], "tensorflow": [3, 4, 5, 2], "jax": [3, 4, 2, 5]},
    reference=lambda: np.einsum("nijc,co->nijo", X, KERNEL[0, 0]),
)
def transposed_layout(framework: str) -> Answer:
    """Three layouts for three frameworks, none of them that of the plain convolution everywhere."""
    pixel = KERNEL[:1, :1]  # 1x1: nothing but the order of the channels is left
    if framework == "pytorch":
        import torch

        shape = list(torch.nn.ConvTranspose2d(2, 5, (3, 4)).weight.shape)
        weight = torch.from_numpy(pixel).permute(2, 3, 0, 1)
        y = torch.nn.functional.conv_transpose2d(torch.from_numpy(X).movedim(3, 1), weight)
        recipe = "kernel.transpose(2, 3, 0, 1) from (h, w, in, out)"
        return Answer(shape, recipe, y.movedim(1, 3).numpy())
    if framework == "tensorflow":
        import keras

        layer = keras.layers.Conv2DTranspose(5, (3, 4))
        layer.build(X.shape)
        one = keras.layers.Conv2DTranspose(5, 1, use_bias=False, dtype="float64")
        one.build(X.shape)
        one.set_weights([pixel.transpose(0, 1, 3, 2)])
        recipe = "kernel.transpose(0, 1, 3, 2) from (h, w, in, out)"
        return Answer(list(layer.kernel.shape), recipe, np.asarray(one(X)))
    from flax import linen

    shape = list(variables(linen.ConvTranspose(5, (3, 4)), X)["kernel"].shape)
    y = linen.ConvTranspose(5, (1, 1), use_bias=False).apply({"params": {"kernel": pixel}}, X)
    return Answer(shape, "as it is: (h, w, in, out)", np.asarray(y))


@row(
    "C8",
    "Transposed convolution, kernel 1 2 3 over an impulse, stride 1, whole output",
    {"pytorch": [1, 2, 3], "tensorflow": [1, 2, 3], "jax": [3, 2, 1]},
    reference=spread,
)
def transposed_flip(framework: str) -> Answer:
    """One library slides the kernel unflipped: it is the transpose of a flipped convolution."""
    impulse = np.ones((1, 1, 1))
    if framework == "pytorch":
        import torch

        y = torch.nn.functional.conv_transpose1d(
            torch.from_numpy(impulse), torch.from_numpy(TAPS)[None, None]
        )
        return Answer(y.numpy().ravel(), "as it is", transposed(framework))
    if framework == "tensorflow":
        import tensorflow as tf

        size = tf.constant([1, 3, 1])
        y = tf.nn.conv1d_transpose(impulse, TAPS[:, None, None], size, 1, "VALID")
        return Answer(y.numpy().ravel(), "as it is", transposed(framework, padding="valid"))
    import jax.numpy as jnp
    from jax import lax

    taps = jnp.asarray(TAPS)[:, None, None]
    y = lax.conv_transpose(jnp.asarray(impulse), taps, (1,), "VALID")
    recipe = "transpose_kernel=True, with the kernel's in and out swapped"
    aligned = transposed(framework, padding="VALID", transpose_kernel=True)
    return Answer(np.asarray(y).ravel(), recipe, aligned)


@row(
    "C9",
    "Transposed convolution of 2 numbers, 3 taps, stride 2: size of the output",
    {"pytorch": 5, "tensorflow": 5, "jax": 4},
    reference=spread,
)
def transposed_size(framework: str) -> Answer:
    """One library crops to SAME when nobody says anything."""
    default = len(transposed(framework))
    if framework == "jax":
        aligned = transposed(framework, padding="VALID", transpose_kernel=True)
        return Answer(default, "padding='VALID', transpose_kernel=True", aligned)
    return Answer(default, "as it is", transposed(framework))


@row(
    "C9s",
    "Transposed convolution to twice the size, 3 taps, stride 2: what is kept of 1 2 13 20 30",
    {"pytorch": [2, 13, 20, 30], "tensorflow": [1, 2, 13, 20], "jax": [1, 2, 13, 20]},
    reference=lambda: spread()[:-1],
)
def transposed_crop(framework: str) -> Answer:
    """padding=1 with output_padding=1 crops in front, SAME crops the end: a shift by one pixel.

    Kernels are made to agree first, as in C8.
    """
    if framework == "pytorch":
        default = transposed(framework, padding=1, output_padding=1)
        return Answer(default, "padding=0, then y[:-1] on each axis", transposed(framework)[:-1])
    if framework == "tensorflow":
        aligned = transposed(framework, padding="same")
        return Answer(aligned, "padding='same'", aligned)
    aligned = transposed(framework, padding="SAME", transpose_kernel=True)
    return Answer(aligned, "padding='SAME', transpose_kernel=True", aligned)
