"""A throughput.json made by hand: plausible ratios, everything else follows from them."""

import math
import zlib
from typing import Any

from bench import operations
from bench.timing import limits
from bench.timing.nets import NETS, UPDATE

GEMM, STREAM = 134e9, 22.6e9
BASELINE = "pytorch eager"
FLOOR = 0.012
# Times relative to the baseline: of a training step, of a forward pass.
RATIOS = {
    "numpy": {"reference": (1.62, 1.41), "native": (1.03, 1.12)},
    "pytorch": {
        "reference": (1.34, 1.22),
        "native": (0.885, 1.004),
        "eager": (1.0, 1.0),
        "compiled": (1.58, 0.88),
    },
    "tensorflow": {"reference": (1.93, 1.3), "native": (1.12, 1.05), "fit": (1.21, 1.06)},
    "jax": {"reference": (2.61, 1.19), "native": (1.67, 1.13), "flax": (2.73, 1.18)},
}
IMPORT = {"numpy": 0.14, "pytorch": 2.2, "tensorflow": 7.6, "jax": 1.0}
REACHED = {"mlp": 0.31, "lenet": 0.62, "resnet": 0.47, "fusion_segnet": 0.33}  # by the baseline
STATE = {
    "cpu_model": "A Processor @ 2.30GHz",
    "cores": 2,
    "smt": False,
    "last_level_cache": 32 << 20,
    "governor": None,
    "turbo": None,
    "highest_mhz": None,
    "virtualization": "a hypervisor that does not say which",
    "aslr": 2,
    "cgroup": {"cores": 1.5, "memory": None},
    "mhz": 2300.0,
    "thermal_throttles": None,
    "throttled_periods": 0,
}


def record(net: str, call: str, framework: str, form: str, **changes: Any) -> dict[str, Any]:
    """One row; `changes` are made at the end."""
    number = ("update", "forward").index(call)
    timed, ratio = NETS[net], RATIOS[framework][form][number]
    # Nets differ, and no two rows are alike: a few per cent by the names.
    spread = zlib.crc32(f"{net}{framework}{form}".encode()) % 100 / 100
    ratio = ratio * (0.93 + 0.14 * spread) if f"{framework} {form}" != BASELINE else 1.0
    counted = [operations.update(timed.make(), timed.examples, UPDATE.optimizer)]
    counted.append(operations.forward(timed.make(), timed.examples))
    work = counted[number]
    attainable = limits.Limits(GEMM, STREAM).attainable(work.intensity)
    seconds = work.operations / (REACHED[net] * attainable) * ratio
    half = 0.004 + 0.02 * spread
    own = f"{framework} {form}" == BASELINE
    found: dict[str, Any] = {
        "schema_version": 1,
        "net": net,
        "call": call,
        "framework": framework,
        "form": form,
        "absent": None,
        "batch": timed.examples,
        "threads": 1,
        "dtype": "float32",
        "device": "cpu",
        "rounds": 20,
        "steps": max(1, round(0.02 / seconds)),
        "cpu_seconds": seconds,
        "wall_seconds": 1.01 * seconds,
        "import_cpu_seconds": IMPORT[framework],
        "import_wall_seconds": 1.2 * IMPORT[framework],
        "first_step_cpu_seconds": seconds + (4.1 if framework == "jax" else 0.05),
        "first_step_wall_seconds": 1.1 * seconds + (4.3 if framework == "jax" else 0.06),
        "examples_per_second": timed.examples / seconds,
        "clock": "cpu",
        "baseline": BASELINE,
        "ratio": None if own else ratio,
        "ratio_low": None if own else ratio * (1 - half),
        "ratio_high": None if own else ratio * (1 + half),
        "level": 0.95,
        "noise_floor": FLOOR,
        "judged": not own and abs(math.log(ratio)) > max(FLOOR, half),
        "library": "eager" if framework == "pytorch" else None,
        "library_ratio": ratio if framework == "pytorch" and not own else None,
        "library_ratio_low": ratio * (1 - half) if framework == "pytorch" and not own else None,
        "library_ratio_high": ratio * (1 + half) if framework == "pytorch" and not own else None,
        "library_judged": framework == "pytorch" and not own,
        "operations": work.operations,
        "bytes": work.bytes,
        "intensity": work.intensity,
        "operations_per_second": work.operations / seconds,
        "attainable_operations_per_second": attainable,
        "fraction": work.operations / seconds / attainable,
        "peak_memory_mib": 100.0 + 90 * IMPORT[framework],
        "energy_joules": None,
        "correct": True,
        "deviation": 2e-7 * (1 + spread),
        "tolerance": 3e-5,
        "repeats": True,
        "machine": {
            "warnings": [],
            "gemm_operations_per_second": GEMM,
            "stream_bytes_per_second": STREAM,
            "load": 0.07,
            "steal": 0.001,
            "during": {},
            "state": dict(STATE),
        },
        "commit": "0123456789abcdef0123456789abcdef01234567",
        "dirty": False,
        "versions": {framework: "1.2.3"},
    }
    return found | changes


def sample(nets: tuple[str, ...] = ("mlp", "lenet", "resnet")) -> list[dict[str, Any]]:
    """Every net, call, framework and form, in no order that a page could lean on."""
    rows = [
        record(net, call, framework, form)
        for net in nets
        for call in ("update", "forward")
        for framework, forms in RATIOS.items()
        for form in forms
    ]
    return rows[::-1]
