"""Regions of images: boxes that are cut out, boxes that are dropped, random crops.

Images are held as (N, H, W, C) here, boxes as (top, left, bottom, right): in fractions of the image
for cutting, in pixels for dropping.
"""

from typing import Any

import numpy as np

from implementations.atlas._tensors import functions, value
from implementations.atlas.row import FLOAT32, Answer, row

COUNTED = np.arange(16.0).reshape(1, 4, 4, 1)
DRAWS = np.random.default_rng(13)
X = DRAWS.normal(size=(1, 6, 8, 2))
BOX, SIZE = (0.125, 0.25, 0.875, 0.75), (2, 3)
CORNERS = DRAWS.uniform(0, 1, size=(12, 2))
BOXES = np.concatenate([CORNERS, CORNERS + DRAWS.uniform(1, 2, size=(12, 2))], axis=1)
SCORES = DRAWS.permutation(12) / 12.0
THRESHOLD = 0.5
PICTURES = DRAWS.normal(size=(4, 6, 6, 1))
OFFSETS = DRAWS.integers(0, 4, size=(4, 2))
COPIES, CROP = 32, 3


def centers(low: float, high: float, count: int, pixels: int) -> np.ndarray:
    """The centers of equal bins between two fractions, in pixels: the first pixel's center is 0."""
    return (low + (np.arange(count) + 0.5) * (high - low) / count) * pixels - 0.5


def binned() -> np.ndarray:
    """X at the centers of the bins of BOX, bilinearly: (height, width, C)."""
    image, (height, width) = X[0], SIZE
    for axis, (low, high, count) in enumerate(((BOX[0], BOX[2], height), (BOX[1], BOX[3], width))):
        at = centers(low, high, count, X.shape[1 + axis])
        weights = np.maximum(0, 1 - np.abs(at[:, None] - np.arange(X.shape[1 + axis])))
        image = np.moveaxis(np.moveaxis(image, axis, -1) @ weights.T, -1, axis)
    return image


@row(
    "R5",
    "Cutting the whole image of 0..15 on 4x4 out as 2x2",
    {"pytorch": None, "tensorflow": [0, 3, 12, 15], "jax": None},
    reference=binned,
    tolerance=FLOAT32,
)
def cut_out(framework: str) -> Answer:
    """The library's function reads the corners of the box, RoIAlign the centers of its bins."""
    rows, columns = (
        centers(BOX[axis], BOX[axis + 2], SIZE[axis], X.shape[1 + axis]) for axis in (0, 1)
    )
    height, width = X.shape[1:3]
    if framework == "pytorch":
        import torch

        across, down = np.meshgrid((2 * columns + 1) / width - 1, (2 * rows + 1) / height - 1)
        grid = torch.from_numpy(np.stack([across, down], -1))[None]
        image = torch.from_numpy(X).movedim(3, 1)
        y = torch.nn.functional.grid_sample(image, grid, align_corners=False)
        recipe = "F.grid_sample at the bins' centers, -1 and 1 the outer edges, align_corners=False"
        return Answer(None, recipe, y.movedim(1, 3)[0].numpy())
    if framework == "tensorflow":
        import tensorflow as tf

        crop = tf.image.crop_and_resize
        default = crop(COUNTED, [[0.0, 0.0, 1.0, 1.0]], [0], (2, 2)).numpy().ravel()
        ends = rows[[0, -1]] / (height - 1), columns[[0, -1]] / (width - 1)
        box = [[ends[0][0], ends[1][0], ends[0][1], ends[1][1]]]
        recipe = "crop_and_resize with the box from the first bin's center to the last one's"
        return Answer(default, recipe, crop(X, box, [0], SIZE)[0].numpy())
    import jax.numpy as jnp
    from jax.scipy.ndimage import map_coordinates

    at = list(jnp.meshgrid(jnp.asarray(rows), jnp.asarray(columns), indexing="ij"))
    channels = [map_coordinates(jnp.asarray(X[0, ..., c]), at, order=1) for c in range(X.shape[3])]
    recipe = "map_coordinates(order=1) at the bins' centers, channel by channel"
    return Answer(None, recipe, np.asarray(jnp.stack(channels, -1)))


