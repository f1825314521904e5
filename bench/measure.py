"""What a run costs: process CPU seconds, wall seconds, peak memory, and the machine's load."""

import os
import resource
import time
from pathlib import Path
from types import TracebackType

STATUS = Path("/proc/self/status")
CLEAR = Path("/proc/self/clear_refs")


class Meter:
    """Measures what happens inside a with statement."""

    cpu_seconds = 0.0
    wall_seconds = 0.0
    peak_memory_mib = 0.0

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
        self.peak_memory_mib = peak_memory_mib()


def peak_memory_mib() -> float:
    """The largest resident set since the last reset, or since the start where there is no reset."""
    if STATUS.is_file():
        for line in STATUS.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _forget_peak_memory() -> None:
    """Linux resets the peak on request; elsewhere it stays the process's."""
    try:
        CLEAR.write_text("5")
    except OSError:
        return
