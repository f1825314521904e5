"""Threads are set, not inherited.

Results repeat to the bit at a fixed number of threads only, and OpenBLAS, OpenMP and XLA read their
number when they are loaded. So a job that finds other values in its environment starts itself anew
with the right ones, before any framework is imported.
"""

import os
import sys


def variables(threads: int) -> dict[str, str]:
    """The environment a computing process runs in. NPROC is what XLA's CPU client listens to."""
    number = str(threads)
    return {
        "OMP_NUM_THREADS": number,
        "OPENBLAS_NUM_THREADS": number,
        "MKL_NUM_THREADS": number,
        "NUMEXPR_NUM_THREADS": number,
        "TF_NUM_INTRAOP_THREADS": number,
        "TF_NUM_INTEROP_THREADS": "1",
        "NPROC": number,
        # Not threads, but read as early: a fixed hash order, quiet libraries, repeatable cuBLAS,
        # and Keras on the framework that uses it here, whatever its user prefers elsewhere.
        "PYTHONHASHSEED": "0",
        "KERAS_BACKEND": "tensorflow",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "CUBLAS_WORKSPACE_CONFIG": ":4096:8",
    }


def pin(threads: int) -> None:
    """Make sure this process runs in variables(threads), restarting it once if it does not.

    The process keeps its id, its files and its command line.
    """
    wanted = variables(threads)
    if any(os.environ.get(name) != value for name, value in wanted.items()):
        sys.stdout.flush()
        sys.stderr.flush()
        os.execve(sys.executable, sys.orig_argv, {**os.environ, **wanted})
