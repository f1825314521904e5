"""What the control group of this process may use, and how often it was held back: versions 1 and 2.

A container, a cluster's job and a systemd service are control groups. The limits of every group
above count too: the tightest one holds. Where the path that the kernel names is not mounted, as in
a container, the group at the root of the mount is the own one.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

MOUNT = "sys/fs/cgroup"
NO_LIMIT = 1 << 60  # version 1 writes the largest number it has


def state(root: Path) -> dict[str, Any] | None:
    """None where the system does not tell. None in an entry: no limit, or none counted.

    cores: of CPU time in each period. memory: bytes. periods, throttled_periods and
    throttled_seconds count from when the group was made.
    """
    cpu, memory = _groups(root, "cpu"), _groups(root, "memory")
    if not cpu and not memory:
        return None
    counts = [_counts(folder) for folder in cpu]
    return {
        "cores": min((c for c in map(_quota, cpu) if c is not None), default=None),
        "memory": min((m for m in map(_memory, memory) if m is not None), default=None),
        # What throttles is the tightest group.
        **max(counts, key=lambda found: found["throttled_periods"] or 0, default=_counts(root)),
    }


def _groups(root: Path, controller: str) -> list[Path]:
    """The folders of the own group and of those above it, for a controller."""
    listed = root / "proc/self/cgroup"
    if not listed.is_file():
        return []
    lines = [line.split(":", 2) for line in listed.read_text().splitlines()]
    for _, controllers, path in lines:
        if controller in controllers.split(","):
            mounts = [root / MOUNT / name for name in (controllers, controller)]
            return [folder for mount in mounts for folder in _upwards(mount, path)]
    unified = next((path for number, _, path in lines if number == "0"), None)
    return [] if unified is None else list(_upwards(root / MOUNT, unified))


def _upwards(mount: Path, path: str) -> Iterator[Path]:
    """Those of a group and the groups above it that exist, down to the mount."""
    group = mount / path.strip("/")
    while True:
        if group.is_dir():
            yield group
        if group == mount:
            return
        group = group.parent


def _quota(folder: Path) -> float | None:
    found = _words(folder / "cpu.max") or [
        *_words(folder / "cpu.cfs_quota_us"),
        *_words(folder / "cpu.cfs_period_us"),
    ]
    if len(found) < 2 or found[0] in ("max", "-1"):
        return None
    return int(found[0]) / int(found[1])


def _memory(folder: Path) -> int | None:
    found = _words(folder / "memory.max") or _words(folder / "memory.limit_in_bytes")
    limit = int(found[0]) if found and found[0] != "max" else NO_LIMIT
    return limit if limit < NO_LIMIT else None


def _counts(folder: Path) -> dict[str, Any]:
    words = _words(folder / "cpu.stat")
    found = {name: int(value) for name, value in zip(words[::2], words[1::2], strict=False)}
    seconds = None
    if "throttled_usec" in found:
        seconds = found["throttled_usec"] / 1e6
    elif "throttled_time" in found:
        seconds = found["throttled_time"] / 1e9
    return {
        "periods": found.get("nr_periods"),
        "throttled_periods": found.get("nr_throttled"),
        "throttled_seconds": seconds,
    }


def _words(path: Path) -> list[str]:
    """Of a file; none where there is no such file."""
    try:
        return path.read_text().split()
    except OSError:
        return []