def overlaps(m: Any, boxes: Any) -> Any:
    """Intersection over union of every two boxes, by a module that has minimum and maximum."""
    top, left, bottom, right = (boxes[:, edge] for edge in range(4))
    area = (bottom - top) * (right - left)
    high = m.minimum(bottom[:, None], bottom[None]) - m.maximum(top[:, None], top[None])
    wide = m.minimum(right[:, None], right[None]) - m.maximum(left[:, None], left[None])
    shared = m.where(high > 0, high, 0 * high) * m.where(wide > 0, wide, 0 * wide)
    return shared / (area[:, None] + area[None] - shared)


def kept(overlap: np.ndarray) -> np.ndarray:
    """From the highest score on: a box stays unless it overlaps one that stayed by more."""
    chosen: list[int] = []
    for box in np.argsort(-SCORES):
        if not chosen or overlap[box, chosen].max() <= THRESHOLD:
            chosen.append(int(box))
    return np.array(chosen, float)


@row(
    "R5n",
    "Two boxes that overlap by just the threshold, 1/2: how many are kept",
    {"pytorch": None, "tensorflow": 2, "jax": None},
    reference=lambda: kept(overlaps(np, BOXES)),
)
def suppression(framework: str) -> Answer:
    """Greater, or greater or equal: boxes on whole pixels meet the threshold exactly."""
    aligned = kept(value(framework, lambda boxes: overlaps(functions(framework), boxes), BOXES))
    recipe = "written out: drop what overlaps a better box by more than the threshold"
    if framework != "tensorflow":
        return Answer(None, recipe, aligned)
    import tensorflow as tf

    drop = tf.image.non_max_suppression
    half = np.array([[0.0, 0.0, 1.0, 2.0], [0.0, 0.0, 1.0, 1.0]], np.float32)
    default = len(drop(half, np.array([1.0, 0.5], np.float32), 2, THRESHOLD))
    aligned = drop(BOXES.astype(np.float32), SCORES.astype(np.float32), len(BOXES), THRESHOLD)
    return Answer(default, "as it is", aligned.numpy())


@row(
    "R6",
    "32 copies of an image in a batch: how many pictures a random crop makes, and a random flip",
    {"pytorch": None, "tensorflow": [1, 2], "jax": None},
    reference=lambda: np.stack(
        [x[r : r + CROP, c : c + CROP] for x, (r, c) in zip(PICTURES, OFFSETS, strict=True)]
    ),
)
def random_crop(framework: str) -> Answer:
    """One offset for the whole batch, where a flip is drawn for every image: less variety than the
    same words mean elsewhere."""
    recipe = "offsets drawn in NumPy, one an image, and every image cut by its own"
    if framework == "pytorch":
        import torch

        pictures = torch.from_numpy(PICTURES)
        cut = [x[r : r + CROP, c : c + CROP] for x, (r, c) in zip(pictures, OFFSETS, strict=True)]
        return Answer(None, recipe, torch.stack(cut).numpy())
    if framework == "tensorflow":
        import keras
        import tensorflow as tf

        copies = np.repeat(PICTURES[:1].astype(np.float32), COPIES, axis=0)
        crop = keras.layers.RandomCrop(CROP, CROP, seed=0)
        flip = keras.layers.RandomFlip("horizontal", seed=0)
        made = [
            np.asarray(layer(copies, training=True)).reshape(COPIES, -1) for layer in (crop, flip)
        ]
        cut = [
            tf.image.crop_to_bounding_box(x, r, c, CROP, CROP)
            for x, (r, c) in zip(PICTURES, OFFSETS.tolist(), strict=True)
        ]
        counts = [len(np.unique(pictures, axis=0)) for pictures in made]
        return Answer(counts, recipe, tf.stack(cut).numpy())
    import jax
    from jax import lax

    def one(x: Any, at: Any) -> Any:
        return lax.dynamic_slice(x, (at[0], at[1], 0), (CROP, CROP, 1))

    return Answer(None, recipe, np.asarray(jax.vmap(one)(PICTURES, OFFSETS)))
