"""Dtypes, TF32, determinism and threads: what a number is before anything is computed."""

from collections.abc import Callable
from typing import Any

import numpy as np

from implementations.atlas._tensors import functions, value
from implementations.atlas.row import Answer, row

NUMBERS = np.array([1 / 3, -2 / 7, 1e8 + 1 / 9])  # float32 loses digits of each
MATRIX = np.sin(np.arange(16.0)).reshape(4, 4)


def outcome(question: Callable[[], Any]) -> str:
    """The dtype of the result, or the name of the error."""
    try:
        result = question()
    except Exception as error:
        return type(error).__name__
    return np.asarray(result.detach() if hasattr(result, "detach") else result).dtype.name


def unswitched(question: Callable[[], Any]) -> str:
    """The outcome in JAX as it comes, with 64-bit numbers off."""
    import jax

    with jax.enable_x64(False):
        return outcome(question)


def tripled(framework: str) -> np.ndarray:
    return value(framework, lambda x: x * 3, NUMBERS)


EXPLICIT = {
    "pytorch": "torch.tensor(x, dtype=torch.float64)",
    "tensorflow": "tf.constant(x, tf.float64)",
    "jax": 'jax_enable_x64 before any array is made; jnp.asarray(x, "float64")',
}


@row(
    "D9",
    "what a float64 array of NumPy becomes",
    pinned={"pytorch": "float64", "tensorflow": "float64", "jax": "float32"},
    reference=lambda: NUMBERS * 3,
)
def from_numpy(framework: str) -> Answer:
    """JAX halves the digits without an error; a comparison then ends at 1e-7 and not at 1e-16."""
    if framework == "pytorch":
        import torch

        name = outcome(lambda: torch.from_numpy(NUMBERS))
    elif framework == "tensorflow":
        import tensorflow as tf

        name = outcome(lambda: tf.constant(NUMBERS))
    else:
        import jax.numpy as jnp

        name = unswitched(lambda: jnp.asarray(NUMBERS))
    return Answer(name, EXPLICIT[framework], tripled(framework))


@row(
    "D20",
    "what a dense layer made by default gives for a float64 batch",
    pinned={"pytorch": "RuntimeError", "tensorflow": "float32", "jax": "float32"},
    reference=lambda: MATRIX @ MATRIX,
)
def layer_dtype(framework: str) -> Answer:
    """A Keras layer casts its input to float32: a float64 pipeline is none from there on."""
    batch = np.ones((1, 4))
    if framework == "pytorch":
        import torch

        name = outcome(lambda: torch.nn.Linear(4, 4)(torch.tensor(batch)))
        recipe, layer = "module.double()", torch.nn.Linear(4, 4, bias=False).double()
        layer.load_state_dict({"weight": torch.tensor(MATRIX.T)})
        return Answer(name, recipe, value(framework, layer, MATRIX))
    if framework == "tensorflow":
        import keras

        name = outcome(lambda: keras.layers.Dense(4)(batch))
        dense = keras.layers.Dense(4, use_bias=False, dtype="float64")
        dense.build((None, 4))
        dense.set_weights([MATRIX])
        return Answer(name, 'dtype="float64" in every layer', value(framework, dense, MATRIX))
    import flax.linen as nn
    import jax

    dense = nn.Dense(4, use_bias=False, param_dtype="float64")
    start = nn.Dense(4).init
    name = unswitched(lambda: nn.Dense(4).apply(start(jax.random.key(0), batch), batch))
    aligned = value(framework, lambda x: dense.apply({"params": {"kernel": MATRIX}}, x), MATRIX)
    return Answer(name, 'jax_enable_x64 and param_dtype="float64" in every layer', aligned)


@row(
    "D21",
    "float32 array + float64 array",
    pinned={"pytorch": "float64", "tensorflow": "InvalidArgumentError", "jax": "float32"},
    reference=lambda: NUMBERS * 3,
)
def mixed(framework: str) -> Answer:
    """A forgotten cast is an error in one library, and more or fewer digits in the others."""
    single = NUMBERS.astype(np.float32)
    if framework == "pytorch":
        import torch

        name = outcome(lambda: torch.tensor(single) + torch.tensor(NUMBERS))
    elif framework == "tensorflow":
        import tensorflow as tf

        name = outcome(lambda: tf.constant(single) + tf.constant(NUMBERS))
    else:
        import jax.numpy as jnp

        name = unswitched(lambda: jnp.asarray(single) + jnp.asarray(NUMBERS))
    return Answer(name, EXPLICIT[framework], tripled(framework))


@row(
    "D22",
    "integer 1 / integer 3",
    pinned={"pytorch": "float32", "tensorflow": "float64", "jax": "float32"},
    reference=lambda: np.array([1 / 3, 2 / 3]),
)
def integer_division(framework: str) -> Answer:
    """An accuracy of counts is float64 in TensorFlow, and then meets a float32 loss."""
    if framework == "pytorch":
        import torch

        name = outcome(lambda: torch.tensor(1) / torch.tensor(3))
    elif framework == "tensorflow":
        import tensorflow as tf

        name = outcome(lambda: tf.constant(1) / tf.constant(3))
    else:
        import jax.numpy as jnp

        name = unswitched(lambda: jnp.array(1) / jnp.array(3))
    aligned = value(framework, lambda x: x / 3, np.array([1.0, 2.0]))
    return Answer(name, f"cast both before dividing: {EXPLICIT[framework]}", aligned)


