"""Energy of the processors in joules, where the machine exposes it: RAPL, of Intel and of AMD.

Linux counts microjoules under sys/class/powercap, one counter a package, which begins anew from 0
after max_energy_range_uj. The parts of a package (cores, memory) are in its own counter, and the
platform's (psys) holds the packages: neither is added. Whoever may not read the counters, as most
users and all guests may not, gets None; nothing is estimated.
"""

from collections.abc import Mapping
from pathlib import Path

Reading = Mapping[str, tuple[int, int]]  # package -> microjoules so far, and where it begins anew


def read(root: Path = Path("/")) -> Reading | None:
    """The counters of this moment; None where there are none, or they may not be read."""
    found: dict[str, tuple[int, int]] = {}
    for folder in sorted((root / "sys/class/powercap").glob("intel-rapl:*")):
        if folder.name.count(":") > 1:
            continue
        try:
            if (folder / "name").read_text().strip() == "psys":
                continue
            counters = ("energy_uj", "max_energy_range_uj")
            microjoules, highest = (int((folder / name).read_text()) for name in counters)
        except OSError:
            return None
        found[folder.name] = (microjoules, highest)
    return found or None


def between(before: Reading | None, after: Reading | None) -> float | None:
    """Joules of all packages between two readings; None where a reading is missing.

    A counter that is lower than before has begun anew, once: readings must be closer to each other
    than the time a package needs for its whole range, minutes at full power.
    """
    if before is None or after is None or before.keys() != after.keys():
        return None
    total = 0
    for package, (microjoules, highest) in after.items():
        used = microjoules - before[package][0]
        total += used if used >= 0 else used + highest
    return total / 1e6
