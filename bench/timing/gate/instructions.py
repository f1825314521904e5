"""Instructions per training step, counted by valgrind: a witness that no other load disturbs.

cachegrind runs a worker that makes n steps from the initial weights, and one that makes 2 n: the
difference, divided by n, is a step without the start of the process. The order of hashes is fixed,
addresses are not drawn, and BLAS has one thread, so a count of LeNet repeats to 1e-4, and one of
the small MLP to 3e-3. It sees the code of this project and of NumPy, the worker's loop included; it
sees no cache misses, and no difference between a cheap instruction and a dear one. So it is told
beside the clock's verdict and decides nothing. A step lasts seconds there: none is made but these,
in batches as small as batch norm allows, and all processors count at once. Frameworks that compile
while they run are not counted at all.
"""

import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from bench import threads
from bench.timing.gate.benchmarks import Benchmark
from bench.timing.gate.checkouts import Side

COUNTED = "numpy"  # the framework whose steps are counted
STEPS = 1
BUILD = {"do": "build", "call": "update", "examples": 2}
TOOLS = ("valgrind", "setarch")


@dataclass(frozen=True)
class Counted:
    """Instructions per step; note says why they are absent."""

    base: float | None = None
    head: float | None = None
    note: str | None = None


def counted(
    sides: tuple[Side, Side], benchmarks: Iterable[Benchmark], wanted: bool
) -> dict[Benchmark, Counted]:
    """Of every benchmark; as many valgrinds at a time as there are processors."""
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    found: dict[Benchmark, Counted] = {}
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        waiting = {}
        for benchmark in benchmarks:
            if benchmark.framework != COUNTED:
                found[benchmark] = Counted(note=f"counted for {COUNTED} only")
            elif not wanted:
                found[benchmark] = Counted(note="not asked for")
            elif missing:
                found[benchmark] = Counted(note=f"{' and '.join(missing)} not installed")
            else:
                waiting[benchmark] = [pool.submit(_per_step, side, benchmark) for side in sides]
        for benchmark, (base, head) in waiting.items():
            try:
                found[benchmark] = Counted(base.result(), head.result())
            except _Uncounted as error:
                found[benchmark] = Counted(note=str(error))
            except BaseException:  # whoever stops the gate waits for none that has not begun
                pool.shutdown(wait=False, cancel_futures=True)
                raise
    return found


class _Uncounted(Exception):
    """valgrind did not get to the end."""


def _per_step(side: Side, benchmark: Benchmark) -> float:
    once, twice = (_instructions(side, benchmark, steps) for steps in (STEPS, 2 * STEPS))
    return (twice - once) / STEPS


def _instructions(side: Side, benchmark: Benchmark, steps: int) -> int:
    """Of a worker that builds the net and takes one turn."""
    requests = [
        {**BUILD, "net": benchmark.net},
        {"do": "turn", "steps": steps},
    ]
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        done = subprocess.run(
            [
                *("setarch", platform.machine(), "--addr-no-randomize"),
                *("valgrind", "--tool=cachegrind", "--cache-sim=no", f"--log-file={log}"),
                f"--cachegrind-out-file={os.devnull}",
                *(sys.executable, "-m", "bench.timing.worker"),
                *("--framework", benchmark.framework, "--form", benchmark.form),
            ],
            cwd=side.root,
            env={**os.environ, **threads.variables(1), "PYTHONPATH": str(side.root)},
            input="".join(json.dumps(request) + "\n" for request in requests),
            capture_output=True,
            text=True,
            check=False,
        )
        said = log.read_text() if log.is_file() else ""
    if '"failed"' in done.stdout:
        raise _Uncounted(f"the worker of {side} is older than this way of counting")
    answers = done.stdout.splitlines()  # what started, what was built, the turn
    total = re.search(r"I\s+refs:\s+([\d,]+)", said)
    if done.returncode != 0 or len(answers) != 3 or "cpu_seconds" not in answers[-1] or not total:
        words = (done.stderr.strip() or said.strip()).splitlines()
        raise _Uncounted(f"valgrind could not run {side}: {words[-1] if words else 'no word'}")
    return int(total[1].replace(",", ""))
