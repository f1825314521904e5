"""Augmentation of images in PyTorch.

All draws are handed in. Images are (B, C, H, W); positions are (row, column) in pixels.
"""

import torch
from torch import Tensor


def affine(x: Tensor, angle: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
    """Each image turned by `angle` (B,), enlarged by `scale` (B,) about its center, and shifted by
    `shift` (B, 2), down and right.

    The pixel at q is read at p = c + R(-angle) (q - c - shift) / scale, c = ((H-1)/2, (W-1)/2),
    R(a) = [[cos a, -sin a], [sin a, cos a]].
    """
    rows, columns = _grid(x)
    middle = (x.shape[2] - 1) / 2, (x.shape[3] - 1) / 2
    down = rows - middle[0] - shift[:, 0, None, None]
    right = columns - middle[1] - shift[:, 1, None, None]
    cosine, sine = torch.cos(angle)[:, None, None], torch.sin(angle)[:, None, None]
    size = scale[:, None, None]
    return _sample(
        x,
        middle[0] + (cosine * down + sine * right) / size,
        middle[1] + (cosine * right - sine * down) / size,
    )


def elastic(x: Tensor, displacement: Tensor) -> Tensor:
    """The pixel at q is read at q + displacement_q. displacement (B, 2, H, W).

    Simard, Steinkraus and Platt (2003), "Best practices for convolutional neural networks applied
    to visual document analysis".
    """
    rows, columns = _grid(x)
    return _sample(x, rows + displacement[:, 0], columns + displacement[:, 1])


def noise(x: Tensor, noise: Tensor) -> Tensor:
    """x + noise, of the same shape."""
    return x + noise


def _grid(x: Tensor) -> tuple[Tensor, Tensor]:
    """Row (1, H, 1) and column (1, 1, W) of every pixel."""
    rows, columns = (torch.arange(n, dtype=x.dtype, device=x.device) for n in x.shape[2:])
    return rows[None, :, None], columns[None, None, :]


def _sample(x: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """x at positions (B, H, W) between its pixels: bilinear, zeros outside of the image.

    With r = floor(row), c = floor(column), u = row - r, v = column - c:
    (1-u)(1-v) x_rc + (1-u) v x_r(c+1) + u (1-v) x_(r+1)c + u v x_(r+1)(c+1).
    """
    top, left = torch.floor(rows), torch.floor(columns)
    pixels = x.flatten(start_dim=2)
    value = torch.zeros_like(x)
    for row, by_row in ((top, 1 - (rows - top)), (top + 1, rows - top)):
        for column, by_column in ((left, 1 - (columns - left)), (left + 1, columns - left)):
            inside = (row >= 0) & (row < x.shape[2]) & (column >= 0) & (column < x.shape[3])
            index = torch.where(inside, row * x.shape[3] + column, 0).long().flatten(start_dim=1)
            taken = pixels.gather(2, index[:, None].expand(-1, x.shape[1], -1)).view(x.shape)
            value += (by_row * by_column * inside)[:, None] * taken
    return value
