"""Control groups of both versions, from trees that stand in for the mounts."""

from pathlib import Path

import pytest

from bench import cgroups, machine
from tests.bench.test_machine import planted

V2 = {
    "proc/self/cgroup": "0::/jobs/mine",
    "sys/fs/cgroup/jobs/cpu.max": "150000 100000",
    "sys/fs/cgroup/jobs/cpu.stat": "usage_usec 9\nnr_periods 40\nnr_throttled 8\nthrottled_usec 5",
    "sys/fs/cgroup/jobs/memory.max": "1073741824",
    "sys/fs/cgroup/jobs/mine/cpu.max": "max 100000",
    "sys/fs/cgroup/jobs/mine/cpu.stat": "nr_periods 3\nnr_throttled 0\nthrottled_usec 0",
    "sys/fs/cgroup/jobs/mine/memory.max": "max",
}
V1 = {
    "proc/self/cgroup": "5:memory:/mine\n4:cpu,cpuacct:/mine\n0::/",
    "sys/fs/cgroup/cpu,cpuacct/mine/cpu.cfs_quota_us": "50000",
    "sys/fs/cgroup/cpu,cpuacct/mine/cpu.cfs_period_us": "100000",
    "sys/fs/cgroup/cpu,cpuacct/mine/cpu.stat": "nr_periods 10\nnr_throttled 2\n"
    "throttled_time 1500000000",
    "sys/fs/cgroup/memory/mine/memory.limit_in_bytes": "2147483648",
    "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712",
}
NOTHING = {"periods": None, "throttled_periods": None, "throttled_seconds": None}


def test_the_tightest_group_above_holds(tmp_path: Path) -> None:
    assert cgroups.state(planted(tmp_path, V2)) == {
        "cores": 1.5,
        "memory": 1 << 30,
        "periods": 40,
        "throttled_periods": 8,
        "throttled_seconds": 5e-6,
    }


@pytest.mark.parametrize(("inner", "cores"), [("50000 100000", 0.5), ("900000 100000", 1.5)])
def test_the_lower_of_two_quotas_holds(tmp_path: Path, inner: str, cores: float) -> None:
    root = planted(tmp_path, V2 | {"sys/fs/cgroup/jobs/mine/cpu.max": inner})
    found = cgroups.state(root)
    assert found
    assert found["cores"] == cores


def test_version_1(tmp_path: Path) -> None:
    assert cgroups.state(planted(tmp_path, V1)) == {
        "cores": 0.5,
        "memory": 2 << 30,
        "periods": 10,
        "throttled_periods": 2,
        "throttled_seconds": 1.5,
    }


def test_version_1_without_limits(tmp_path: Path) -> None:
    tree = V1 | {
        "sys/fs/cgroup/cpu,cpuacct/mine/cpu.cfs_quota_us": "-1",
        "sys/fs/cgroup/memory/mine/memory.limit_in_bytes": "9223372036854771712",
    }
    found = cgroups.state(planted(tmp_path, tree))
    assert found
    assert found["cores"] is found["memory"] is None


def test_in_a_container_the_group_is_at_the_mount(tmp_path: Path) -> None:
    tree = {
        "proc/self/cgroup": "0::/somewhere/on/the/host",
        "sys/fs/cgroup/cpu.max": "200000 100000",
        "sys/fs/cgroup/memory.max": "max",
    }
    found = cgroups.state(planted(tmp_path, tree))
    assert found == {"cores": 2.0, "memory": None, **NOTHING}


def test_no_group_is_none(tmp_path: Path) -> None:
    assert cgroups.state(tmp_path) is None
    assert cgroups.state(planted(tmp_path, {"proc/self/cgroup": "0::/mine"})) is None


def test_the_machine_hands_it_on(tmp_path: Path) -> None:
    root = planted(tmp_path, V2 | {"proc/meminfo": "MemAvailable: 8000000 kB"})
    assert machine.description(root)["cgroup"] == {"cores": 1.5, "memory": 1 << 30}
    assert machine.state(root)["throttled_periods"] == 8
    assert machine.available_memory(root) == 1 << 30
