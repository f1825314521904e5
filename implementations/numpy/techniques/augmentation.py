"""Augmentation of images in NumPy, on plain arrays: nothing here is differentiated.

All draws are handed in. Images are (B, H, W, C); positions are (row, column) in pixels.
"""

import numpy as np


def affine(x: np.ndarray, angle: np.ndarray, scale: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """Each image turned by `angle` (B,), enlarged by `scale` (B,) about its center, and shifted by
    `shift` (B, 2), down and right.

    The pixel at q is read at p = c + R(-angle) (q - c - shift) / scale, c = ((H-1)/2, (W-1)/2),
    R(a) = [[cos a, -sin a], [sin a, cos a]].
    """
    rows, columns = _grid(x)
    middle = (x.shape[1] - 1) / 2, (x.shape[2] - 1) / 2
    down = rows - middle[0] - shift[:, 0, None, None]
    right = columns - middle[1] - shift[:, 1, None, None]
    cosine, sine = (f(angle)[:, None, None] for f in (np.cos, np.sin))
    size = scale[:, None, None]
    return _sample(
        x,
        middle[0] + (cosine * down + sine * right) / size,
        middle[1] + (cosine * right - sine * down) / size,
    )


def elastic(x: np.ndarray, displacement: np.ndarray) -> np.ndarray:
    """The pixel at q is read at q + displacement_q. displacement (B, H, W, 2).

    Simard, Steinkraus and Platt (2003), "Best practices for convolutional neural networks applied
    to visual document analysis".
    """
    rows, columns = _grid(x)
    return _sample(x, rows + displacement[..., 0], columns + displacement[..., 1])


def noise(x: np.ndarray, noise: np.ndarray) -> np.ndarray:
    """x + noise, of the same shape."""
    return x + noise


def _grid(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Row (1, H, 1) and column (1, 1, W) of every pixel."""
    rows, columns = (np.arange(side, dtype=x.dtype) for side in x.shape[1:3])
    return rows[None, :, None], columns[None, None, :]


def _sample(x: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """x at positions (B, H, W) between its pixels: bilinear, zeros outside of the image.

    With r = floor(row), c = floor(column), u = row - r, v = column - c:
    (1-u)(1-v) x_rc + (1-u) v x_r(c+1) + u (1-v) x_(r+1)c + u v x_(r+1)(c+1).
    """
    top, left = np.floor(rows), np.floor(columns)
    image = np.arange(len(x))[:, None, None]
    value = np.zeros_like(x)
    for row, by_row in ((top, 1 - (rows - top)), (top + 1, rows - top)):
        for column, by_column in ((left, 1 - (columns - left)), (left + 1, columns - left)):
            inside = (row >= 0) & (row < x.shape[1]) & (column >= 0) & (column < x.shape[2])
            i = np.where(inside, row, 0).astype(np.int64)
            j = np.where(inside, column, 0).astype(np.int64)
            value += (by_row * by_column * inside)[..., None] * x[image, i, j]
    return value
