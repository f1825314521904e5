"""Initial weights of other layers: what counts as the inputs of a kernel, what gates get."""

from typing import Any

import numpy as np

from implementations.atlas.initializers import RECIPE, loaded, reference
from implementations.atlas.row import Answer, row

FORMULA = RECIPE.format("with the number of inputs written out")
HIDDEN = 16


def inputs(kernel: Any) -> float:
    """The inputs that He's uniform counted: its bound is sqrt(6 / inputs)."""
    return float(6 / np.abs(np.asarray(kernel)).max() ** 2)


def flax_kernel(layer: Any, start: Any, shape: tuple[int, ...]) -> np.ndarray:
    """What the layer's initializer gives for the kernel that the layer asks of it."""
    import jax

    key = jax.random.key(0)
    asked = jax.tree.leaves(jax.eval_shape(layer.init, key, np.ones(shape)))[0].shape
    return np.asarray(start(key, asked, np.float32))


@row(
    "I7",
    "inputs that He's formula counts for a convolution of 3 x 3 from 16 to 32 channels",
    pinned={"pytorch": 144, "tensorflow": 144, "jax": 144},
    decimals=0,
    reference=reference,
)
def convolution(framework: str) -> Answer:
    """All take 3 * 3 * 16, whatever the layout of the kernel."""
    if framework == "pytorch":
        import torch

        torch.manual_seed(0)
        kernel = torch.nn.init.kaiming_uniform_(torch.nn.Conv2d(16, 32, 3).weight).detach()
    elif framework == "tensorflow":
        import keras

        start: Any = keras.initializers.HeUniform(seed=0)
        layer = keras.layers.Conv2D(32, 3, kernel_initializer=start, use_bias=False)
        layer.build((None, 4, 4, 16))
        kernel = layer.get_weights()[0]
    else:
        import flax.linen as nn

        start = nn.initializers.he_uniform()
        layer = nn.Conv(32, (3, 3), kernel_init=start, use_bias=False)
        kernel = flax_kernel(layer, start, (1, 4, 4, 16))
    return Answer(inputs(kernel), FORMULA, loaded(framework))


@row(
    "I13",
    "inputs that He's formula counts for a transposed convolution of 3 x 3 from 16 to 32",
    pinned={"pytorch": 288, "tensorflow": 288, "jax": 144},
    decimals=0,
    reference=reference,
)
def transposed(framework: str) -> Answer:
    """PyTorch and Keras count the outputs: a generator starts with other weights in JAX."""
    if framework == "pytorch":
        import torch

        torch.manual_seed(0)
        layer = torch.nn.ConvTranspose2d(16, 32, 3)
        kernel = torch.nn.init.kaiming_uniform_(layer.weight).detach()
    elif framework == "tensorflow":
        import keras

        start: Any = keras.initializers.HeUniform(seed=0)
        layer = keras.layers.Conv2DTranspose(32, 3, kernel_initializer=start, use_bias=False)
        layer.build((None, 4, 4, 16))
        kernel = layer.get_weights()[0]
    else:
        import flax.linen as nn

        start = nn.initializers.he_uniform()
        layer = nn.ConvTranspose(32, (3, 3), kernel_init=start, use_bias=False)
        kernel = flax_kernel(layer, start, (1, 4, 4, 16))
    return Answer(inputs(kernel), FORMULA, loaded(framework))


@row(
    "I14",
    "inputs that He's formula counts for a depthwise convolution of 3 x 3, 512 channels, over 9",
    pinned={"pytorch": 1, "tensorflow": 512, "jax": 1},
    decimals=0,
    reference=reference,
)
def depthwise(framework: str) -> Answer:
    """Each output has nine inputs; Keras counts all channels and starts 22 times smaller."""
    if framework == "pytorch":
        import torch

        torch.manual_seed(0)
        layer = torch.nn.Conv2d(512, 512, 3, groups=512)
        kernel = torch.nn.init.kaiming_uniform_(layer.weight).detach()
    elif framework == "tensorflow":
        import keras

        start: Any = keras.initializers.HeUniform(seed=0)
        layer = keras.layers.DepthwiseConv2D(3, depthwise_initializer=start, use_bias=False)
        layer.build((None, 4, 4, 512))
        kernel = layer.get_weights()[0]
    else:
        import flax.linen as nn

        start = nn.initializers.he_uniform()
        layer = nn.Conv(512, (3, 3), feature_group_count=512, kernel_init=start, use_bias=False)
        kernel = flax_kernel(layer, start, (1, 4, 4, 512))
    return Answer(inputs(kernel) / 9, FORMULA, loaded(framework))


