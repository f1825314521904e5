"""A throughput.json made by hand: plausible ratios, everything else follows from them."""

import math
import zlib
from typing import Any

from bench import operations
from bench.timing import limits
from bench.timing.nets import NETS, UPDATE

GEMM, STREAM = 134e9, 22.6e9
BASELINES = {"update": "pytorch eager", "forward": "pytorch reference"}
FLOOR = 0.012
# Times relative to the baseline: of a training step, and of a forward pass, which no library's loop
# makes.
RATIOS: dict[str, dict[str, tuple[float, ...]]] = {
    "numpy": {"reference": (1.62, 1.41), "native": (1.03, 1.12)},
    "pytorch": {
        "reference": (1.34, 1.0),
        "native": (0.885, 0.91),
        "eager": (1.0,),
        "compiled": (1.58,),
    },
    "tensorflow": {"reference": (1.93, 1.3), "native": (1.12, 1.004), "fit": (1.21,)},
    "jax": {"reference": (2.61, 1.19), "native": (1.67, 1.13), "flax": (2.73,)},
}
LIBRARIES = {"pytorch": "eager", "tensorflow": "fit", "jax": "flax"}
TRAINS = "the loop of a library trains: only training steps are timed"
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
    timed, ratio, spread = NETS[net], _ratio(net, call, framework, form), _spread(net, form)
    counted = [operations.update(timed.make(), timed.examples, UPDATE.optimizer)]
    counted.append(operations.forward(timed.make(), timed.examples))
    work = counted[number]
    attainable = limits.Limits(GEMM, STREAM).attainable(work.intensity)
    seconds = work.operations / (REACHED[net] * attainable) * ratio
    half = 0.004 + 0.02 * spread
    own = f"{framework} {form}" == BASELINES[call]
    library = LIBRARIES.get(framework) if call == "update" else None
    to_library = None
    if library not in (None, form):
        to_library = ratio / _ratio(net, call, framework, library)
    found: dict[str, Any] = {
        "schema_version": 1,
        "net": net,
        "call": call,
        "framework": framework,
        "form": form,
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
        "baseline": BASELINES[call],
        "ratio": None if own else ratio,
        "ratio_low": None if own else ratio * (1 - half),
        "ratio_high": None if own else ratio * (1 + half),
        "level": 0.95,
        "noise_floor": FLOOR,
        "judged": not own and abs(math.log(ratio)) > max(FLOOR, half),
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
        "compared_steps": 1,
        "repeats": True,
        "absent": None,
        "library": library,
        "library_ratio": to_library,
        "library_ratio_low": None if to_library is None else to_library * (1 - half),
        "library_ratio_high": None if to_library is None else to_library * (1 + half),
        "library_judged": to_library is not None and abs(math.log(to_library)) > max(FLOOR, half),
        "machine": {
            "warnings": [],
            "gemm_operations_per_second": GEMM,
            "stream_bytes_per_second": STREAM,
            "load": 0.07,
            "steal": 0.001,
            "during": {"seconds": 60.0, "others": 0.01},
            "state": dict(STATE),
        },
        "dirty": False,
        "commit": "0123456789abcdef0123456789abcdef01234567",
        "versions": {framework: "1.2.3"},
    }
    return found | changes


def untimed(net: str, call: str, framework: str, form: str) -> dict[str, Any]:
    """A row of what was refused."""
    found = record(net, call, framework, "reference")
    known = ("schema_version", "net", "batch", "threads", "dtype", "device", "machine", "versions")
    known += ("level", "noise_floor", "commit", "dirty", "call", "framework")
    known += ("import_cpu_seconds", "import_wall_seconds")
    kept = {name: found[name] if name in known else None for name in found}
    return kept | {"form": form, "absent": TRAINS, "judged": False, "library_judged": False}


def _ratio(net: str, call: str, framework: str, form: str) -> float:
    """Nets differ, and no two rows are alike: a few per cent by the names."""
    ratio = RATIOS[framework][form][("update", "forward").index(call)]
    return ratio if f"{framework} {form}" == BASELINES[call] else ratio * _near(net, form)


def _near(net: str, form: str) -> float:
    return 0.93 + 0.14 * _spread(net, form)


def _spread(net: str, form: str) -> float:
    return zlib.crc32(f"{net}{form}".encode()) % 100 / 100


def sample(nets: tuple[str, ...] = ("mlp", "lenet", "resnet")) -> list[dict[str, Any]]:
    """Every net, call, framework and form, in no order that a page could lean on."""
    rows = [
        record(net, call, framework, form)
        if len(ratios) > number
        else untimed(net, call, framework, form)
        for net in nets
        for number, call in enumerate(("update", "forward"))
        for framework, forms in RATIOS.items()
        for form, ratios in forms.items()
    ]
    return rows[::-1]
