"""Where NumPy computes, with how many threads, and what is in force."""

import numpy as np

from bench.contract import Config, Environment


def environment(config: Config) -> Environment:
    """Versions, BLAS, device and threads in force."""
    blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]  # type: ignore[index]
    device, notes = prepare(config)
    return Environment(
        framework="numpy",
        versions={"numpy": np.__version__},
        blas=f"{blas['name']} {blas['version']}",
        device=device,
        threads=config.threads,
        notes=notes,
    )


def prepare(config: Config) -> tuple[str, tuple[str, ...]]:
    """The processor, with a note where another device was asked for."""
    if config.device == "cpu":
        return "cpu", ()
    return "cpu", ("NumPy computes on the processor only: fell back to cpu",)