@row(
    "I8",
    "standard deviation of an embedding of 64 numbers",
    pinned={"pytorch": 0.999, "tensorflow": 0.029, "jax": 0.125},
    decimals=3,
    reference=reference,
)
def embedding(framework: str) -> Answer:
    """From 0.03 to 1: with weights tied to the output, logits of a net that knows nothing yet."""
    if framework == "pytorch":
        import torch

        torch.manual_seed(0)
        table = torch.nn.Embedding(1000, 64).weight.detach().numpy()
    elif framework == "tensorflow":
        import keras

        keras.utils.set_random_seed(0)
        layer = keras.layers.Embedding(1000, 64)
        layer.build()
        table = layer.get_weights()[0]
    else:
        import flax.linen as nn
        import jax

        table = np.asarray(nn.Embed(1000, 64).embedding_init(jax.random.key(0), (1000, 64)))
    return Answer(float(table.std()), RECIPE.format("with its deviation"), loaded(framework))


def lstm(framework: str) -> tuple[np.ndarray, np.ndarray]:
    """Recurrent kernels as (hidden, 4 hidden), gates i f g o beside each other, and all biases."""
    if framework == "pytorch":
        import torch

        torch.manual_seed(0)
        layer = torch.nn.LSTM(3, HIDDEN)
        made = {name: weight.numpy() for name, weight in layer.state_dict().items()}
        return made["weight_hh_l0"].T, made["bias_ih_l0"] + made["bias_hh_l0"]
    if framework == "tensorflow":
        import keras

        keras.utils.set_random_seed(0)
        layer = keras.layers.LSTM(HIDDEN)
        layer.build((None, 2, 3))
        _, recurrent, biases = layer.get_weights()
        return recurrent, biases
    import flax.linen as nn
    import jax

    cell = nn.LSTMCell(HIDDEN)
    batch = np.ones((1, 3), np.float32)
    carry = cell.initialize_carry(jax.random.key(0), batch.shape)
    made: Any = cell.init(jax.random.key(0), carry, batch)["params"]
    gates = [made[f"h{gate}"] for gate in "ifgo"]
    recurrent = np.concatenate([np.asarray(gate["kernel"]) for gate in gates], axis=1)
    return recurrent, np.concatenate([np.asarray(gate["bias"]) for gate in gates])


@row(
    "I9",
    "what is orthogonal in an LSTM's recurrent kernel",
    pinned={"pytorch": "nothing", "tensorflow": "all gates together", "jax": "each gate"},
    reference=reference,
)
def recurrent_kernel(framework: str) -> Answer:
    """Keras makes one matrix of the four gates: no gate keeps the length of the state."""
    recurrent, _ = lstm(framework)

    def orthogonal(matrix: np.ndarray) -> bool:
        return bool(np.allclose(matrix @ matrix.T, np.eye(HIDDEN), atol=1e-4))

    default = "all gates together" if orthogonal(recurrent) else "nothing"
    if all(orthogonal(gate) for gate in np.split(recurrent, 4, axis=1)):
        default = "each gate"
    recipe = RECIPE.format("each gate's matrix (QR of a normal one)")
    return Answer(default, recipe, loaded(framework))


@row(
    "I15",
    "mean bias of an LSTM's forget gate",
    pinned={"pytorch": 0.0, "tensorflow": 1.0, "jax": 0.0},
    decimals=1,
    reference=reference,
)
def forget_bias(framework: str) -> Answer:
    """With 1 a net remembers from the first step (0.73 of its cell), with 0 it forgets half."""
    _, biases = lstm(framework)
    recipe = "bias[hidden:2 * hidden] = 1 after zeros; in PyTorch on one of the two vectors"
    return Answer(float(biases[HIDDEN : 2 * HIDDEN].mean()), recipe, loaded(framework))
