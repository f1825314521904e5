"""The native variant in PyTorch: what is faster than what is written out, and computes the same.

PRIMITIVES are whole layers of the library, which the adapter exchanges for the written-out ones.
Images and kernels lie in memory with their channels last; the order of their axes stays. The update
rules take all parameters in one call, for the library's fused kernels where it has the rule, and
work in place. Memory that is freed is kept. Equations, layouts and words are those of the
primitives and rules of the same names in this folder.
"""

import ctypes
import functools
import platform

import torch
from torch import Tensor
from torch.nn import functional
from torch.optim.adagrad import adagrad as fused_adagrad
from torch.optim.adam import adam as fused_adam
from torch.optim.sgd import sgd as fused_sgd

from bench.errors import UserError
from implementations.exchange import Primitives
from implementations.pytorch import segmentation
from implementations.pytorch.techniques import batch_norm as written_out
from implementations.pytorch.techniques import optimizers

MEMORY_FORMAT = torch.channels_last
Slots = list[dict[str, Tensor]]  # of each parameter


def laid_out(tensor: Tensor) -> Tensor:
    """In the order of memory of this variant. Rules that go through memory, not through axes, need
    it alike in all that they are given."""
    images = tensor.ndim == 4
    return tensor.contiguous(memory_format=MEMORY_FORMAT if images else torch.contiguous_format)


@functools.cache
def keep_freed_memory() -> None:
    """Let the process keep what it frees, for the next tensor.

    PyTorch asks the C library for every tensor of a CPU, and glibc hands large arrays back to the
    system at once: each step would pay a page fault for every 4 KiB of its activations, a tenth of
    its time. This holds for the whole process, which stays as large as it ever was. Other C
    libraries have other ways, and are left alone.
    """
    if platform.libc_ver()[0] == "glibc":
        trim_threshold, mmap_threshold = -1, -3  # their numbers in malloc.h
        libc = ctypes.CDLL(None)
        # Before 2.35 more than 32 MiB are refused. Without any, setting the other one would leave
        # 128 KiB in force for good.
        if libc.mallopt(mmap_threshold, 2**31 - 1) or libc.mallopt(mmap_threshold, 2**25):
            libc.mallopt(trim_threshold, -1)  # never


def batch_norm(
    x: Tensor,
    scale: Tensor,
    shift: Tensor,
    running_mean: Tensor,
    running_variance: Tensor,
    training: bool,
    decay: float,
    epsilon: float,
    unbiased: bool,
) -> tuple[Tensor, Tensor, Tensor]:
    """The library's, which moves the statistics that it is given, by the unbiased variance.

    With all of the weight on the batch they become the batch's own, whatever they were.
    """
    if not training:
        y = functional.batch_norm(x, running_mean, running_variance, scale, shift, eps=epsilon)
        return y, running_mean, running_variance
    count = x.numel() // x.shape[1]
    if count < 2:
        raise UserError(f"batch norm in training needs two values a channel, got {count}")
    mean, estimate = torch.zeros_like(running_mean), torch.zeros_like(running_mean)
    y = functional.batch_norm(
        x, mean, estimate, scale, shift, training=True, momentum=1.0, eps=epsilon
    )
    if not unbiased:
        # Not in place: the library's backward pass holds on to what it was given.
        estimate = estimate * ((count - 1) / count)
    running_mean = torch.lerp(mean, running_mean, decay)
    return y, running_mean, torch.lerp(estimate, running_variance, decay)


