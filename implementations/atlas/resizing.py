"""Resizing and preparing images: where sampling points lie, and what is smoothed.

Images are held as (N, H, W, C) here. TensorFlow resizes to float32 whatever it is given, so that
rows are compared at float32's rounding.
"""

from typing import Any

import numpy as np

from implementations.atlas.row import FLOAT32, Answer, row

COUNTED = np.arange(16.0).reshape(1, 4, 4, 1)
X = np.random.default_rng(6).normal(size=(1, 4, 6, 2))


def resized(framework: str, x: np.ndarray, size: tuple[int, int], **options: Any) -> np.ndarray:
    """The library's function; `mode` is its word for the method."""
    mode = options.pop("mode")
    if framework == "pytorch":
        import torch

        image = torch.from_numpy(x).movedim(3, 1)
        y = torch.nn.functional.interpolate(image, size, mode=mode, **options)
        return y.movedim(1, 3).numpy()
    if framework == "tensorflow":
        import tensorflow as tf

        return tf.image.resize(x, size, mode, **options).numpy()
    import jax

    return np.asarray(jax.image.resize(x, (x.shape[0], *size, x.shape[3]), mode, **options))


def interpolated(x: np.ndarray, size: tuple[int, int], kernel: Any, smooth: bool) -> np.ndarray:
    """Output i samples at (i + 1/2) * in/out - 1/2; weights that fall outside are shared out again.

    smooth: where the image shrinks, the kernel grows with it.
    """
    for axis, out in zip((1, 2), size, strict=True):
        scale = x.shape[axis] / out
        reach = max(scale, 1.0) if smooth else 1.0
        points = (np.arange(out) + 0.5) * scale - 0.5
        if not smooth:
            points = points.clip(0, x.shape[axis] - 1)
        weights = kernel((points[:, None] - np.arange(x.shape[axis])) / reach)
        weights /= weights.sum(1, keepdims=True)
        x = np.moveaxis(np.moveaxis(x, axis, -1) @ weights.T, -1, axis)
    return x


def tent(distance: np.ndarray) -> np.ndarray:
    return np.maximum(0, 1 - np.abs(distance))


def cubic(distance: np.ndarray) -> np.ndarray:
    """Keys' kernel with a = -1/2."""
    d = np.abs(distance)
    near, far = 1.5 * d**3 - 2.5 * d**2 + 1, -0.5 * d**3 + 2.5 * d**2 - 4 * d + 2
    return np.where(d <= 1, near, np.where(d < 2, far, 0.0))


@row(
    "R1",
    "Bilinear, 4x4 of 0..15 to 2x2",
    {
        "pytorch": [2.5, 4.5, 10.5, 12.5],
        "tensorflow": [2.5, 4.5, 10.5, 12.5],
        "jax": [3.571429, 5.142857, 9.857143, 11.428571],
    },
    reference=lambda: interpolated(X, (2, 3), tent, smooth=False),
    tolerance=FLOAT32,
)
def bilinear_down(framework: str) -> Answer:
    """One library smooths before it shrinks: the same net sees another picture."""
    default = resized(framework, COUNTED, (2, 2), mode="bilinear").ravel()
    options = {"antialias": False} if framework == "jax" else {}
    aligned = resized(framework, X, (2, 3), mode="bilinear", **options)
    return Answer(default, "antialias=False" if options else "as it is", aligned)


@row(
    "R1a",
    "Bilinear with antialias=True, 4x4 of 0..15 to 2x2",
    {
        "pytorch": [3.571429, 5.142857, 9.857143, 11.428571],
        "tensorflow": [3.571429, 5.142857, 9.857143, 11.428571],
        "jax": [3.571429, 5.142857, 9.857143, 11.428571],
    },
    reference=lambda: interpolated(X, (2, 3), tent, smooth=True),
    decimals=4,
    tolerance=FLOAT32,
)
def bilinear_smooth(framework: str) -> Answer:
    """Asked for, smoothing is the same everywhere."""
    default = resized(framework, COUNTED, (2, 2), mode="bilinear", antialias=True).ravel()
    aligned = resized(framework, X, (2, 3), mode="bilinear", antialias=True)
    return Answer(default, "antialias=True", aligned)


@row(
    "R1u",
    "Bilinear, 0 1 2 3 to 8: the first three",
    {"pytorch": [0, 0.25, 0.75], "tensorflow": [0, 0.25, 0.75], "jax": [0, 0.25, 0.75]},
    reference=lambda: interpolated(X, (8, 12), tent, smooth=False),
    tolerance=FLOAT32,
)
def bilinear_up(framework: str) -> Answer:
    """Half-pixel centers in all; nets from before 2018 aligned corners instead."""
    default = resized(framework, COUNTED[:, :1], (1, 8), mode="bilinear").ravel()[:3]
    return Answer(default, "as it is", resized(framework, X, (8, 12), mode="bilinear"))


