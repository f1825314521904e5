"""Where TensorFlow computes, with how many threads, and what is in force."""

import contextlib
import os

import keras
import numpy as np
import tensorflow as tf

from bench.contract import Config, Environment
from bench.errors import UserError


def environment(config: Config) -> Environment:
    """Versions, BLAS, device and threads in force."""
    device, notes = prepare(config)
    return Environment(
        framework="tensorflow",
        versions={
            "tensorflow": tf.__version__,
            "keras": keras.__version__,
            "numpy": np.__version__,
        },
        blas="oneDNN and Eigen",
        device="cpu" if device.startswith("/CPU") else _gpu_name(),
        threads=_threads(),
        notes=notes,
    )


def prepare(config: Config) -> tuple[str, tuple[str, ...]]:
    """Set the threads; the device, with a note on a fallback.

    Raises UserError for a device that is not there.
    """
    _set_threads(config.threads)
    if config.device == "cpu":
        return "/CPU:0", ()
    found = tf.config.list_physical_devices("GPU")
    if found:
        # Float32 means float32: TF32 would keep 10 bits of the mantissa.
        tf.config.experimental.enable_tensor_float_32_execution(False)
        tf.config.experimental.enable_op_determinism()
        for gpu in found:  # all or none: TensorFlow refuses a mixture
            with contextlib.suppress(RuntimeError):  # it was set before the runtime started
                tf.config.experimental.set_memory_growth(gpu, True)
        return "/GPU:0", ()
    if config.device == "cuda":
        raise UserError("device cuda was asked for, and TensorFlow sees no CUDA device")
    return "/CPU:0", ("no CUDA device: fell back to cpu",)


def _set_threads(threads: int) -> None:
    """Threads are fixed once the runtime has started; asking for the same again is no error."""
    threading = tf.config.threading
    if _threads() == threads:
        return
    threading.set_intra_op_parallelism_threads(threads)
    threading.set_inter_op_parallelism_threads(1)


def _threads() -> int:
    """As they were set, else as the environment says, which TensorFlow reads when it starts."""
    chosen = tf.config.threading.get_intra_op_parallelism_threads()
    return chosen or int(os.environ.get("TF_NUM_INTRAOP_THREADS") or 0)


def _gpu_name() -> str:
    details = tf.config.experimental.get_device_details(tf.config.list_physical_devices("GPU")[0])
    return details.get("device_name", "cuda")
