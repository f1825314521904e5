"""Where PyTorch computes, with how many threads, and what is in force."""

import numpy as np
import torch

from bench.contract import Config, Environment
from bench.errors import UserError


def environment(config: Config) -> Environment:
    """Versions, BLAS, device and threads in force."""
    device, notes = prepare(config)
    return Environment(
        framework="pytorch",
        versions={"torch": torch.__version__, "numpy": np.__version__},
        blas="MKL" if torch.backends.mkl.is_available() else "OpenBLAS or Eigen",
        device=torch.cuda.get_device_name() if device.type == "cuda" else "cpu",
        threads=torch.get_num_threads(),
        notes=notes,
    )


def prepare(config: Config) -> tuple[torch.device, tuple[str, ...]]:
    """Set the threads; the device, with a note on a fallback.

    Raises UserError for a device that is not there.
    """
    torch.set_num_threads(config.threads)
    if config.device != "cpu" and torch.cuda.is_available():
        # Float32 means float32: TF32 would keep 10 bits of the mantissa in convolutions.
        torch.backends.cudnn.allow_tf32 = False
        torch.backends.cuda.matmul.allow_tf32 = False
        torch.backends.cudnn.deterministic = True
        return torch.device("cuda"), ()
    if config.device == "cuda":
        raise UserError("device cuda was asked for, and PyTorch sees no CUDA device")
    notes = ("no CUDA device: fell back to cpu",) if config.device == "auto" else ()
    return torch.device("cpu"), notes
