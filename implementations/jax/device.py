"""Where JAX computes, with how many threads, and what is in force."""

import os
from typing import Any

import jax
import jaxlib.version
import numpy as np

from bench.contract import Config, Environment
from bench.errors import UserError


def environment(config: Config) -> Environment:
    """Versions, BLAS, device and threads in force."""
    device, notes = prepare(config)
    return Environment(
        framework="jax",
        versions={
            "jax": jax.__version__,
            "jaxlib": jaxlib.version.__version__,
            "numpy": np.__version__,
        },
        blas="XLA and Eigen",
        device="cpu" if device.platform == "cpu" else device.device_kind,
        # XLA's CPU client has no setting of its own: it reads NPROC when it starts.
        threads=int(os.environ.get("NPROC") or os.cpu_count() or 1),
        notes=notes,
    )


def prepare(config: Config) -> tuple[Any, tuple[str, ...]]:
    """The device, with a note on a fallback. Raises UserError for a device that is not there."""
    if config.device != "cpu":
        try:
            return jax.devices("cuda")[0], ()
        except RuntimeError:
            if config.device == "cuda":
                message = "device cuda was asked for, and JAX sees no CUDA device"
                raise UserError(message) from None
    notes = ("no CUDA device: fell back to cpu",) if config.device == "auto" else ()
    return jax.devices("cpu")[0], notes
