"""What a user of TensorFlow would call, most of it Keras's. See tests/natives/__init__.py."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

UNALIGNED = {
    "optimize momentum": "the rate is inside of the velocity, which keeps it when the rate changes",
    "optimize adagrad": "epsilon is inside of the root, and no argument puts it outside",
    "optimize deck_adam": "epsilon is outside of the root, and no argument puts it inside",
}
TOLERANCES = {
    "upsample bilinear": 1e-6,  # computed in float32, whatever the images are
    "affine": 1e-5,  # the matrices of transforms are float32, whatever the images are
}


def batch_norm(
    x: np.ndarray,
    scale: np.ndarray,
    shift: np.ndarray,
    running_mean: np.ndarray,
    running_variance: np.ndarray,
    training: bool,
    decay: float,
    epsilon: float,
    unbiased: bool,
) -> tuple[np.ndarray, ...]:
    """momentum is the weight of the old value; the running variance is the biased one."""
    layer = _batch_norm(x.shape, epsilon, [scale, shift, running_mean, running_variance], decay)
    y = layer(x, training=training)
    mean, variance = (np.asarray(kept) for kept in (layer.moving_mean, layer.moving_variance))
    if training and unbiased:
        count = x.size // x.shape[-1]
        new_share = variance - decay * running_variance
        variance = decay * running_variance + new_share * (count / (count - 1))
    return np.asarray(y), mean, variance


def batch_norm_gradient(
    x: np.ndarray, scale: np.ndarray, shift: np.ndarray, epsilon: float, delta: np.ndarray
) -> tuple[np.ndarray, ...]:
    zeros = np.zeros_like(scale)
    layer = _batch_norm(x.shape, epsilon, [scale, shift, zeros, zeros], 0.9)
    given = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(given)
        y = layer(given, training=True)
    sources = [given, *(variable.value for variable in layer.trainable_variables)]
    gradients: Any = tape.gradient([y], sources, output_gradients=[tf.constant(delta)])
    return tuple(gradient.numpy() for gradient in gradients)


def dropout(x: np.ndarray, keep: float, seed: int) -> np.ndarray:
    """rate is the probability of putting out."""
    layer = keras.layers.Dropout(rate=1 - keep, seed=seed, dtype="float64")
    return np.asarray(layer(x, training=True))


def activation(name: str, x: np.ndarray, delta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    word = "linear" if name == "identity" else name
    return _both(keras.layers.Activation(word, dtype="float64"), x, delta)


def cross_entropy(logits: np.ndarray, labels: np.ndarray) -> tuple[float, np.ndarray]:
    """By default a loss takes probabilities, and computes in float32."""
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True, dtype="float64")
    value, gradient = _both(lambda logits: loss(labels, logits), logits, np.array(1.0))
    return float(value), gradient


def max_pool(
    x: np.ndarray, window: int, stride: int, delta: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    return _both(keras.layers.MaxPooling2D(window, stride, dtype="float64"), x, delta)


def average_pool(
    x: np.ndarray, window: int, stride: int, delta: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    return _both(keras.layers.AveragePooling2D(window, stride, dtype="float64"), x, delta)


def unpool(x: np.ndarray, delta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Indices count through the whole batch, the channel running fastest."""

    def there_and_back(x: Any) -> Any:
        found = tf.nn.max_pool_with_argmax(x, 2, 2, "VALID", include_batch_in_index=True)
        values, indices = (tf.reshape(part, [-1]) for part in found)
        return tf.reshape(tf.scatter_nd(indices[:, None], values, [tf.size(x)]), tf.shape(x))

    return _both(there_and_back, x, delta)


def upsample(upsampling: str, x: np.ndarray, delta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    layer = keras.layers.UpSampling2D(2, interpolation=upsampling, dtype="float64")
    return _both(layer, x, delta)


def transposed_convolution(
    x: np.ndarray, weight: np.ndarray, delta: np.ndarray
) -> tuple[np.ndarray, ...]:
    """The kernel is (height, width, out, in)."""
    layer = keras.layers.Conv2DTranspose(
        weight.shape[3], 2, 2, "valid", use_bias=False, dtype="float64"
    )
    layer.build(x.shape)
    layer.set_weights([weight.transpose(0, 1, 3, 2)])
    given, kernel = tf.constant(x), layer.kernel.value
    with tf.GradientTape() as tape:
        tape.watch([given, kernel])
        y = layer(given)
    found: Any = tape.gradient([y], [given, kernel], output_gradients=[tf.constant(delta)])
    return np.asarray(y), found[0].numpy(), found[1].numpy().transpose(0, 1, 3, 2)


def pixel_cross_entropy(
    logits: np.ndarray, labels: np.ndarray, weights: Sequence[float]
) -> tuple[float, np.ndarray]:
    """A weight for each pixel; the mean is divided by their number."""
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True, dtype="float64")
    own = np.array(weights)[labels]
    value, gradient = _both(lambda logits: loss(labels, logits, own), logits, np.array(1.0))
    return float(value), gradient


class Rates(keras.optimizers.schedules.LearningRateSchedule):
    """A rate that is a number is kept in float32; a schedule answers in the dtype it likes."""

    def __init__(self, rates: Sequence[float]) -> None:
        self.rates = tf.constant(rates, tf.float64)

    def __call__(self, step: Any) -> Any:
        return tf.gather(self.rates, step)


