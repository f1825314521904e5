"""The limits: what they compute, what they count, and where the roof is."""

import numpy as np
import pytest

from bench import machine
from bench.errors import UserError
from bench.timing import limits
from bench.timing.conductor import Worker


def test_gemm_multiplies() -> None:
    loop = limits.Gemm()
    loop.steps(1)
    np.testing.assert_allclose(loop.c, loop.a @ loop.b)
    assert 2 * loop.a.shape[0] * loop.a.shape[1] * loop.b.shape[1] == limits.GEMM_OPERATIONS


def test_what_begins_cold_is_not_in_a_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    for loop in (limits.Gemm(), limits.Stream(2 * limits.PIECE)):
        made: list[int] = []
        monkeypatch.setattr(loop, "steps", made.append)
        loop.load({})
        assert made == [1]


def test_stream_goes_over_every_entry_in_turn() -> None:
    loop = limits.Stream(2 * limits.PIECE)
    loop.steps(3)
    assert (loop.y[: limits.PIECE] == 2).all()
    assert (loop.y[limits.PIECE :] == 1).all()
    assert 3 * loop.x[: limits.PIECE].nbytes == limits.STREAM_BYTES


def test_stream_leaves_the_cache_where_memory_allows(monkeypatch: pytest.MonkeyPatch) -> None:
    def told(cache: int | None, free: int | None) -> int:
        monkeypatch.setattr(machine, "last_level_cache", lambda: cache)
        monkeypatch.setattr(machine, "available_memory", lambda: free)
        return limits.array_entries() * 4

    assert told(32 << 20, 16 << 30) == 2 * 32 << 20
    assert told(32 << 20, None) == 2 * 32 << 20
    assert told(None, 16 << 30) == 2 * 64 << 20
    assert told(256 << 20, 2 << 30) == (2 << 30) // 8


def test_a_small_stream_has_one_piece() -> None:
    assert len(limits.Stream(1).x) == limits.PIECE


def test_rates_are_medians_and_the_roof_is_their_lower() -> None:
    gemm = [2.0, 1.0, 90.0]
    found = limits.limits([n * limits.GEMM_OPERATIONS / 1e9 for n in gemm], [3e-3, 6e-3, 4e-3])
    assert found.gemm == pytest.approx(0.5e9)
    assert found.stream == pytest.approx(limits.STREAM_BYTES / 4e-3)
    ridge = found.gemm / found.stream
    assert found.attainable(ridge / 2) == pytest.approx(found.gemm / 2)
    assert found.attainable(ridge * 2) == found.gemm


def test_an_unknown_limit_is_refused() -> None:
    with pytest.raises(UserError, match="did you mean gemm"):
        limits.build("gem")


def test_a_worker_times_them() -> None:
    with Worker("machine", "gemm") as worker:
        prepared = worker.prepare("mlp")
        turn = worker.turn(prepared["steps"])
    found = limits.limits([turn.cpu_seconds], [1.0])
    assert 1e8 < found.gemm < 1e15