@row(
    "D23",
    "sum of 300 ones of type uint8",
    pinned={"pytorch": 300, "tensorflow": 44, "jax": 300},
    decimals=0,
    reference=lambda: 300.0,
)
def byte_sum(framework: str) -> Answer:
    """Correct predictions or bright pixels, counted in their own type, start again at 256."""
    if framework == "pytorch":
        import torch

        total = torch.ones(300, dtype=torch.uint8).sum().item()
    elif framework == "tensorflow":
        import tensorflow as tf

        total = int(tf.reduce_sum(tf.ones(300, tf.uint8)))
    else:
        import jax.numpy as jnp

        total = int(jnp.ones(300, "uint8").sum())
    aligned = value(framework, functions(framework).sum, np.ones(300))
    return Answer(total, f"cast before the sum: {EXPLICIT[framework]}", aligned)


@row(
    "D24",
    "entry 5 of an array of 3 entries: 0, 1, 2",
    pinned={"pytorch": "IndexError", "tensorflow": "InvalidArgumentError", "jax": "2"},
    reference=lambda: np.array([1 / 3, 1e8 + 1 / 9]),
)
def out_of_range(framework: str) -> Answer:
    """JAX takes the last entry: a vocabulary that is too short trains on the wrong word."""
    index = np.array([5])
    try:
        if framework == "pytorch":
            import torch

            entry = torch.arange(3)[torch.tensor(index)].item()
        elif framework == "tensorflow":
            import tensorflow as tf

            entry = int(tf.gather(tf.range(3), index)[0])
        else:
            import jax.numpy as jnp

            entry = int(jnp.arange(3)[jnp.asarray(index)][0])
        default = str(entry)
    except Exception as error:
        default = type(error).__name__
    m, chosen = functions(framework), np.array([0, 2])
    take = m.take if framework != "pytorch" else lambda x, i: x[i]
    aligned = value(framework, lambda x: take(x, chosen), NUMBERS)
    recipe = 'check the largest index in NumPy; in JAX x.at[i].get(mode="fill") gives NaN'
    return Answer(default, recipe, aligned)


TF32 = {
    "pytorch": 'torch.set_float32_matmul_precision("highest"), backends.cudnn.allow_tf32 = False',
    "tensorflow": "tf.config.experimental.enable_tensor_float_32_execution(False)",
    "jax": 'jax.config.update("jax_default_matmul_precision", "highest")',
}


@row(
    "D10",
    "whether the flags allow TF32 on a GPU: in products, in convolutions",
    pinned={"pytorch": "no, yes", "tensorflow": "yes, yes", "jax": "unset, unset"},
    reference=lambda: MATRIX @ MATRIX,
)
def tf32(framework: str) -> Answer:
    """Ten bits of mantissa: on a recent GPU float32 results differ at 1e-3, not at 1e-7."""
    word = {True: "yes", False: "no", None: "unset"}
    if framework == "pytorch":
        from torch import backends

        flags = [backends.cuda.matmul.allow_tf32, backends.cudnn.allow_tf32]
    elif framework == "tensorflow":
        import tensorflow as tf

        flags = [tf.config.experimental.tensor_float_32_execution_enabled()] * 2
    else:
        import jax

        flags = [getattr(jax.config, "jax_default_matmul_precision")] * 2  # noqa: B009
    aligned = value(framework, functions(framework).matmul, MATRIX, MATRIX)
    return Answer(", ".join(word.get(flag, str(flag)) for flag in flags), TF32[framework], aligned)


@row(
    "D12",
    "when the number of threads can be set",
    pinned={"pytorch": "any time", "tensorflow": "before the first operation", "jax": "never"},
    reference=lambda: NUMBERS * 3,
)
def threads(framework: str) -> Answer:
    """Sums split over threads round differently: another machine gives other last digits."""
    aligned = tripled(framework)  # something has been computed from here on
    if framework == "pytorch":
        import torch

        torch.set_num_threads(torch.get_num_threads())
        return Answer("any time", "torch.set_num_threads(n)", aligned)
    if framework == "tensorflow":
        import tensorflow as tf

        setting = tf.config.threading
        try:
            setting.set_intra_op_parallelism_threads(setting.get_intra_op_parallelism_threads() + 1)
            when = "any time"
        except RuntimeError:
            when = "before the first operation"
        return Answer(when, "tf.config.threading.set_..._parallelism_threads(n), first", aligned)
    import jax

    named = [name for name in dir(jax.config) if "num_threads" in name or "parallelism" in name]
    return Answer(", ".join(named) or "never", "one processor: taskset, or NPROC=1", aligned)