def optimize(
    rule: str,
    parameter: np.ndarray,
    gradients: Sequence[np.ndarray],
    rates: Sequence[float],
    **constants: float,
) -> np.ndarray:
    """The momentum is the deck's. Adam adds epsilon to the square root before its correction, so
    that it must shrink with it: sqrt(v) + eps sqrt(1 - b2^t) = sqrt(1 - b2^t) (sqrt(vhat) + eps).
    """
    schedule: Any = Rates(rates)
    wide = {name: np.float64(constant) for name, constant in constants.items()}  # 0.9 is float32
    if rule in ("sgd", "deck_momentum"):
        library = keras.optimizers.SGD(schedule, wide.get("momentum", 0.0))
    elif rule == "adam":
        library = keras.optimizers.Adam(schedule, wide["beta1"], wide["beta2"])
    else:
        raise ValueError(rule)
    value = keras.Variable(parameter, dtype="float64")
    for step, gradient in enumerate(gradients, start=1):
        if isinstance(library, keras.optimizers.Adam):
            library.epsilon = wide["epsilon"] * np.sqrt(1 - wide["beta2"] ** step)
        library.apply([tf.constant(gradient)], [value])
    return np.asarray(value)


def clip_by_global_norm(gradients: Mapping[str, np.ndarray], limit: float) -> dict[str, np.ndarray]:
    """As an optimizer's global_clipnorm; its clipnorm takes every tensor by itself."""
    given = [tf.constant(gradient) for gradient in gradients.values()]
    clipped, _ = tf.clip_by_global_norm(given, limit)
    return {name: np.asarray(g) for name, g in zip(gradients, clipped, strict=True)}


def weight_decay(
    parameter: np.ndarray,
    gradients: Sequence[np.ndarray],
    rate: float,
    momentum: float,
    decay: float,
) -> np.ndarray:
    """A penalty in the loss: L2 has no half, and the optimizer's own decay is another one."""
    schedule: Any = Rates([rate] * len(gradients))
    library = keras.optimizers.SGD(schedule, np.float64(momentum))
    penalty: Any = keras.regularizers.L2(np.float64(decay / 2))
    value = keras.Variable(parameter, dtype="float64")
    for gradient in gradients:
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(tf.constant(gradient) * value) + penalty(value)
        library.apply([tape.gradient(loss, value.value)], [value])
    return np.asarray(value)


def accumulated(
    parameter: np.ndarray, gradients: Sequence[np.ndarray], parts: int, rate: float
) -> np.ndarray:
    """A schedule counts every part, and is asked at the last of each step."""
    schedule: Any = Rates([rate] * len(gradients))
    library = keras.optimizers.SGD(schedule, gradient_accumulation_steps=parts)
    value = keras.Variable(parameter, dtype="float64")
    for gradient in gradients:
        library.apply([tf.constant(gradient)], [value])
    return np.asarray(value)


def piecewise_constant(
    steps: int, boundaries: Sequence[int], rates: Sequence[float]
) -> list[float]:
    """A boundary is the last step of the old rate."""
    last = [boundary - 1 for boundary in boundaries]
    values = [tf.constant(rate, tf.float64) for rate in rates]
    return _rates(steps, keras.optimizers.schedules.PiecewiseConstantDecay(last, values))


def exponential_decay(steps: int, rate: float, decay: float, period: float) -> list[float]:
    """In the dtype of the first rate."""
    first: Any = tf.constant(rate, tf.float64)
    return _rates(steps, keras.optimizers.schedules.ExponentialDecay(first, period, decay))


def standardize(x: np.ndarray) -> np.ndarray:
    layer = keras.layers.Normalization(axis=-1, dtype="float64")
    layer.adapt(x)
    return np.asarray(layer(x))


def affine(x: np.ndarray, angle: np.ndarray, scale: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """A transform is a b c d e f 0 0: column = a x + b y + c, row = d x + e y + f of x = column."""
    center = (np.array(x.shape[1:3]) - 1) / 2
    cosine, sine = np.cos(angle) / scale, np.sin(angle) / scale
    down, right = (center + shift).T
    transforms = np.stack(
        [
            *(cosine, -sine, center[1] - cosine * right + sine * down),
            *(sine, cosine, center[0] - sine * right - cosine * down),
            *(np.zeros_like(angle), np.zeros_like(angle)),
        ],
        axis=-1,
    )
    return np.asarray(
        keras.ops.image.affine_transform(
            x,
            transforms.astype(np.float32),
            interpolation="bilinear",
            fill_mode="constant",
            fill_value=0,
            data_format="channels_last",
        )
    )


def elastic(x: np.ndarray, displacement: np.ndarray) -> np.ndarray:
    pixels = np.stack(np.meshgrid(*map(np.arange, x.shape[1:3]), indexing="ij"), axis=-1)
    places = np.moveaxis(pixels + displacement, -1, 1)
    channels = [
        [_sampled(image[..., channel], at) for channel in range(x.shape[-1])]
        for image, at in zip(x, places, strict=True)
    ]
    return np.moveaxis(np.array(channels), 1, -1)


def _batch_norm(
    shape: tuple[int, ...], epsilon: float, weights: list[np.ndarray], decay: float
) -> keras.layers.BatchNormalization:
    layer = keras.layers.BatchNormalization(
        axis=-1, momentum=decay, epsilon=epsilon, dtype="float64"
    )
    layer.build(shape)
    layer.set_weights(weights)
    return layer


def _sampled(image: np.ndarray, at: np.ndarray) -> np.ndarray:
    return np.asarray(
        keras.ops.image.map_coordinates(image, at, order=1, fill_mode="constant", fill_value=0)
    )


def _both(
    function: Callable[[Any], Any], x: np.ndarray, delta: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """A function's value, and its gradient by x."""
    given = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(given)
        value = function(given)
    gradients: Any = tape.gradient([value], [given], output_gradients=[tf.constant(delta)])
    return np.asarray(value), gradients[0].numpy()


def _rates(steps: int, schedule: Callable[[int], Any]) -> list[float]:
    return [float(schedule(step)) for step in range(steps)]
