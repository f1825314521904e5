"""Initial weights: what a layer starts from when nobody says anything.

Measured over many draws, so that any seed gives the pinned decimals. Every recipe is the same: draw
from the formula in NumPy, load the array.
"""

from typing import Any

import numpy as np

from implementations.atlas._tensors import value
from implementations.atlas.row import Answer, row

BATCH = np.sin(np.arange(12.0)).reshape(3, 4)
KERNEL = np.random.Generator(np.random.Philox(0)).normal(0, np.sqrt(2 / 4), (4, 5))
RECIPE = "draw {} in NumPy, load it"


def loaded(framework: str) -> np.ndarray:
    """The output of the framework's dense layer with the kernel that NumPy drew."""
    if framework == "pytorch":
        import torch

        layer = torch.nn.Linear(4, 5, bias=False).double()
        layer.load_state_dict({"weight": torch.tensor(KERNEL.T)})
        return value(framework, layer, BATCH)
    if framework == "tensorflow":
        import keras

        layer = keras.layers.Dense(5, use_bias=False, dtype="float64")
        layer.build((None, 4))
        layer.set_weights([KERNEL])
        return value(framework, layer, BATCH)
    import flax.linen as nn

    layer = nn.Dense(5, use_bias=False)
    return value(framework, lambda x: layer.apply({"params": {"kernel": KERNEL}}, x), BATCH)


def dense(framework: str) -> tuple[np.ndarray, np.ndarray]:
    """Kernel and bias of a dense layer from 400 to 100, as the library makes it."""
    if framework == "pytorch":
        import torch

        torch.manual_seed(0)
        layer = torch.nn.Linear(400, 100)
        return layer.weight.detach().numpy().T, layer.bias.detach().numpy()
    if framework == "tensorflow":
        import keras

        keras.utils.set_random_seed(0)
        layer = keras.layers.Dense(100)
        layer.build((None, 400))
        kernel, bias = layer.get_weights()
        return kernel, bias
    import flax.linen as nn
    import jax

    made = nn.Dense(100).init(jax.random.key(0), np.ones((1, 400), np.float32))["params"]
    return np.asarray(made["kernel"]), np.asarray(made["bias"])


def drawn(framework: str, name: str, deviation: float = 1.0) -> np.ndarray:
    """400 x 100 numbers of a named initializer."""
    if framework == "pytorch":
        import torch

        torch.manual_seed(0)
        weight = torch.empty(100, 400)
        if name == "truncated_normal":
            return torch.nn.init.trunc_normal_(weight, std=deviation).numpy()
        named = {"he_normal": "kaiming_normal_", "glorot_normal": "xavier_normal_"}
        return getattr(torch.nn.init, named[name])(weight).numpy()
    if framework == "tensorflow":
        from keras import initializers

        if name == "truncated_normal":
            return np.asarray(initializers.TruncatedNormal(stddev=deviation, seed=0)((400, 100)))
        made = {"he_normal": initializers.HeNormal, "glorot_normal": initializers.GlorotNormal}
        return np.asarray(made[name](seed=0)((400, 100)))
    import jax
    from flax.linen import initializers

    if name == "truncated_normal":
        make = initializers.truncated_normal(deviation)
    else:
        make = getattr(initializers, name)()
    return np.asarray(make(jax.random.key(0), (400, 100), np.float32))


def beyond(weights: np.ndarray) -> float:
    """The share beyond 2.3 standard deviations: 0.021 of a normal distribution."""
    return float((np.abs(weights) > 2.3 * weights.std()).mean())


def reference() -> np.ndarray:
    return BATCH @ KERNEL


@row(
    "I1",
    "standard deviation of a dense kernel from 400 to 100",
    pinned={"pytorch": 0.029, "tensorflow": 0.063, "jax": 0.05},
    decimals=3,
    reference=reference,
)
def dense_kernel(framework: str) -> Answer:
    """U(+-1/sqrt(in)), Glorot's uniform, LeCun's normal: more than a factor of two apart."""
    formula = RECIPE.format("normal(0, sqrt(2 / inputs))")
    return Answer(float(dense(framework)[0].std()), formula, loaded(framework))


@row(
    "I2",
    "largest bias at the start, 400 inputs",
    pinned={"pytorch": 0.05, "tensorflow": 0.0, "jax": 0.0},
    decimals=3,
    reference=reference,
)
def bias(framework: str) -> Answer:
    """PyTorch's biases are random too: a net of equal kernels does not start equal."""
    largest = float(np.abs(dense(framework)[1]).max())
    return Answer(largest, "nn.init.zeros_(layer.bias)", loaded(framework))


