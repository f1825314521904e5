"""What a user of JAX would call: flax, optax and jax itself. See tests/natives/__init__.py."""

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import linen
from jax.scipy import ndimage

UNALIGNED = {
    "optimize adagrad": "epsilon is inside of the root, and no argument puts it outside",
}
TOLERANCES: dict[str, float] = {}


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
    variables = {
        "params": {"scale": scale, "bias": shift},
        "batch_stats": {"mean": running_mean, "var": running_variance},
    }
    layer = _batch_norm(epsilon, momentum=decay, use_running_average=not training)
    y, changed = layer.apply(variables, jnp.asarray(x), mutable=["batch_stats"])
    kept = {**variables, **changed}["batch_stats"]
    variance = np.asarray(kept["var"])
    if training and unbiased:
        count = x.size // x.shape[-1]
        new_share = variance - decay * running_variance
        variance = decay * running_variance + new_share * (count / (count - 1))
    return np.asarray(y), np.asarray(kept["mean"]), variance


def batch_norm_gradient(
    x: np.ndarray, scale: np.ndarray, shift: np.ndarray, epsilon: float, delta: np.ndarray
) -> tuple[np.ndarray, ...]:
    layer = _batch_norm(epsilon, use_running_average=False)
    kept = {"mean": jnp.zeros_like(scale), "var": jnp.ones_like(scale)}

    def normalized(x: Any, scale: Any, shift: Any) -> Any:
        variables = {"params": {"scale": scale, "bias": shift}, "batch_stats": kept}
        return layer.apply(variables, x, mutable=["batch_stats"])[0]

    backward = jax.vjp(normalized, x, scale, shift)[1]
    return tuple(np.asarray(gradient) for gradient in backward(jnp.asarray(delta)))


def dropout(x: np.ndarray, keep: float, seed: int) -> np.ndarray:
    """rate is the probability of putting out."""
    layer = linen.Dropout(rate=1 - keep, deterministic=False)
    return np.asarray(layer.apply({}, jnp.asarray(x), rngs={"dropout": jax.random.key(seed)}))


