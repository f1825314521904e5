"""What stands around the branches of a residual net, in PyTorch.

Layouts and words are those of layers.py.
"""

from torch import Tensor
from torch.nn import functional


def add(x: Tensor, y: Tensor) -> Tensor:
    """x + y, both of one shape."""
    return x + y


def identity_shortcut(x: Tensor, filters: int, stride: int) -> Tensor:
    """Every stride-th pixel of x, from the first on, with channels of zeros behind those of x.

    x (B, C, H, W) -> (B, filters, H', W'), H' = floor((H - 1) / stride) + 1.
    """
    taken = x[:, :, ::stride, ::stride]
    new = filters - taken.shape[1]
    return functional.pad(taken, (0, 0, 0, 0, 0, new)) if new else taken


def pad(x: Tensor, rim: int, value: float) -> Tensor:
    """A rim of so many pixels of one value around every image.

    x (B, C, H, W) -> (B, C, H + 2 rim, W + 2 rim).
    """
    return functional.pad(x, (rim, rim, rim, rim), mode="constant", value=value)


def global_average_pool(x: Tensor) -> Tensor:
    """x_c = mean over all pixels. x (B, C, H, W) -> (B, C)."""
    return x.mean(dim=(2, 3))