@row(
    "I3",
    "share of He's normal beyond 2.3 standard deviations",
    pinned={"pytorch": 0.021, "tensorflow": 0.0, "jax": 0.0},
    decimals=3,
    reference=reference,
)
def he_normal(framework: str) -> Answer:
    """Keras and JAX cut the tails and widen the rest; PyTorch's layers get weights of 4 sigma."""
    formula = RECIPE.format("normal(0, sqrt(2 / inputs))")
    return Answer(beyond(drawn(framework, "he_normal")), formula, loaded(framework))


@row(
    "I4",
    "share of Glorot's normal beyond 2.3 standard deviations",
    pinned={"pytorch": 0.021, "tensorflow": 0.0, "jax": 0.0},
    decimals=3,
    reference=reference,
)
def glorot_normal(framework: str) -> Answer:
    """As with He's: the same name and variance, another distribution."""
    formula = RECIPE.format("normal(0, sqrt(2 / (inputs + outputs)))")
    return Answer(beyond(drawn(framework, "glorot_normal")), formula, loaded(framework))


@row(
    "I5",
    "deviation of a truncated normal made with deviation 1",
    pinned={"pytorch": 0.88, "tensorflow": 0.88, "jax": 0.88},
    decimals=2,
    reference=reference,
)
def truncated_normal(framework: str) -> Answer:
    """Cut at 2 and not widened again in any library: a variance of 0.77 where 1 was asked."""
    deviation = float(drawn(framework, "truncated_normal").std())
    return Answer(deviation, RECIPE.format("and cut, divided by 0.87962566"), loaded(framework))


@row(
    "I12",
    "deviation of a truncated normal made with deviation 0.02, in units of 0.02",
    pinned={"pytorch": 1.0, "tensorflow": 0.88, "jax": 0.88},
    decimals=2,
    reference=reference,
)
def small_truncated_normal(framework: str) -> Answer:
    """PyTorch cuts at -2 and 2 whatever the deviation: at 0.02 nothing is cut at all."""
    deviation = float(drawn(framework, "truncated_normal", 0.02).std()) / 0.02
    recipe = RECIPE.format("and cut")
    if framework == "pytorch":
        recipe = "nn.init.trunc_normal_(w, std=s, a=-2 * s, b=2 * s); or draw in NumPy, load it"
    return Answer(deviation, recipe, loaded(framework))


@row(
    "I6",
    "gain that the library recommends for tanh",
    pinned={"pytorch": 1.666667, "tensorflow": None, "jax": None},
    reference=reference,
)
def gain(framework: str) -> Answer:
    """Glorot's formula for tanh has gain 1; with 5/3 the weights have 2.8 times the variance."""
    recommended = None
    if framework == "pytorch":
        import torch

        recommended = torch.nn.init.calculate_gain("tanh")
    return Answer(
        recommended, RECIPE.format("gain * the formula, gain written out"), loaded(framework)
    )


@row(
    "I16",
    "whether two layers that share one seeded initializer start equal",
    pinned={"pytorch": False, "tensorflow": True, "jax": False},
    reference=reference,
)
def shared_seed(framework: str) -> Answer:
    """In Keras a seed for reproducibility makes twins: equal towers, equal experts."""
    if framework == "pytorch":
        import torch

        torch.manual_seed(0)
        first, second = (torch.nn.Linear(4, 5).weight.detach().numpy() for _ in range(2))
    elif framework == "tensorflow":
        import keras

        start: Any = keras.initializers.GlorotUniform(seed=0)
        layers = [keras.layers.Dense(5, kernel_initializer=start) for _ in range(2)]
        for layer in layers:
            layer.build((None, 4))
        first, second = (layer.get_weights()[0] for layer in layers)
    else:
        import flax.linen as nn
        import jax

        start = nn.initializers.glorot_uniform()
        net = nn.Sequential([nn.Dense(4, kernel_init=start), nn.Dense(4, kernel_init=start)])
        made = net.init(jax.random.key(0), np.ones((1, 4)))["params"]
        first, second = (np.asarray(layer["kernel"]) for layer in made.values())
    recipe = "a seed for each layer; or draw in NumPy, load it"
    return Answer(np.array_equal(first, second), recipe, loaded(framework))
