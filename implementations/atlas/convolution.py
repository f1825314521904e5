"""Convolution: padding, the order of things in memory, and what its transpose does.

Images are held as (N, H, W, C) here, kernels as (height, width, in, out).
"""

from typing import Any

import numpy as np

from implementations.atlas.row import Answer, row

DRAWS = np.random.default_rng(2)
X = DRAWS.normal(size=(2, 6, 6, 3))
KERNEL = DRAWS.normal(size=(3, 3, 3, 4))
COUNTED = np.arange(36.0).reshape(1, 6, 6, 1)
ONES = np.ones((3, 3, 1, 1))
NUMBERS = ("NHWC", "HWIO", "NHWC")  # what lax.conv_general_dilated must be told


def correlated(
    x: np.ndarray, kernel: np.ndarray, stride: int = 1, pads: Any = (0, 0)
) -> np.ndarray:
    """y[i, j, o] = sum over a, b, c of x[i*s + a, j*s + b, c] k[a, b, c, o], pads on both axes."""
    padded = np.pad(x, [(0, 0), pads, pads, (0, 0)])
    windows = np.lib.stride_tricks.sliding_window_view(padded, kernel.shape[:2], (1, 2))
    return np.einsum("nijcab,abco->nijo", windows[:, ::stride, ::stride], kernel)


def convolved(
    framework: str, x: np.ndarray, kernel: np.ndarray, stride: int = 1, padding: Any = (0, 0)
) -> np.ndarray:
    """The library's function; padding as it takes it: words, or pads of an axis."""
    if framework == "pytorch":
        import torch

        image, weight = (
            torch.from_numpy(x).movedim(3, 1),
            torch.from_numpy(kernel).permute(3, 2, 0, 1),
        )
        if isinstance(padding, tuple):
            image, padding = torch.nn.functional.pad(image, padding * 2), 0
        y = torch.nn.functional.conv2d(image, weight, stride=stride, padding=padding)
        return y.movedim(1, 3).numpy()
    if framework == "tensorflow":
        import tensorflow as tf

        pads: Any = [(0, 0), padding, padding, (0, 0)] if isinstance(padding, tuple) else padding
        return tf.nn.conv2d(x, kernel, stride, pads).numpy()
    import jax.numpy as jnp
    from jax import lax

    pads = [padding, padding] if isinstance(padding, tuple) else padding
    image, weight, strides = jnp.asarray(x), jnp.asarray(kernel), (stride, stride)
    y = lax.conv_general_dilated(image, weight, strides, pads, dimension_numbers=NUMBERS)
    return np.asarray(y)


@row(
    "C1",
    "Convolution layer with a 3x3 kernel on 6x6: height of the output",
    {"pytorch": 4, "tensorflow": 4, "jax": 6},
    reference=lambda: correlated(X, KERNEL, pads=(1, 1)),
)
def default_padding(framework: str) -> Answer:
    """One library pads when nobody says anything: the next dense layer has another size."""
    aligned = convolved(framework, X, KERNEL, padding=(1, 1))
    if framework == "pytorch":
        import torch

        default = torch.nn.Conv2d(1, 1, 3)(torch.zeros(1, 1, 6, 6)).shape[2]
        return Answer(default, "padding=1", aligned)
    if framework == "tensorflow":
        import keras

        default = keras.layers.Conv2D(1, 3)(np.zeros((1, 6, 6, 1))).shape[1]
        return Answer(default, "ZeroPadding2D(1), then padding='valid'", aligned)
    import jax
    from flax import linen

    module, x = linen.Conv(1, (3, 3)), np.zeros((1, 6, 6, 1))
    y, _ = jax.eval_shape(lambda: module.init_with_output(jax.random.key(0), x))
    return Answer(y.shape[1], "padding=((1, 1), (1, 1))", aligned)


@row(
    "C2",
    "SAME with stride 2: sum of the first 3x3 window of 0..35 on 6x6",
    {"pytorch": "refused", "tensorflow": 63.0, "jax": 63.0},
    reference=lambda: correlated(X, KERNEL, 2, (1, 1)),
)
def same_with_stride(framework: str) -> Answer:
    """SAME puts the odd zero at the end, padding=1 one at each: all windows shift by one."""
    recipe = "pads ((1, 1), (1, 1)) written out, never SAME; on even sizes lax has SAME_LOWER"
    aligned = convolved(framework, X, KERNEL, 2, (1, 1))
    if framework == "pytorch":
        try:
            convolved(framework, COUNTED, ONES, 2, "same")
        except RuntimeError:
            return Answer("refused", recipe, aligned)
    return Answer(
        float(convolved(framework, COUNTED, ONES, 2, "SAME")[0, 0, 0, 0]), recipe, aligned
    )


