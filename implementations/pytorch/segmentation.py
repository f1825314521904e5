"""What an encoder-decoder needs beside layers.py, in PyTorch.

Layouts and words are those of layers.py. Equations and words: bench/specs/segnet.py.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from implementations.exchange import exchangeable
from implementations.pytorch import layers

Place = tuple[Tensor | None, int, int]  # what a pooling remembers: indices, rows, columns


def pool(x: Tensor, upsampling: str, choice: Tensor | None = None) -> tuple[Tensor, Place]:
    """2x2 max pooling, and what an upsampling may need to undo it."""
    _, _, rows, columns = x.shape
    if upsampling == "indices":
        y, index = max_pool_indices(x, choice)
        return y, (index, rows, columns)
    return layers.max_pool(x, 2, 2, choice), (None, rows, columns)


def upsample(x: Tensor, upsampling: str, place: Place, weight: Tensor | None = None) -> Tensor:
    """The way back, by its name in bench/specs/segnet.py; weight: of the transposed convolution."""
    index, rows, columns = place
    if index is not None:
        return unpool(x, index, rows, columns)
    if weight is not None:
        return transposed_convolution(x, weight)
    if upsampling == "fixed":
        return fixed_unpool(x, rows, columns)
    return nearest_upsample(x) if upsampling == "nearest" else bilinear_upsample(x)


@exchangeable
def max_pool_indices(x: Tensor, choice: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """x_ij = max over 2x2, and where in its window it was found: 0 to 3, in row-major order.

    x (B, C, H, W) -> two of (B, C, H', W'), H' = floor(H / 2): windows do not overlap, and an
    odd row or column at the end is left out. The first maximum counts. `choice` (B, C, H', W')
    names the entry to take instead; -1 leaves it to the maximum.

    return_indices counts row * W + column through the whole image.
    """
    value, flat = functional.max_pool2d(x, 2, 2, return_indices=True)
    row, column = flat // x.shape[3], flat % x.shape[3]
    index = row % 2 * 2 + column % 2
    if choice is None:
        return value, index
    index = torch.where(choice < 0, index, choice)
    places = _places(index, x.shape[3]).flatten(start_dim=2)
    return x.flatten(start_dim=2).gather(2, places).view(value.shape), index


@exchangeable
def unpool(x: Tensor, index: Tensor, rows: int, columns: int) -> Tensor:
    """Every value at its place in its window, zeros elsewhere: the way back of max_pool_indices.

    x, index (B, C, H', W') -> (B, C, rows, columns), the size of the image that was pooled.
    """
    batch, channels = x.shape[:2]
    places = _places(index, columns).flatten(start_dim=2)
    empty = x.new_zeros(batch, channels, rows * columns)
    filled = empty.scatter(2, places, x.flatten(start_dim=2))
    return filled.view(batch, channels, rows, columns)


@exchangeable
def fixed_unpool(x: Tensor, rows: int, columns: int) -> Tensor:
    """Every value at the upper left of its window, zeros elsewhere.

    x (B, C, H', W') -> (B, C, rows, columns).
    """
    return unpool(x, torch.zeros_like(x, dtype=torch.int64), rows, columns)


def nearest_upsample(x: Tensor) -> Tensor:
    """x_(2i+a)(2j+b) = y_ij. x (B, C, H, W) -> (B, C, 2H, 2W)."""
    return functional.interpolate(x, scale_factor=2, mode="nearest-exact")


def bilinear_upsample(x: Tensor) -> Tensor:
    """Twice the size with half-pixel centers. x (B, C, H, W) -> (B, C, 2H, 2W).

    First along the rows, then along the columns, in each with y outside held at the border:

        x_(2i) = (y_(i-1) + 3 y_i) / 4        x_(2i+1) = (3 y_i + y_(i+1)) / 4
    """
    return functional.interpolate(
        x, scale_factor=2, mode="bilinear", align_corners=False, antialias=False
    )


def transposed_convolution(x: Tensor, weight: Tensor) -> Tensor:
    """x_(2i+a)(2j+b) = sum_c w_abc y_ijc, a stride of 2.

    x (B, C, H, W), weight (K, C, 2, 2) -> (B, K, 2H, 2W). The library's kernel is (C, K, 2, 2).
    """
    return functional.conv_transpose2d(x, weight.transpose(0, 1), stride=2, padding=0)


def concatenate(x: Tensor, y: Tensor) -> Tensor:
    """The channels of y behind those of x."""
    return torch.cat([x, y], dim=1)


def take_channels(x: Tensor, start: int, count: int) -> Tensor:
    """So many channels of x, from `start` on."""
    return x[:, start : start + count]


def pixel_cross_entropy(logits: Tensor, labels: Tensor, weights: Sequence[float]) -> Tensor:
    """-(1/N) sum_n w_(y_n) log softmax(logits_n)[y_n] over the N pixels of the batch.

    logits (B, K, H, W), labels (B, H, W), a weight for each of the K classes -> scalar. The
    library's weighted mean would divide by the sum of the weights.
    """
    total = functional.cross_entropy(
        logits, labels, weight=logits.new_tensor(weights), reduction="sum"
    )
    return total / labels.numel()


class TransposedKernel(nn.Module):
    """Owns the kernel of a transposed convolution. shape: canonical (2, 2, in, out)."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__()
        height, width, channels, filters = shape
        self.weight = nn.Parameter(torch.zeros(filters, channels, height, width))


def _places(index: Tensor, columns: int) -> Tensor:
    """row * columns + column of each entry, from its position in its window."""
    rows, across = (torch.arange(side, device=index.device) for side in index.shape[2:])
    row = 2 * rows.view(-1, 1) + index // 2
    return row * columns + 2 * across + index % 2
