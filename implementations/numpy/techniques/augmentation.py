"""Augmentation of images in NumPy, on plain arrays: nothing here is differentiated.

All draws are handed in. Images are (B, H, W, C); positions are (row, column) in pixels, read
between pixels by bilinear interpolation and as 0 outside of the image. Simard, Steinkraus and Platt
(2003), "Best practices for convolutional neural networks applied to visual document analysis".
"""

import numpy as np


def affine(x: np.ndarray, angle: np.ndarray, scale: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """Each image turned by `angle` (B,), enlarged by `scale` (B,) about its center, and shifted by
    `shift` (B, 2), down and right. x (B, H, W, C).

    The pixel at q is read at p = c + R(-angle) (q - c - shift) / scale, c = ((H-1)/2, (W-1)/2),
    R(a) = [[cos a, -sin a], [sin a, cos a]].
    """
    rows, columns = _grid(x)
    center = (x.shape[1] - 1) / 2, (x.shape[2] - 1) / 2
    down = rows - center[0] - shift[:, 0, None, None]
    right = columns - center[1] - shift[:, 1, None, None]
    cosine, sine = (f(angle)[:, None, None] for f in (np.cos, np.sin))
    size = scale[:, None, None]
    return _sample(
        x,
        center[0] + (cosine * down + sine * right) / size,
        center[1] + (cosine * right - sine * down) / size,
    )


def elastic(x: np.ndarray, displacement: np.ndarray) -> np.ndarray:
    """The pixel at q is read at q + displacement_q. x (B, H, W, C), displacement (B, H, W, 2)."""
    rows, columns = _grid(x)
    return _sample(x, rows + displacement[..., 0], columns + displacement[..., 1])


def noise(x: np.ndarray, noise: np.ndarray) -> np.ndarray:
    """x + noise, both of one shape."""
    return x + noise


def _grid(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Row (H, 1) and column (1, W) of every pixel."""
    rows, columns = (np.arange(side, dtype=x.dtype) for side in x.shape[1:3])
    return rows[:, None], columns[None, :]


def _sample(x: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """x at positions (B, H, W) between its pixels: bilinear, zeros outside of the image.

    With r = floor(row), c = floor(column), u = row - r, v = column - c:
    (1-u)(1-v) x_rc + (1-u) v x_r(c+1) + u (1-v) x_(r+1)c + u v x_(r+1)(c+1).
    """
    height, width = x.shape[1:3]
    top, left = np.floor(rows), np.floor(columns)
    images = np.arange(len(x))[:, None, None]

    def corner(row: np.ndarray, column: np.ndarray) -> np.ndarray:
        """The pixels nearest to p on one side, times how near they are."""
        inside = (row >= 0) & (row <= height - 1) & (column >= 0) & (column <= width - 1)
        near = (1 - np.abs(rows - row)) * (1 - np.abs(columns - column))
        at = np.clip(row, 0, height - 1).astype(int), np.clip(column, 0, width - 1).astype(int)
        return (near * inside)[..., None] * x[images, *at]

    return (
        corner(top, left)
        + corner(top, left + 1)
        + corner(top + 1, left)
        + corner(top + 1, left + 1)
    )
