"""Several devices, and runs that are to be repeated bit by bit.

Two devices are two threads for PyTorch, with a process group each; two logical processors for
TensorFlow, which bench/atlas.py asks for before anything runs; a named axis for JAX.
"""

import importlib
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import numpy as np

from implementations.atlas.batch_norm import EPSILON, X, normalized, refused, wide
from implementations.atlas.row import Answer, row

HALVES = X.reshape(2, 3, 3)  # of the batch, one for each device
PATIENCE = timedelta(seconds=60)


def torch_half(rank: int, store: Any) -> tuple[np.ndarray, np.ndarray]:
    """What one of two devices has: by the library's wrapper, and by sums over both devices."""
    import torch
    from torch import distributed
    from torch.nn.parallel import DistributedDataParallel

    # As init_process_group does, which makes one group for a process, and not one for a thread.
    group = distributed.ProcessGroup(store, rank, 2)
    backend = distributed.ProcessGroupGloo(store, rank, 2, PATIENCE)
    kind = distributed.ProcessGroup.BackendType.GLOO
    group._register_backend(torch.device("cpu"), kind, backend)
    half = torch.from_numpy(HALVES[rank])
    layer = torch.nn.BatchNorm1d(3, eps=EPSILON, dtype=torch.float64)
    default = DistributedDataParallel(layer, process_group=group)(half)
    moments = torch.stack([half, half**2]).mean(1)
    group.allreduce([moments]).wait()
    mean = moments[0] / 2
    aligned = torch.nn.functional.batch_norm(half, mean, moments[1] / 2 - mean**2, eps=EPSILON)
    return default.detach().numpy(), aligned.numpy()


def torch_halves() -> tuple[np.ndarray, ...]:
    distributed: Any = importlib.import_module("torch.distributed")  # its stubs lack the store
    store = distributed.HashStore()
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(torch_half, (0, 1), (store, store)))
    return tuple(np.concatenate(parts) for parts in zip(*found, strict=True))


def keras_halves(synchronized: bool) -> np.ndarray:
    import keras
    import tensorflow as tf

    strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    with strategy.scope():
        layer = keras.layers.BatchNormalization(
            epsilon=EPSILON, dtype="float64", synchronized=synchronized
        )
        layer.build(HALVES[0].shape)

    def step() -> Any:
        context: Any = tf.distribute.get_replica_context()
        return layer(tf.constant(HALVES)[context.replica_id_in_sync_group], training=True)

    both: Any = tf.function(lambda: strategy.run(step))
    return np.concatenate(strategy.experimental_local_results(both()))


def flax_halves(axis: str | None) -> np.ndarray:
    import jax
    from flax import linen

    module = linen.BatchNorm(False, epsilon=EPSILON, param_dtype=np.float64, axis_name=axis)
    fresh: Any = linen.BatchNorm(False, param_dtype=np.float64).init(jax.random.key(0), HALVES[0])
    variables = wide(fresh)

    def device(half: Any) -> Any:
        return module.apply(variables, half, mutable=["batch_stats"])[0]

    return np.concatenate(np.asarray(jax.vmap(device, axis_name="devices")(HALVES)))


@row(
    "B11",
    "Batch normalization of a batch on two devices: the statistics of which examples",
    {"pytorch": "its device's", "tensorflow": "its device's", "jax": "its device's"},
    reference=lambda: normalized(X, 0),
)
def two_devices(framework: str) -> Answer:
    """Twice as many devices halve the batch that normalizes, and change what is computed."""
    if framework == "pytorch":
        default, aligned = torch_halves()
        recipe = "SyncBatchNorm, on GPUs alone; else all_reduce the mean and the mean square"
    elif framework == "tensorflow":
        default, aligned = keras_halves(synchronized=False), keras_halves(synchronized=True)
        recipe = "BatchNormalization(synchronized=True)"
    else:
        default, aligned = flax_halves(None), flax_halves("devices")
        recipe = "BatchNorm(axis_name=...), the axis of vmap, pmap or shard_map"
    own = np.abs(default.reshape(HALVES.shape).mean(1)).max() < 1e-9
    return Answer("its device's" if own else "all", recipe, aligned)


PLACES, NUMBERS = np.array([0, 2, 0, 1, 2, 0]), np.array([1e8, 1 / 3, -1e8, 2 / 7, -1 / 9, 1 / 11])


def summed() -> np.ndarray:
    """Numbers of one place added in their order."""
    total = np.zeros(3)
    np.add.at(total, PLACES, NUMBERS)
    return total


def refusals(operations: Mapping[str, Callable[[], Any]]) -> str:
    """The names of those that raise."""
    return ", ".join(n for n, call in operations.items() if "refused" in str(refused(call)))


def torch_switched() -> tuple[bool, str, np.ndarray]:
    """How the switch starts; with it on, what is refused, and a sum by place."""
    import torch

    on = torch.are_deterministic_algorithms_enabled()
    pooled, places = torch.ones(1, 1, 1, 1), torch.zeros(1, 1, 1, 1, dtype=torch.int64)
    torch.use_deterministic_algorithms(True)
    try:
        told = refusals(
            {
                "unpooling": lambda: torch.nn.functional.max_unpool2d(pooled, places, [2, 2]),
                "a draw without a seed": lambda: torch.randn(2),
            }
        )
        place, numbers = torch.from_numpy(PLACES), torch.from_numpy(NUMBERS)
        total = torch.zeros(3, dtype=torch.float64).index_add(0, place, numbers)
    finally:
        torch.use_deterministic_algorithms(on)
    return on, told, total.numpy()


def tensorflow_switched() -> tuple[bool, str, np.ndarray]:
    """As torch_switched; TensorFlow has no unpooling, and no public way to switch back."""
    import tensorflow as tf
    from tensorflow.python.framework import config

    on, switch_off = config.is_op_determinism_enabled(), config.disable_op_determinism
    tf.config.experimental.enable_op_determinism()
    try:
        told = refusals({"a draw without a seed": lambda: tf.random.normal((2,))})
        total = tf.math.unsorted_segment_sum(tf.constant(NUMBERS), tf.constant(PLACES), 3)
    finally:
        if not on:
            switch_off()
    return on, told, total.numpy()


@row(
    "D11",
    "Determinism: the switch of the library as it starts, and what it refuses when it is on",
    {
        "pytorch": "off; unpooling",
        "tensorflow": "off; a draw without a seed",
        "jax": None,
    },
    reference=summed,
)
def determinism(framework: str) -> Answer:
    """On a GPU sums are added in the order in which threads arrive, and a seed repeats no run. The
    switches ask for different things: what runs under one is an error under another."""
    if framework == "jax":
        import jax
        import jax.numpy as jnp

        named = [name for name in dir(jax.config) if "determin" in name]
        total = jnp.zeros(3).at[jnp.asarray(PLACES)].add(jnp.asarray(NUMBERS))
        recipe = "XLA_FLAGS=--xla_gpu_deterministic_ops=true before JAX starts; none on the CPU"
        return Answer(", ".join(named) or None, recipe, np.asarray(total))
    if framework == "pytorch":
        on, told, total = torch_switched()
        recipe = "use_deterministic_algorithms(True), CUBLAS_WORKSPACE_CONFIG=:4096:8 before"
    else:
        on, told, total = tensorflow_switched()
        recipe = "tf.config.experimental.enable_op_determinism(), tf.random.set_seed(n)"
    return Answer(f"{'on' if on else 'off'}; {told}", recipe, total)