@row(
    "C2e",
    "3x3 windows on 6x6 with stride 2, padded as usual: ones in the first and in the last",
    {"pytorch": [6, 9], "tensorflow": [9, 6], "jax": [9, 6]},
    reference=lambda: correlated(X, KERNEL, 2, (0, 1)),
)
def same_brought_over(framework: str) -> Answer:
    """Weights trained with SAME and evaluated with padding=1 lose accuracy and raise no error."""
    usual = (1, 1) if framework == "pytorch" else "SAME"
    sums = convolved(framework, np.ones((1, 6, 6, 1)), ONES, 2, usual)[0, :, 1, 0]
    recipe = (
        "to follow SAME: pads (0, 1) on both axes, F.pad(x, (0, 1, 0, 1)), and none in the layer"
    )
    aligned = convolved(framework, X, KERNEL, 2, (0, 1))
    return Answer([float(sums[0]), float(sums[-1])], recipe, aligned)


@row(
    "C3",
    "SAME with an even kernel, stride 1: 1 2 3 summed by two",
    {"pytorch": [3.0, 5.0, 3.0], "tensorflow": [3.0, 5.0, 3.0], "jax": [3.0, 5.0, 3.0]},
    reference=lambda: correlated(X, KERNEL[:2, :2], pads=(0, 1)),
)
def even_kernel(framework: str) -> Answer:
    """The one case of an odd zero in which all put it at the end."""
    word = "same" if framework == "pytorch" else "SAME"
    x = np.array([1.0, 2.0, 3.0]).reshape(1, 1, 3, 1)
    default = convolved(framework, x, np.ones((1, 2, 1, 1)), padding=word).ravel()
    return Answer(default, "as it is", convolved(framework, X, KERNEL[:2, :2], padding=word))


@row(
    "C4",
    "What the library calls convolution: kernel 1 2 3 over an impulse",
    {"pytorch": [3.0, 2.0, 1.0], "tensorflow": [3.0, 2.0, 1.0], "jax": [1.0, 2.0, 3.0]},
    reference=lambda: np.correlate([1.0, 2.0, 4.0, 8.0], [1.0, 2.0, 3.0]),
)
def correlation(framework: str) -> Answer:
    """Layers correlate; jnp.convolve and np.convolve flip the kernel as the mathematics does."""
    impulse, kernel = np.array([0.0, 0, 1, 0, 0]), np.array([1.0, 2.0, 3.0])
    x = np.array([1.0, 2.0, 4.0, 8.0])
    if framework == "pytorch":
        import torch

        def convolve(x: np.ndarray) -> np.ndarray:
            image, weight = torch.from_numpy(x)[None, None], torch.from_numpy(kernel)[None, None]
            return torch.nn.functional.conv1d(image, weight).numpy().ravel()

        return Answer(convolve(impulse), "as it is", convolve(x))
    if framework == "tensorflow":
        import tensorflow as tf

        def convolve(x: np.ndarray) -> np.ndarray:
            image, weight = x[None, :, None], kernel[:, None, None]
            return tf.nn.convolution(image, weight).numpy().ravel()

        return Answer(convolve(impulse), "as it is", convolve(x))
    import jax.numpy as jnp

    default = jnp.convolve(impulse, kernel, mode="valid")
    aligned = jnp.correlate(x, kernel, mode="valid")
    return Answer(np.asarray(default), "jnp.correlate, or any layer", np.asarray(aligned))


@row(
    "C13",
    "Depthwise convolution, two filters a channel: which channel each output reads",
    {"pytorch": [1, 1, 2, 2], "tensorflow": [1, 1, 2, 2], "jax": [1, 1, 2, 2]},
    reference=lambda: (X[..., None] * KERNEL[0, 0, :, :2]).reshape(2, 6, 6, 6),
)
def depthwise_order(framework: str) -> Answer:
    """The order of the outputs agrees; the kernels of it are laid out in three ways."""
    channels, ones = np.array([1.0, 2.0]).reshape(1, 1, 1, 2), np.ones((1, 1, 2, 2))

    def depthwise(x: np.ndarray, kernel: np.ndarray) -> Any:
        """A kernel (1, 1, channels, filters a channel)."""
        count, each = kernel.shape[2:]
        if framework == "pytorch":
            import torch

            weight = torch.from_numpy(kernel.reshape(count * each, 1, 1, 1))
            image = torch.from_numpy(x).movedim(3, 1)
            return torch.nn.functional.conv2d(image, weight, groups=count).movedim(1, 3).numpy()
        if framework == "tensorflow":
            import tensorflow as tf

            return tf.nn.depthwise_conv2d(x, kernel, (1, 1, 1, 1), "VALID").numpy()
        import jax.numpy as jnp
        from jax import lax

        image, weight = jnp.asarray(x), jnp.asarray(kernel).reshape(1, 1, 1, count * each)
        return lax.conv_general_dilated(
            image, weight, (1, 1), "VALID", dimension_numbers=NUMBERS, feature_group_count=count
        )

    recipe = {
        "pytorch": "groups=C, kernel (C*m, 1, kh, kw)",
        "tensorflow": "kernel (kh, kw, C, m)",
        "jax": "feature_group_count=C, kernel (kh, kw, 1, C*m)",
    }[framework]
    default = np.asarray(depthwise(channels, ones)).ravel()
    return Answer(default, recipe, np.asarray(depthwise(X, KERNEL[:1, :1, :, :2])))
