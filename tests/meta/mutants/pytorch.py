"""The planted bugs in PyTorch."""

import torch
from torch.nn import functional

from implementations.pytorch import layers, residual, segmentation
from implementations.pytorch.architectures import resnet
from implementations.pytorch.techniques import (
    accumulation,
    activations,
    augmentation,
    optimizers,
    schedules,
    weight_decay,
)
from implementations.pytorch.techniques import batch_norm as batch_norms
from implementations.pytorch.techniques import dropout as dropouts
from tests.meta.mutants import wrapped

convolution, dense = layers.convolution, layers.dense
adagrad, adam = optimizers.adagrad, optimizers.adam
batch_norm = batch_norms.batch_norm


@torch.no_grad()
def epsilon_hat(parameter, gradient, slots, step, learning_rate, beta1, beta2, epsilon):
    first = slots["first_moment"].mul_(beta1).add_(gradient, alpha=1 - beta1)
    second = slots["second_moment"].mul_(beta2).addcmul_(gradient, gradient, value=1 - beta2)
    rate = learning_rate * (1 - beta2**step) ** 0.5 / (1 - beta1**step)
    parameter.sub_(rate * first / (second.sqrt() + epsilon))


@torch.no_grad()
def epsilon_inside(parameter, gradient, slots, step, learning_rate, beta1, beta2, epsilon):
    first = slots["first_moment"].mul_(beta1).add_(gradient, alpha=1 - beta1)
    second = slots["second_moment"].mul_(beta2).addcmul_(gradient, gradient, value=1 - beta2)
    root = (second / (1 - beta2**step) + epsilon).sqrt()
    parameter.sub_(learning_rate * first / (1 - beta1**step) / root)


def off_by_one(parameter, gradient, slots, step, learning_rate, **constants):
    adam(parameter, gradient, slots, step + 1, learning_rate, **constants)


def other_beta(parameter, gradient, slots, step, learning_rate, beta1, beta2, epsilon):
    adam(parameter, gradient, slots, step, learning_rate, beta1, 0.99, epsilon)


@torch.no_grad()
def holds_rate(parameter, gradient, slots, step, learning_rate, momentum):
    velocity = slots["velocity"].mul_(momentum).add_(learning_rate * gradient)
    parameter.sub_(velocity)


@torch.no_grad()
def nesterov(parameter, gradient, slots, step, learning_rate, momentum):
    velocity = slots["velocity"].mul_(momentum).add_(gradient)
    parameter.sub_(learning_rate * (gradient + momentum * velocity))


def summed(logits, labels):
    return functional.cross_entropy(logits, labels, reduction="sum")


def clipped(logits, labels):
    probabilities = torch.softmax(logits, dim=1).clamp(1e-7, 1 - 1e-7)
    return functional.nll_loss(probabilities.log(), labels)


def unchanged(x, weight, bias):
    return dense(x, weight, bias)


def frozen(x, weight, bias):
    return dense(x, weight, bias.detach())


def transposed(x, weight, bias):
    return dense(x, weight.T.reshape(weight.shape), bias)


def slope_at_zero(x):
    return x.clamp(min=0)


def channels_first(x):
    return x.flatten(start_dim=1)


def flipped(x, weight, bias, stride, padding):
    return convolution(x, weight.flip(2, 3), bias, stride, padding)


def same(x, weight, bias, stride, padding):
    return convolution(functional.pad(x, (0, 2 * padding, 0, 2 * padding)), weight, bias, stride, 0)


def shared(x, window, stride, choice=None):
    return x.unfold(2, window, stride).unfold(3, window, stride).amax(dim=(-1, -2))


def last(x, window, stride, choice=None):
    entries = x.unfold(2, window, stride).unfold(3, window, stride).flatten(start_dim=-2)
    index = entries.shape[-1] - 1 - entries.flip(-1).argmax(dim=-1, keepdim=True)
    return entries.gather(-1, index).squeeze(-1)


def constant_statistics(
    x, scale, shift, running_mean, running_variance, training, decay, epsilon, unbiased
):
    dims = [axis for axis in range(x.ndim) if axis != 1]
    batch = x.detach().mean(dims), x.detach().var(dims, correction=0)
    y, _, _ = batch_norm(x, scale, shift, *batch, False, decay, epsilon, unbiased)
    _, *new = batch_norm(
        x, scale, shift, running_mean, running_variance, True, decay, epsilon, unbiased
    )
    return y, *new


@torch.no_grad()
def adagrad_inside(parameter, gradient, slots, step, learning_rate, epsilon):
    total = slots["accumulator"].add_(gradient * gradient)
    parameter.sub_(learning_rate * gradient / (total + epsilon).sqrt())


@torch.no_grad()
def from_a_tenth(parameter, gradient, slots, step, learning_rate, epsilon):
    if step == 1:
        slots["accumulator"].add_(0.1)
    adagrad(parameter, gradient, slots, step, learning_rate, epsilon)


def hard_sigmoid(x):
    return (0.2 * x + 0.5).clamp(0, 1)


def mean_of_weights(logits, labels, weights):
    return functional.cross_entropy(logits, labels, logits.new_tensor(weights), reduction="mean")


PATCHES = {
    **wrapped.patches(
        layers, batch_norms, dropouts, schedules, augmentation, accumulation, weight_decay
    ),
    **wrapped.residual(
        residual.add,
        residual.identity_shortcut,
        resnet.build,
        activations.relu,
        layers.average_pool,
    ),
    **wrapped.segmentation(segmentation.unpool),
    "mean of weights": ("segmentation.pixel_cross_entropy", mean_of_weights),
    "nothing wrong": ("layers.dense", unchanged),
    "adam epsilon hat": ("techniques.optimizers.adam", epsilon_hat),
    "adam epsilon inside the root": ("techniques.optimizers.adam", epsilon_inside),
    "adam correction off by one": ("techniques.optimizers.adam", off_by_one),
    "adam beta2 of 0.99": ("techniques.optimizers.adam", other_beta),
    "momentum holds the rate": ("techniques.optimizers.momentum", holds_rate),
    "nesterov for momentum": ("techniques.optimizers.momentum", nesterov),
    "summed loss": ("layers.softmax_cross_entropy", summed),
    "clipped probabilities": ("layers.softmax_cross_entropy", clipped),
    "frozen bias": ("layers.dense", frozen),
    "transposed weight": ("layers.dense", transposed),
    "relu slope 1 at zero": ("techniques.activations.relu", slope_at_zero),
    "flattened channels first": ("layers.flatten", channels_first),
    "flipped kernel": ("layers.convolution", flipped),
    "same padding": ("layers.convolution", same),
    "ties share the gradient": ("layers.max_pool", shared),
    "last maximum": ("layers.max_pool", last),
    "statistics without gradient": ("techniques.batch_norm.batch_norm", constant_statistics),
    "adagrad epsilon inside the root": ("techniques.optimizers.adagrad", adagrad_inside),
    "adagrad from 0.1": ("techniques.optimizers.adagrad", from_a_tenth),
    "rate outside of the deck's velocity": (
        "techniques.optimizers.deck_momentum",
        optimizers.momentum,
    ),
    "hard sigmoid": ("techniques.activations.sigmoid", hard_sigmoid),
}
