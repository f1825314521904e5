"""The planted bugs in JAX."""

import jax
import jax.numpy as jnp
from jax import lax

from implementations.jax import layers, residual, segmentation
from implementations.jax.architectures import resnet
from implementations.jax.techniques import (
    accumulation,
    activations,
    augmentation,
    optimizers,
    schedules,
    weight_decay,
)
from implementations.jax.techniques import batch_norm as batch_norms
from implementations.jax.techniques import dropout as dropouts
from tests.meta.mutants import wrapped

convolution, dense = layers.convolution, layers.dense
adagrad, adam = optimizers.adagrad, optimizers.adam
batch_norm = batch_norms.batch_norm


def moments(gradient, slots, beta1, beta2):
    first = beta1 * slots["first_moment"] + (1 - beta1) * gradient
    second = beta2 * slots["second_moment"] + (1 - beta2) * gradient * gradient
    return {"first_moment": first, "second_moment": second}


def epsilon_hat(parameter, gradient, slots, step, learning_rate, beta1, beta2, epsilon):
    new = moments(gradient, slots, beta1, beta2)
    rate = learning_rate * jnp.sqrt(1 - beta2**step) / (1 - beta1**step)
    return parameter - rate * new["first_moment"] / (jnp.sqrt(new["second_moment"]) + epsilon), new


def epsilon_inside(parameter, gradient, slots, step, learning_rate, beta1, beta2, epsilon):
    new = moments(gradient, slots, beta1, beta2)
    root = jnp.sqrt(new["second_moment"] / (1 - beta2**step) + epsilon)
    return parameter - learning_rate * new["first_moment"] / (1 - beta1**step) / root, new


def off_by_one(parameter, gradient, slots, step, learning_rate, **constants):
    return adam(parameter, gradient, slots, step + 1, learning_rate, **constants)


def other_beta(parameter, gradient, slots, step, learning_rate, beta1, beta2, epsilon):
    return adam(parameter, gradient, slots, step, learning_rate, beta1, 0.99, epsilon)


def holds_rate(parameter, gradient, slots, step, learning_rate, momentum):
    velocity = momentum * slots["velocity"] + learning_rate * gradient
    return parameter - velocity, {"velocity": velocity}


def nesterov(parameter, gradient, slots, step, learning_rate, momentum):
    velocity = momentum * slots["velocity"] + gradient
    return parameter - learning_rate * (gradient + momentum * velocity), {"velocity": velocity}


def summed(logits, labels):
    scores = jax.nn.log_softmax(logits, axis=-1)
    return -jnp.sum(jnp.take_along_axis(scores, labels[:, None], axis=-1))


def clipped(logits, labels):
    probabilities = jnp.clip(jax.nn.softmax(logits, axis=-1), 1e-7, 1 - 1e-7)
    return -jnp.mean(jnp.log(jnp.take_along_axis(probabilities, labels[:, None], axis=-1)))


def unchanged(x, weight, bias):
    return dense(x, weight, bias)


def frozen(x, weight, bias):
    return dense(x, weight, lax.stop_gradient(bias))


def transposed(x, weight, bias):
    return dense(x, weight.T.reshape(weight.shape), bias)


def slope_at_zero(x):
    return jnp.where(x >= 0, x, 0)


def channels_first(x):
    return x.transpose(0, 3, 1, 2).reshape(len(x), -1)


def flipped(x, weight, bias, stride, padding):
    return convolution(x, weight[::-1, ::-1], bias, stride, padding)


def same(x, weight, bias, stride, padding):
    layout = ("NHWC", "HWIO", "NHWC")
    strides = (stride, stride)
    return lax.conv_general_dilated(x, weight, strides, "SAME", dimension_numbers=layout) + bias


def shared(x, window, stride, choice=None):
    return jnp.max(jnp.stack(layers._windows(x, window, stride)), axis=0)


def last(x, window, stride, choice=None):
    entries = layers._windows(x, window, stride)
    best = entries[0]
    for entry in entries[1:]:
        best = jnp.where(entry >= best, entry, best)
    return best


def constant_statistics(
    x, scale, shift, running_mean, running_variance, training, decay, epsilon, unbiased
):
    axes = tuple(range(x.ndim - 1))
    mean, variance = (lax.stop_gradient(part) for part in (jnp.mean(x, axes), jnp.var(x, axes)))
    y, _, _ = batch_norm(x, scale, shift, mean, variance, False, decay, epsilon, unbiased)
    _, *new = batch_norm(
        x, scale, shift, running_mean, running_variance, True, decay, epsilon, unbiased
    )
    return y, *new


def adagrad_inside(parameter, gradient, slots, step, learning_rate, epsilon):
    total = slots["accumulator"] + gradient * gradient
    return parameter - learning_rate * gradient / jnp.sqrt(total + epsilon), {"accumulator": total}


def from_a_tenth(parameter, gradient, slots, step, learning_rate, epsilon):
    first = {"accumulator": slots["accumulator"] + jnp.where(step == 1, 0.1, 0.0)}
    return adagrad(parameter, gradient, first, step, learning_rate, epsilon)


def hard_sigmoid(x):
    return jnp.clip(0.2 * x + 0.5, 0, 1)


def mean_of_weights(logits, labels, weights):
    own = jnp.asarray(weights)[labels]
    scores = jax.nn.log_softmax(logits, axis=-1)
    losses = -jnp.take_along_axis(scores, labels[..., None], axis=-1)[..., 0]
    return jnp.sum(own * losses) / jnp.sum(own)


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