@row(
    "R1o",
    "Bilinear of the time before half-pixel centers, 4x4 of 0..15 to 2x2",
    {"pytorch": None, "tensorflow": [0, 2, 8, 10], "jax": None},
    reference=lambda: COUNTED[:, ::2, ::2],
    tolerance=FLOAT32,
)
def bilinear_old(framework: str) -> Answer:
    """Old TensorFlow nets were trained on pictures that are shifted by half a pixel."""
    recipe = "sample at i * in/out: for whole factors x[:, ::s, ::s]"
    if framework == "pytorch":
        import torch

        return Answer(None, recipe, torch.from_numpy(COUNTED)[:, ::2, ::2].numpy())
    if framework == "tensorflow":
        import tensorflow as tf

        old = tf.compat.v1.image.resize_bilinear(COUNTED, (2, 2)).numpy()
        return Answer(old.ravel(), "tf.compat.v1.image.resize_bilinear", old)
    import jax.numpy as jnp

    return Answer(None, recipe, np.asarray(jnp.asarray(COUNTED)[:, ::2, ::2]))


@row(
    "R2",
    "Nearest, 0 1 2 3 to three",
    {"pytorch": [0, 1, 2], "tensorflow": [0, 2, 3], "jax": [0, 2, 3]},
    reference=lambda: X[:, [0, 2, 3]][:, :, [0, 2, 3, 5]],
    tolerance=FLOAT32,
)
def nearest(framework: str) -> Answer:
    """The word takes the entry to the left in one library: masks shift against their images."""
    default = resized(framework, COUNTED[:, :1], (1, 3), mode="nearest").ravel()
    mode = "nearest-exact" if framework == "pytorch" else "nearest"
    recipe = "mode='nearest-exact'" if framework == "pytorch" else "as it is"
    return Answer(default, recipe, resized(framework, X, (3, 4), mode=mode))


@row(
    "R3",
    "Bicubic, 0 0 1 0 0 0 to twelve: the largest",
    {"pytorch": 0.878906, "tensorflow": 0.867188, "jax": 0.867188},
    reference=lambda: interpolated(X, (8, 12), cubic, smooth=True),
    tolerance=FLOAT32,
)
def bicubic(framework: str) -> Answer:
    """Two kernels under one name, a = -3/4 and a = -1/2."""
    word = "cubic" if framework == "jax" else "bicubic"
    impulse = np.eye(6)[2].reshape(1, 1, 6, 1)
    default = resized(framework, impulse, (1, 12), mode=word).max()
    options = {"antialias": True} if framework == "pytorch" else {}
    aligned = resized(framework, X, (8, 12), mode=word, **options)
    recipe = "antialias=True: it takes a = -1/2" if options else "as it is"
    return Answer(float(default), recipe, aligned)


@row(
    "R7",
    "VGG's preparation of the pixel red 10, green 20, blue 30",
    {"pytorch": None, "tensorflow": [-73.939, -96.779, -113.68], "jax": None},
    reference=lambda: np.array([-73.939, -96.779, -113.68]),
    tolerance=FLOAT32,
)
def vgg_preparation(framework: str) -> Answer:
    """Keras subtracts means in the order blue, green, red; other weights want RGB in [0, 1]."""
    pixel, means = np.array([10.0, 20.0, 30.0]), np.array([103.939, 116.779, 123.68])
    recipe = "x[..., ::-1] - (103.939, 116.779, 123.68), pixels in 0..255"
    if framework == "pytorch":
        import torch

        return Answer(
            None, recipe, (torch.from_numpy(pixel).flip(0) - torch.from_numpy(means)).numpy()
        )
    if framework == "tensorflow":
        import keras

        image = pixel.reshape(1, 1, 1, 3).copy()  # it is changed in place
        found = np.asarray(keras.applications.vgg16.preprocess_input(image)).ravel()
        return Answer(found, "keras.applications.vgg16.preprocess_input", found)
    import jax.numpy as jnp

    return Answer(None, recipe, np.asarray(jnp.asarray(pixel)[::-1] - means))


@row(
    "R9",
    "Bilinear of uint8: dtype of the output",
    {"pytorch": "uint8", "tensorflow": "float32", "jax": "float32"},
    reference=lambda: interpolated(COUNTED, (2, 2), tent, smooth=False),
    tolerance=FLOAT32,
)
def bytes_resized(framework: str) -> Answer:
    """Rounded to whole numbers, or not: a step of the input pipeline that is never compared."""
    pixels = COUNTED.astype(np.uint8)
    dtype = resized(framework, pixels, (2, 2), mode="bilinear").dtype
    options = {"antialias": False} if framework == "jax" else {}
    aligned = resized(framework, pixels.astype(np.float32), (2, 2), mode="bilinear", **options)
    return Answer(str(dtype), "cast to float32 before resizing", aligned)
