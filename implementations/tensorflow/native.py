"""The primitives that are faster in TensorFlow in another form, and compute the same.

PRIMITIVES are what the adapter exchanges for the written-out ones in update() and forward() of a
native system. A step that is compiled by XLA (jit_compile) was measured too: it is slower with
convolutions, and without them the update rules' own kernels are as fast and need no compilation.
The kernel of plain SGD is no faster.
"""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from implementations.exchange import Primitives
from implementations.tensorflow import layers, segmentation
from implementations.tensorflow.techniques import batch_norm as written_out
from implementations.tensorflow.techniques import optimizers

Pair = tuple[tf.Tensor, tf.Tensor]
Slots = dict[str, tf.Variable]


def convolution(
    x: tf.Tensor, weight: tf.Tensor, bias: tf.Tensor | None, stride: int, padding: int
) -> tf.Tensor:
    """layers.convolution, by the library's word for its zeros where there is one.

    Where zeros are counted, the library's gradients take about twice as long. "SAME" puts as many
    on every side at stride 1 and a kernel of an odd side alone.
    """
    if padding == 0:
        word = "VALID"
    elif stride == 1 and all(side == 2 * padding + 1 for side in weight.shape[:2]):
        word = "SAME"
    else:
        return layers.convolution(x, weight, bias, stride, padding)
    sums = tf.nn.conv2d(x, weight, strides=stride, padding=word, data_format="NHWC")
    return sums if bias is None else tf.nn.bias_add(sums, bias)


def max_pool_indices(x: tf.Tensor, choice: tf.Tensor | None = None) -> Pair:
    """segmentation.max_pool_indices, from the library's maximum with its place in the image."""
    if choice is not None:
        return segmentation.max_pool_indices(x, choice)
    pair: Any = _pooled(x)
    return pair


@tf.custom_gradient
def _pooled(x: tf.Tensor) -> tuple[Pair, Callable[..., tf.Tensor]]:
    """The gradient goes back as unpooling puts values back; the library's own is slower."""
    shape: Any = x.shape.as_list()  # numbers, but for the batch
    _, rows, columns, channels = shape
    value, place = tf.nn.max_pool_with_argmax(x, 2, 2, padding="VALID", data_format="NHWC")
    pixel = place // channels
    index = tf.cast(pixel // columns % 2 * 2 + pixel % columns % 2, tf.int32)

    def gradient(delta: tf.Tensor, _: Any) -> tf.Tensor:
        return segmentation.unpool(delta, index, rows, columns)

    return (value, index), gradient


def batch_norm(
    x: tf.Tensor,
    scale: tf.Tensor,
    shift: tf.Tensor,
    running_mean: tf.Tensor,
    running_variance: tf.Tensor,
    training: bool,
    decay: float,
    epsilon: float,
    unbiased: bool,
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """techniques/batch_norm.py, by the library's fused layer: of images in float32.

    That is all it offers. Its variance is the one divided by m - 1. Its sums are rounded more, 1e-5
    of the largest entry where the reference has 2e-6.
    """
    alone = x.shape[:-1].num_elements() == 1  # which is refused
    if len(x.shape) != 4 or x.dtype != tf.float32 or (training and alone):
        given = x, scale, shift, running_mean, running_variance, training, decay, epsilon, unbiased
        return written_out.batch_norm(*given)
    y, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
        x=x,
        scale=scale,
        offset=shift,
        mean=[] if training else running_mean,
        variance=[] if training else running_variance,
        epsilon=epsilon,
        exponential_avg_factor=1,  # of the batch alone
        data_format="NHWC",
        is_training=training,
    )
    if training:
        count = tf.cast(tf.reduce_prod(tf.shape(x)[:-1]), x.dtype)
        estimate = variance if unbiased else variance * (count - 1) / count
        running_mean = decay * running_mean + (1 - decay) * tf.stop_gradient(mean)
        running_variance = decay * running_variance + (1 - decay) * tf.stop_gradient(estimate)
    return y, running_mean, running_variance


def momentum(
    parameter: tf.Variable,
    gradient: tf.Tensor,
    slots: Slots,
    step: tf.Tensor,
    learning_rate: tf.Tensor,
    momentum: float,
) -> None:
    """optimizers.momentum in one kernel, which like it leaves the rate outside of the velocity."""
    tf.raw_ops.ResourceApplyMomentum(
        var=parameter.handle,
        accum=slots["velocity"].handle,
        lr=tf.cast(learning_rate, parameter.dtype),
        grad=gradient,
        momentum=tf.constant(momentum, parameter.dtype),
    )


def adagrad(
    parameter: tf.Variable,
    gradient: tf.Tensor,
    slots: Slots,
    step: tf.Tensor,
    learning_rate: tf.Tensor,
    epsilon: float,
) -> None:
    """optimizers.adagrad in one kernel, the one that adds epsilon outside of the root."""
    tf.raw_ops.ResourceApplyAdagradV2(
        var=parameter.handle,
        accum=slots["accumulator"].handle,
        lr=tf.cast(learning_rate, parameter.dtype),
        epsilon=tf.constant(epsilon, parameter.dtype),
        grad=gradient,
    )


def adam(
    parameter: tf.Variable,
    gradient: tf.Tensor,
    slots: Slots,
    step: tf.Tensor,
    learning_rate: tf.Tensor,
    beta1: float,
    beta2: float,
    epsilon: float,
) -> None:
    """optimizers.adam in one kernel. With c1 = 1 - b1^t and c2 = 1 - b2^t Algorithm 1 is

        p <- p - (lr sqrt(c2) / c1) m / (sqrt(v) + eps sqrt(c2)),

    the kernel's form with another rate and another epsilon. Both are computed in float64 here: the
    kernel's own corrections, in float32, are put out by powers of 0. The b1 and b2 of c1 and c2 are
    those that the kernel has, rounded to its dtype: 1 - 0.999 is 1.3e-5 off in float32, in v as in
    c2, and the two cancel.
    """
    dtype = parameter.dtype
    rounded1, rounded2 = tf.constant(beta1, dtype), tf.constant(beta2, dtype)
    start1, start2 = (1 - tf.pow(tf.cast(b, tf.float64), step) for b in (rounded1, rounded2))
    zero, root = tf.constant(0, dtype), tf.sqrt(start2)
    tf.raw_ops.ResourceApplyAdam(
        var=parameter.handle,
        m=slots["first_moment"].handle,
        v=slots["second_moment"].handle,
        beta1_power=zero,
        beta2_power=zero,
        lr=tf.cast(learning_rate * root / start1, dtype),
        beta1=rounded1,
        beta2=rounded2,
        epsilon=tf.cast(epsilon * root, dtype),
        grad=gradient,
    )


PRIMITIVES: Primitives = {
    layers.convolution: convolution,
    segmentation.max_pool_indices: max_pool_indices,
    written_out.batch_norm: batch_norm,
    optimizers.momentum: momentum,
    optimizers.adagrad: adagrad,
    optimizers.adam: adam,
}
