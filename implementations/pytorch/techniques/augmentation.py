"""Augmentation of images in PyTorch.

All draws are handed in. Images are (B, C, H, W); positions are (row, column) in pixels, read
between pixels by bilinear interpolation and as 0 outside of the image. Simard, Steinkraus and Platt
(2003), "Best practices for convolutional neural networks applied to visual document analysis".
"""

import torch
from torch import Tensor


def affine(x: Tensor, angle: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
    """Each image turned by `angle` (B,), enlarged by `scale` (B,) about its center, and shifted by
    `shift` (B, 2), down and right. x (B, C, H, W).

    The pixel at q is read at p = c + R(-angle) (q - c - shift) / scale, c = ((H-1)/2, (W-1)/2),
    R(a) = [[cos a, -sin a], [sin a, cos a]].
    """
    rows, columns = _grid(x)
    center = (x.shape[2] - 1) / 2, (x.shape[3] - 1) / 2
    down = rows - center[0] - shift[:, 0, None, None]
    right = columns - center[1] - shift[:, 1, None, None]
    cosine, sine = torch.cos(angle)[:, None, None], torch.sin(angle)[:, None, None]
    size = scale[:, None, None]
    return _sample(
        x,
        center[0] + (cosine * down + sine * right) / size,
        center[1] + (cosine * right - sine * down) / size,
    )


def elastic(x: Tensor, displacement: Tensor) -> Tensor:
    """The pixel at q is read at q + displacement_q. x (B, C, H, W), displacement (B, 2, H, W)."""
    rows, columns = _grid(x)
    return _sample(x, rows + displacement[:, 0], columns + displacement[:, 1])


def noise(x: Tensor, noise: Tensor) -> Tensor:
    """x + noise, both of one shape."""
    return x + noise


def _grid(x: Tensor) -> tuple[Tensor, Tensor]:
    """Row (H, 1) and column (1, W) of every pixel."""
    rows, columns = (torch.arange(n, dtype=x.dtype, device=x.device) for n in x.shape[2:])
    return rows[:, None], columns[None, :]


def _sample(x: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """x at positions (B, H, W) between its pixels: bilinear, zeros outside of the image.

    With r = floor(row), c = floor(column), u = row - r, v = column - c:
    (1-u)(1-v) x_rc + (1-u) v x_r(c+1) + u (1-v) x_(r+1)c + u v x_(r+1)(c+1).
    """
    height, width = x.shape[2:]
    top, left = torch.floor(rows), torch.floor(columns)
    pixels = x.flatten(start_dim=2)

    def corner(row: Tensor, column: Tensor) -> Tensor:
        """The pixels nearest to p on one side, times how near they are."""
        inside = (row >= 0) & (row <= height - 1) & (column >= 0) & (column <= width - 1)
        near = (1 - torch.abs(rows - row)) * (1 - torch.abs(columns - column))
        at = width * row.clamp(0, height - 1) + column.clamp(0, width - 1)
        index = at.long().flatten(start_dim=1)[:, None].expand(-1, x.shape[1], -1)
        return (near * inside)[:, None] * pixels.gather(2, index).view(x.shape)

    return (
        corner(top, left)
        + corner(top, left + 1)
        + corner(top + 1, left)
        + corner(top + 1, left + 1)
    )