def max_pool_indices(x: Tensor, choice: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """The index is the library's, row * W + column in the whole image, and for unpool alone.

    Whoever chooses asks the written-out one: training leaves the choice to the maximum.
    """
    return functional.max_pool2d(x, 2, 2, return_indices=True)


def unpool(x: Tensor, index: Tensor, rows: int, columns: int) -> Tensor:
    """The library's, by the index that max_pool_indices gave."""
    return functional.max_unpool2d(x, index, [2, 2], [2, 2], output_size=(rows, columns))


def fixed_unpool(x: Tensor, rows: int, columns: int) -> Tensor:
    """Written into zeros: no index."""
    batch, channels, height, width = x.shape
    y = torch.zeros(batch, rows, columns, channels, dtype=x.dtype, device=x.device)
    y = y.permute(0, 3, 1, 2)
    y[:, :, : 2 * height : 2, : 2 * width : 2] = x
    return y


def clip_by_global_norm(gradients: dict[str, Tensor], limit: float) -> dict[str, Tensor]:
    """In place: a step is done with its gradients."""
    norm = torch.nn.utils.get_total_norm(gradients.values())
    scale = limit / torch.clamp(norm, min=limit)
    return {name: gradient.mul_(scale) for name, gradient in gradients.items()}


PRIMITIVES: Primitives = {
    written_out.batch_norm: batch_norm,
    segmentation.max_pool_indices: max_pool_indices,
    segmentation.unpool: unpool,
    segmentation.fixed_unpool: fixed_unpool,
    optimizers.clip_by_global_norm: clip_by_global_norm,
}


@torch.no_grad()
def sgd(
    parameters: list[Tensor], gradients: list[Tensor], slots: Slots, step: int, learning_rate: float
) -> None:
    for parameter, gradient in zip(parameters, gradients, strict=True):
        parameter.sub_(gradient, alpha=learning_rate)


@torch.no_grad()
def momentum(
    parameters: list[Tensor],
    gradients: list[Tensor],
    slots: Slots,
    step: int,
    learning_rate: float,
    momentum: float,
) -> None:
    fused_sgd(
        parameters,
        gradients,
        [by_name["velocity"] for by_name in slots],
        fused=True,
        weight_decay=0.0,
        momentum=momentum,
        lr=learning_rate,
        dampening=0.0,
        nesterov=False,
        maximize=False,
    )


@torch.no_grad()
def deck_momentum(
    parameters: list[Tensor],
    gradients: list[Tensor],
    slots: Slots,
    step: int,
    learning_rate: float,
    momentum: float,
) -> None:
    for parameter, gradient, by_name in zip(parameters, gradients, slots, strict=True):
        velocity = by_name["velocity"].mul_(momentum).add_(gradient, alpha=learning_rate)
        parameter.sub_(velocity)


@torch.no_grad()
def adagrad(
    parameters: list[Tensor],
    gradients: list[Tensor],
    slots: Slots,
    step: int,
    learning_rate: float,
    epsilon: float,
) -> None:
    fused_adagrad(
        parameters,
        gradients,
        [by_name["accumulator"] for by_name in slots],
        _steps(parameters, step),
        fused=True,
        lr=learning_rate,
        weight_decay=0.0,
        lr_decay=0.0,
        eps=epsilon,
        maximize=False,
    )


@torch.no_grad()
def adam(
    parameters: list[Tensor],
    gradients: list[Tensor],
    slots: Slots,
    step: int,
    learning_rate: float,
    beta1: float,
    beta2: float,
    epsilon: float,
) -> None:
    """The library divides the root of v by that of 1 - b2^t before it adds epsilon: Algorithm 1."""
    fused_adam(
        parameters,
        gradients,
        [by_name["first_moment"] for by_name in slots],
        [by_name["second_moment"] for by_name in slots],
        [],
        _steps(parameters, step),
        fused=True,
        amsgrad=False,
        beta1=beta1,
        beta2=beta2,
        lr=learning_rate,
        weight_decay=0.0,
        eps=epsilon,
        maximize=False,
    )


@torch.no_grad()
def deck_adam(
    parameters: list[Tensor],
    gradients: list[Tensor],
    slots: Slots,
    step: int,
    learning_rate: float,
    beta1: float,
    beta2: float,
    epsilon: float,
) -> None:
    for parameter, gradient, by_name in zip(parameters, gradients, slots, strict=True):
        first = by_name["first_moment"].lerp_(gradient, 1 - beta1)
        second = by_name["second_moment"].mul_(beta2)
        second.addcmul_(gradient, gradient, value=1 - beta2)
        size = (second / (1 - beta2**step)).add_(epsilon).sqrt_()
        parameter.addcdiv_(first, size, value=-learning_rate / (1 - beta1**step))


def _steps(parameters: list[Tensor], step: int) -> list[Tensor]:
    """The library counts for each parameter, before it steps."""
    return [torch.tensor(step - 1.0, device=parameter.device) for parameter in parameters]