def activation(name: str, x: np.ndarray, delta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return _both(getattr(jax.nn, name), x, delta)


def cross_entropy(logits: np.ndarray, labels: np.ndarray) -> tuple[float, np.ndarray]:
    def loss(logits: Any) -> Any:
        return optax.softmax_cross_entropy_with_integer_labels(logits, labels).mean()

    value, gradient = jax.value_and_grad(loss)(jnp.asarray(logits))
    return float(value), np.asarray(gradient)


def max_pool(
    x: np.ndarray, window: int, stride: int, delta: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Without strides flax would move by one pixel."""
    return _both(lambda x: linen.max_pool(x, (window,) * 2, (stride,) * 2, "VALID"), x, delta)


def average_pool(
    x: np.ndarray, window: int, stride: int, delta: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    return _both(lambda x: linen.avg_pool(x, (window,) * 2, (stride,) * 2, "VALID"), x, delta)


def unpool(x: np.ndarray, delta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """There is none, but the gradient of a pooling goes where its maximum was: so does a value."""

    def there_and_back(x: Any) -> Any:
        pooled, back = jax.vjp(lambda x: linen.max_pool(x, (2, 2), (2, 2), "VALID"), x)
        return back(pooled)[0]

    return _both(there_and_back, x, delta)


def upsample(upsampling: str, x: np.ndarray, delta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    batch, rows, columns, channels = x.shape
    shape = (batch, 2 * rows, 2 * columns, channels)
    return _both(lambda x: jax.image.resize(x, shape, upsampling), x, delta)


def transposed_convolution(
    x: np.ndarray, weight: np.ndarray, delta: np.ndarray
) -> tuple[np.ndarray, ...]:
    """Without transpose_kernel the kernel would be turned by 180 degrees; with it, it is
    (height, width, out, in)."""
    layer = linen.ConvTranspose(
        weight.shape[3], (2, 2), (2, 2), "VALID", use_bias=False, transpose_kernel=True
    )

    def spread(x: Any, kernel: Any) -> Any:
        return layer.apply({"params": {"kernel": kernel.transpose(0, 1, 3, 2)}}, x)

    y, backward = jax.vjp(spread, jnp.asarray(x), jnp.asarray(weight))
    by_x, by_weight = backward(jnp.asarray(delta))
    return np.asarray(y), np.asarray(by_x), np.asarray(by_weight)


def pixel_cross_entropy(
    logits: np.ndarray, labels: np.ndarray, weights: Sequence[float]
) -> tuple[float, np.ndarray]:
    own = np.array(weights)[labels]

    def loss(logits: Any) -> Any:
        return (own * optax.softmax_cross_entropy_with_integer_labels(logits, labels)).mean()

    value, gradient = jax.value_and_grad(loss)(jnp.asarray(logits))
    return float(value), np.asarray(gradient)


def optimize(
    rule: str,
    parameter: np.ndarray,
    gradients: Sequence[np.ndarray],
    rates: Sequence[float],
    **constants: float,
) -> np.ndarray:
    """The deck's momentum holds the rate of every step: sgd at rate 1 on gradients times rates.
    Its Adam is optax's with the epsilon of the root."""
    table = jnp.asarray(rates)

    def rate(step: Any) -> Any:
        return table[step]

    if rule in ("sgd", "momentum"):
        library = optax.sgd(rate, constants.get("momentum"))
    elif rule == "deck_momentum":
        library = optax.sgd(1.0, constants["momentum"])
        gradients = [lr * gradient for lr, gradient in zip(rates, gradients, strict=True)]
    elif rule in ("adam", "deck_adam"):
        outside, inside = constants["epsilon"], 0.0
        if rule == "deck_adam":
            outside, inside = inside, outside
        library = optax.adam(rate, constants["beta1"], constants["beta2"], outside, inside)
    else:
        raise ValueError(rule)
    value = jnp.asarray(parameter)
    state = library.init(value)
    for gradient in gradients:
        change, state = library.update(jnp.asarray(gradient), state)
        value = jnp.asarray(optax.apply_updates(value, change))
    return np.asarray(value)


def clip_by_global_norm(gradients: Mapping[str, np.ndarray], limit: float) -> dict[str, np.ndarray]:
    library = optax.clip_by_global_norm(limit)
    given = {name: jnp.asarray(gradient) for name, gradient in gradients.items()}
    clipped: Any = library.update(given, library.init(given))[0]
    return {name: np.asarray(gradient) for name, gradient in clipped.items()}


def weight_decay(
    parameter: np.ndarray,
    gradients: Sequence[np.ndarray],
    rate: float,
    momentum: float,
    decay: float,
) -> np.ndarray:
    """The order couples: behind sgd the decay would not pass through the momentum."""
    library = optax.chain(optax.add_decayed_weights(decay), optax.sgd(rate, momentum))
    value = jnp.asarray(parameter)
    state = library.init(value)
    for gradient in gradients:
        change, state = library.update(jnp.asarray(gradient), state, value)
        value = jnp.asarray(optax.apply_updates(value, change))
    return np.asarray(value)


def accumulated(
    parameter: np.ndarray, gradients: Sequence[np.ndarray], parts: int, rate: float
) -> np.ndarray:
    """The mean is kept in float32, whatever the gradients are, unless a dtype is named."""
    library = optax.MultiSteps(optax.sgd(rate), parts, accumulator_dtype=jnp.float64)
    value = jnp.asarray(parameter)
    state = library.init(value)
    for gradient in gradients:
        change, state = library.update(jnp.asarray(gradient), state, value)
        value = jnp.asarray(optax.apply_updates(value, change))
    return np.asarray(value)


def piecewise_constant(
    steps: int, boundaries: Sequence[int], rates: Sequence[float]
) -> list[float]:
    """optax asks for factors by which the rate changes."""
    factors = [after / before for before, after in pairwise(rates)]
    jumps = dict(zip(boundaries, factors, strict=True))
    return _rates(steps, optax.piecewise_constant_schedule(rates[0], jumps))


def exponential_decay(steps: int, rate: float, decay: float, period: float) -> list[float]:
    return _rates(steps, optax.exponential_decay(rate, int(period), decay))


def standardize(x: np.ndarray) -> np.ndarray:
    """Without epsilon, which is 1e-5 unless it is given."""
    axes = tuple(range(x.ndim - 1))
    return np.asarray(jax.nn.standardize(jnp.asarray(x), axis=axes, epsilon=0.0))


def affine(x: np.ndarray, angle: np.ndarray, scale: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """jax.image scales and translates but does not rotate: sampled at places."""
    center = (np.array(x.shape[1:3]) - 1) / 2
    cosine, sine = np.cos(angle) / scale, np.sin(angle) / scale
    back = np.stack([cosine, sine, -sine, cosine], axis=-1).reshape(-1, 2, 2)  # R(-angle) / scale
    offset = _pixels(x) - center - shift[:, None, None, :]
    return _sampled(x, center + np.einsum("bij,bhwj->bhwi", back, offset))


def elastic(x: np.ndarray, displacement: np.ndarray) -> np.ndarray:
    return _sampled(x, _pixels(x) + displacement)


def _batch_norm(epsilon: float, **settings: Any) -> linen.BatchNorm:
    """In two passes over the batch: by default the variance is mean(x^2) - mean(x)^2."""
    return linen.BatchNorm(epsilon=epsilon, use_fast_variance=False, dtype=jnp.float64, **settings)


def _pixels(x: np.ndarray) -> np.ndarray:
    """(H, W, 2): row and column of every pixel."""
    return np.stack(np.meshgrid(*map(np.arange, x.shape[1:3]), indexing="ij"), axis=-1)


def _sampled(x: np.ndarray, places: np.ndarray) -> np.ndarray:
    """x (B, H, W, C) at places (B, H, W, 2), channel by channel."""

    def channel(image: Any, at: Any) -> Any:
        rows_and_columns = [at[..., 0], at[..., 1]]
        return ndimage.map_coordinates(image, rows_and_columns, order=1, mode="constant", cval=0.0)

    by_channel = jax.vmap(channel, in_axes=(-1, None), out_axes=-1)
    return np.asarray(jax.vmap(by_channel)(jnp.asarray(x), jnp.asarray(places)))


def _both(
    function: Callable[[Any], Any], x: np.ndarray, delta: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """A function's value, and its gradient by x."""
    value, backward = jax.vjp(function, jnp.asarray(x))
    return np.asarray(value), np.asarray(backward(jnp.asarray(delta))[0])


def _rates(steps: int, schedule: Callable[[int], Any]) -> list[float]:
    return [float(schedule(step)) for step in range(steps)]
