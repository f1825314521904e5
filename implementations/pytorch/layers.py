"""Primitives in PyTorch. No default of the library stays implicit.

Images are (batch, channels, height, width) here, kernels (out, in, height, width), dense weights
(out, in); the adapter converts at the border. Functions take tensors and return tensors;
Convolution and Dense own a weight and, where they have one, a bias, BatchNorm a scale, a shift and
running statistics.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from implementations.pytorch.techniques import batch_norm

if TYPE_CHECKING:
    from implementations.pytorch.probe import Probe


def convolution(
    x: Tensor, weight: Tensor, bias: Tensor | None, stride: int, padding: int
) -> Tensor:
    """x_ij = b + sum_a sum_b w_ab y_(i+a)(j+b): the deck's convolution, a cross-correlation.

    x (B, C, H, W), weight (K, C, h, w), bias (K,) or None -> (B, K, H', W') with
    H' = floor((H + 2 padding - h) / stride) + 1; `padding` zeros on every side.
    """
    return functional.conv2d(x, weight, bias, stride=stride, padding=padding)


def max_pool(x: Tensor, window: int, stride: int, choice: Tensor | None = None) -> Tensor:
    """x_ij = max over the window; the gradient goes to the first maximum in row-major order.

    x (B, C, H, W) -> (B, C, H', W'), H' = floor((H - window) / stride) + 1, no padding. Where
    windows overlap, gradients add. `choice` (B, C, H', W') names the entry to take instead, counted
    in row-major order; -1 leaves it to the maximum.
    """
    if choice is None:
        return functional.max_pool2d(x, window, stride, padding=0, dilation=1, ceil_mode=False)
    entries = _windows(x, window, stride)
    index = torch.where(choice < 0, entries.argmax(dim=-1), choice)
    return entries.gather(-1, index.unsqueeze(-1)).squeeze(-1)


def max_pool_decision(x: Tensor, window: int, stride: int) -> tuple[Tensor, Tensor]:
    """Position of the first maximum in each window, and its distance to the runner-up."""
    entries = _windows(x, window, stride)
    top = entries.topk(2, dim=-1).values
    return entries.argmax(dim=-1), top[..., 0] - top[..., 1]


def average_pool(x: Tensor, window: int, stride: int) -> Tensor:
    """x_ij = mean over the window; each of its entries gets delta / window^2.

    x (B, C, H, W) -> (B, C, H', W'), H' = floor((H - window) / stride) + 1, no padding.
    """
    return functional.avg_pool2d(x, window, stride, padding=0, ceil_mode=False)


def flatten(x: Tensor) -> Tensor:
    """(B, C, H, W) -> (B, H * W * C): in height, width, channel order."""
    return (x.permute(0, 2, 3, 1) if x.ndim == 4 else x).flatten(start_dim=1)


def dense(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """x W + b. x (B, n), weight (m, n), bias (m,) or None -> (B, m)."""
    return functional.linear(x, weight, bias)


def softmax_cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """-(1/B) sum_b log softmax(logits_b)[labels_b]. logits (B, K), labels (B,) -> scalar."""
    return functional.cross_entropy(logits, labels, reduction="mean")


class Convolution(nn.Module):
    """A convolution that owns its kernel. shape: canonical (height, width, in, out)."""

    def __init__(
        self, shape: tuple[int, ...], stride: int, padding: int, bias: bool = True
    ) -> None:
        super().__init__()
        height, width, channels, filters = shape
        self.weight = nn.Parameter(torch.zeros(filters, channels, height, width))
        self.bias = nn.Parameter(torch.zeros(filters)) if bias else None
        self.stride, self.padding = stride, padding

    def forward(self, x: Tensor) -> Tensor:
        return convolution(x, self.weight, self.bias, self.stride, self.padding)


class Dense(nn.Module):
    """A dense layer that owns its weight. shape: canonical (in, out)."""

    def __init__(self, shape: tuple[int, ...], bias: bool = True) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(shape[1], shape[0]))
        self.bias = nn.Parameter(torch.zeros(shape[1])) if bias else None

    def forward(self, x: Tensor) -> Tensor:
        return dense(x, self.weight, self.bias)


class BatchNorm(nn.Module):
    """A batch norm layer that owns its scale, its shift and the running statistics, which it does
    not move. norm: its decay, epsilon and unbiased."""

    running_mean: Tensor
    running_variance: Tensor

    def __init__(self, width: int, norm: Mapping[str, Any]) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.zeros(width))
        self.shift = nn.Parameter(torch.zeros(width))
        self.register_buffer("running_mean", torch.zeros(width))
        self.register_buffer("running_variance", torch.zeros(width))
        self.norm = norm

    def forward(self, x: Tensor, name: str, probe: "Probe") -> Tensor:
        """Normalize; the new running statistics are noted under the layer's canonical name."""
        training = probe.mode.batch_statistics
        owned = (self.scale, self.shift, self.running_mean, self.running_variance)
        y, mean, variance = batch_norm.batch_norm(x, *owned, training, **self.norm)
        if training:
            probe.note(f"{name}/running_mean", mean)
            probe.note(f"{name}/running_variance", variance)
        return probe.record(name, y)


def _windows(x: Tensor, window: int, stride: int) -> Tensor:
    """(B, C, H, W) -> (B, C, H', W', window * window), entries in row-major order."""
    entries = x.unfold(2, window, stride).unfold(3, window, stride)
    return entries.flatten(start_dim=-2)
