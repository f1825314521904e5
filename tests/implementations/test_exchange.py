"""Primitives are exchanged within a block, in one thread, and nowhere else."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from implementations.exchange import exchangeable, exchanged


@exchangeable
def double(x: int) -> int:
    """Twice x."""
    return x + x


@exchangeable
def square(x: int) -> int:
    return x * x


def faster(x: int) -> str:
    return f"two {x}"


def half_way(x: int) -> int:
    """Leaves the odd ones to the primitive, which it takes the place of."""
    return 2 * x if x % 2 == 0 else 100 + double(x)


def test_only_what_is_named_and_only_within_the_block() -> None:
    assert double(3) == 6
    with exchanged({double: faster}):
        assert (double(3), double(x=4), square(3)) == ("two 3", "two 4", 9)
    assert double(3) == 6
    assert (double.__name__, double.__doc__) == ("double", "Twice x.")


def test_a_block_within_a_block_stands_alone() -> None:
    with exchanged({double: faster}):
        with exchanged({square: faster}):
            assert (double(3), square(3)) == (6, "two 3")
        assert (double(3), square(3)) == ("two 3", 9)


def test_an_error_ends_the_block() -> None:
    with pytest.raises(ZeroDivisionError), exchanged({double: lambda x: x // 0}):
        double(3)
    assert double(3) == 6


def test_the_faster_one_may_call_the_primitive() -> None:
    with exchanged({double: half_way}):
        assert (double(2), double(3), double(5)) == (4, 106, 110)


def test_another_thread_keeps_its_own() -> None:
    """Both are inside of their blocks at the same time."""
    together = Barrier(2)

    def doubled(primitives: dict) -> int:
        with exchanged(primitives):
            together.wait(10)
            found = double(3)
            together.wait(10)
        return found

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(doubled, [{double: faster}, {}])) == ["two 3", 6]
