"""Activations in PyTorch, and the backward pass of each by itself.

f_gradient(x, value, delta) = delta f'(x), entry by entry, where value = f(x) and delta is the
gradient by it: it is given what the forward pass leaves. All tensors are of one shape.
"""

import torch
from torch import Tensor
from torch.nn import functional


def relu(x: Tensor) -> Tensor:
    """max(x, 0), with derivative 0 at 0 (that of clamp would be 1)."""
    return functional.relu(x)


def relu_gradient(x: Tensor, value: Tensor, delta: Tensor) -> Tensor:
    """delta where x > 0, else 0."""
    return torch.ops.aten.threshold_backward(delta, x, 0)


def sigmoid(x: Tensor) -> Tensor:
    """s = 1 / (1 + exp(-x))."""
    return torch.sigmoid(x)


def sigmoid_gradient(x: Tensor, value: Tensor, delta: Tensor) -> Tensor:
    """delta s (1 - s), s the value."""
    return torch.ops.aten.sigmoid_backward(delta, value)


def tanh(x: Tensor) -> Tensor:
    """t = (exp(x) - exp(-x)) / (exp(x) + exp(-x))."""
    return torch.tanh(x)


def tanh_gradient(x: Tensor, value: Tensor, delta: Tensor) -> Tensor:
    """delta (1 - t^2), t the value."""
    return torch.ops.aten.tanh_backward(delta, value)


def identity(x: Tensor) -> Tensor:
    """x: a net without an activation."""
    return x


def identity_gradient(x: Tensor, value: Tensor, delta: Tensor) -> Tensor:
    """delta."""
    return delta
