"""What a run costs: process CPU seconds, wall seconds, peak memory, and the machine's load."""

import ctypes
import gc
import os
import resource
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

STATUS = Path("/proc/self/status")
CLEAR = Path("/proc/self/clear_refs")


@dataclass(frozen=True)
class Past:
    """What a process did for other jobs before this one, which is no cost of this one."""

    cpu_seconds: float = 0.0
    memory_mib: float = 0.0  # that they left behind: compiled code, modules, data sets


class Meter:
    """Measures what happens inside a with statement."""

    cpu_seconds = 0.0
    wall_seconds = 0.0
    peak_memory_mib = 0.0

    def __init__(self, past: Past) -> None:
        self.past = past

    def __enter__(self) -> "Meter":
        _forget_peak_memory()
        self.load_before = os.getloadavg()[0]
        self.started = time.time()
        self._cpu, self._wall = time.process_time(), time.perf_counter()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.cpu_seconds = time.process_time() - self._cpu
        self.wall_seconds = time.perf_counter() - self._wall
        self.peak_memory_mib = peak_memory_mib() - self.past.memory_mib


def peak_memory_mib() -> float:
    """The largest resident set since the last reset, or since the start where there is no reset."""
    return _status("VmHWM") or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def memory_mib() -> float:
    """The resident set of this moment; 0 where the system does not tell."""
    return _status("VmRSS")


def _status(key: str) -> float:
    """A line of what Linux tells about this process, in MiB; 0 where there is none."""
    lines = STATUS.read_text().splitlines() if STATUS.is_file() else []
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith(f"{key}:")), 0.0)


def release() -> None:
    """Give back what nobody uses any more, so that it is not part of the next peak."""
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # of glibc alone
    if trim is not None:
        trim(0)


def _forget_peak_memory() -> None:
    """Linux resets the peak on request; elsewhere it stays the process's."""
    try:
        CLEAR.write_text("5")
    except OSError:
        return
