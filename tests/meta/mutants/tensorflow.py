"""The planted bugs in TensorFlow."""

import tensorflow as tf

from implementations.tensorflow import layers, residual, segmentation
from implementations.tensorflow.architectures import resnet
from implementations.tensorflow.techniques import (
    accumulation,
    activations,
    augmentation,
    optimizers,
    schedules,
    weight_decay,
)
from implementations.tensorflow.techniques import batch_norm as batch_norms
from implementations.tensorflow.techniques import dropout as dropouts
from tests.meta.mutants import wrapped

convolution, dense = layers.convolution, layers.dense
adagrad, adam = optimizers.adagrad, optimizers.adam
batch_norm = batch_norms.batch_norm


def moments(gradient, slots, beta1, beta2):
    first = slots["first_moment"].assign(beta1 * slots["first_moment"] + (1 - beta1) * gradient)
    second = slots["second_moment"].assign(
        beta2 * slots["second_moment"] + (1 - beta2) * gradient * gradient
    )
    return first, second


def epsilon_hat(parameter, gradient, slots, step, learning_rate, beta1, beta2, epsilon):
    first, second = moments(gradient, slots, beta1, beta2)
    rate = learning_rate * tf.sqrt(1 - beta2**step) / (1 - beta1**step)
    parameter.assign_sub(rate * first / (tf.sqrt(second) + epsilon))


def epsilon_inside(parameter, gradient, slots, step, learning_rate, beta1, beta2, epsilon):
    first, second = moments(gradient, slots, beta1, beta2)
    root = tf.sqrt(second / (1 - beta2**step) + epsilon)
    parameter.assign_sub(learning_rate * first / (1 - beta1**step) / root)


def off_by_one(parameter, gradient, slots, step, learning_rate, **constants):
    adam(parameter, gradient, slots, step + 1, learning_rate, **constants)


def other_beta(parameter, gradient, slots, step, learning_rate, beta1, beta2, epsilon):
    adam(parameter, gradient, slots, step, learning_rate, beta1, 0.99, epsilon)


def holds_rate(parameter, gradient, slots, step, learning_rate, momentum):
    velocity = slots["velocity"].assign(momentum * slots["velocity"] + learning_rate * gradient)
    parameter.assign_sub(velocity)


def nesterov(parameter, gradient, slots, step, learning_rate, momentum):
    velocity = slots["velocity"].assign(momentum * slots["velocity"] + gradient)
    parameter.assign_sub(learning_rate * (gradient + momentum * velocity))


def summed(logits, labels):
    losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits)
    return tf.reduce_sum(losses)


def clipped(logits, labels):
    probabilities = tf.clip_by_value(tf.nn.softmax(logits), 1e-7, 1 - 1e-7)
    return -tf.reduce_mean(tf.math.log(tf.gather(probabilities, labels, batch_dims=1)))


def unchanged(x, weight, bias):
    return dense(x, weight, bias)


def frozen(x, weight, bias):
    return dense(x, weight, tf.stop_gradient(bias))


def transposed(x, weight, bias):
    return dense(x, tf.reshape(tf.transpose(weight), weight.shape), bias)


def slope_at_zero(x):
    return tf.maximum(x, 0)


def channels_first(x):
    return tf.reshape(tf.transpose(x, (0, 3, 1, 2)), [-1, x.shape[1] * x.shape[2] * x.shape[3]])


def flipped(x, weight, bias, stride, padding):
    return convolution(x, tf.reverse(weight, [0, 1]), bias, stride, padding)


def same(x, weight, bias, stride, padding):
    return tf.nn.conv2d(x, weight, strides=stride, padding="SAME") + bias


def shared(x, window, stride, choice=None):
    return tf.reduce_max(layers._windows(x, window, stride), axis=-1)


def last(x, window, stride, choice=None):
    entries = tf.reverse(layers._windows(x, window, stride), [-1])
    return tf.gather(entries, tf.argmax(entries, axis=-1), batch_dims=4)


def constant_statistics(
    x, scale, shift, running_mean, running_variance, training, decay, epsilon, unbiased
):
    axes = list(range(x.shape.rank - 1))
    mean, variance = [tf.stop_gradient(part) for part in tf.nn.moments(x, axes)]
    y, _, _ = batch_norm(x, scale, shift, mean, variance, False, decay, epsilon, unbiased)
    _, *new = batch_norm(
        x, scale, shift, running_mean, running_variance, True, decay, epsilon, unbiased
    )
    return y, *new


def adagrad_inside(parameter, gradient, slots, step, learning_rate, epsilon):
    total = slots["accumulator"].assign_add(gradient * gradient)
    parameter.assign_sub(
        tf.cast(learning_rate, gradient.dtype) * gradient / tf.sqrt(total + epsilon)
    )


def from_a_tenth(parameter, gradient, slots, step, learning_rate, epsilon):
    start = tf.cast(tf.where(step == 1, 0.1, 0.0), gradient.dtype)
    slots["accumulator"].assign_add(start * tf.ones_like(gradient))
    adagrad(parameter, gradient, slots, step, learning_rate, epsilon)


def hard_sigmoid(x):
    return tf.clip_by_value(0.2 * x + 0.5, 0, 1)


def mean_of_weights(logits, labels, weights):
    own = tf.gather(tf.constant(weights, logits.dtype), labels)
    losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits)
    return tf.reduce_sum(own * losses) / tf.reduce_sum(own)


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
