"""Systems that are compiled once per job and loaded anew for every arm and seed."""

from collections.abc import Mapping
from typing import Literal

from bench.claim import Job
from bench.contract import Config, System, Update
from bench.spec import Spec

_systems: dict[str, System] = {}


def system_for(
    job: Job,
    spec: Spec,
    updates: Mapping[str, Update],
    dtype: Literal["float32", "float64"] = "float32",
) -> System:
    """The system of this job's framework, device and threads; the caller loads its state."""
    key = repr((job.framework, spec, updates, dtype, job.device, job.threads))
    if key not in _systems:
        config = Config(dtype=dtype, device=job.device, threads=job.threads)
        _systems[key] = job.adapter.build(spec, updates, config)
    return _systems[key]


def close() -> None:
    """Let go of all of them; the next job compiles its own."""
    for system in _systems.values():
        system.close()
    _systems.clear()
