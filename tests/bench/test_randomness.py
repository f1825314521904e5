import hashlib

import numpy as np
import pytest

from bench.errors import UserError
from bench.randomness import batch_order, stream


def test_a_stream_is_its_name() -> None:
    first = stream(3, "noise", 7).normal(size=5)
    stream(3, "noise", 6).normal(size=1000)
    np.testing.assert_array_equal(first, stream(3, "noise", 7).normal(size=5))


@pytest.mark.parametrize("other", [(4, "noise", 7), (3, "masks", 7), (3, "noise", 8)])
def test_other_names_give_other_numbers(other: tuple[int, str, int]) -> None:
    ours, theirs = stream(3, "noise", 7).normal(size=2000), stream(*other).normal(size=2000)
    assert not (ours == theirs).any()
    assert abs(np.corrcoef(ours, theirs)[0, 1]) < 0.1


def test_long_draws_do_not_run_into_the_next_step() -> None:
    long = stream(0, "x", 0).integers(0, 2**63, 100_000)
    following = stream(0, "x", 1).integers(0, 2**63, 1000)
    assert not np.isin(following, long).any()


def test_published_numbers_do_not_move() -> None:
    """These stand in results that others compare with: a change here is a change of every run."""
    draws = stream(0, "batch order", 1).integers(0, 1000, 4).tolist()
    assert draws == PINNED


def test_a_stream_is_that_of_philox_by_its_key() -> None:
    digest = hashlib.blake2b(b"3/noise", digest_size=16).digest()
    key, counter = np.frombuffer(digest, np.uint64), np.array([0, 0, 7, 0], np.uint64)
    philox = np.random.Generator(np.random.Philox(key=key, counter=counter))
    np.testing.assert_array_equal(stream(3, "noise", 7).random(5), philox.random(5))


PINNED = [347, 602, 555, 496]


@pytest.mark.parametrize(("seed", "step"), [(-1, 0), (0, -1)])
def test_negative_names_are_refused(seed: int, step: int) -> None:
    with pytest.raises(ValueError, match="must not be negative"):
        stream(seed, "x", step)


def test_batch_order_is_a_permutation_without_the_remainder() -> None:
    order = batch_order(1, 0, 103, 10)
    assert order.shape == (10, 10)
    assert len(set(order.ravel().tolist())) == 100
    assert (order != batch_order(1, 1, 103, 10)).any()
    with pytest.raises(UserError, match="does not fit"):
        batch_order(1, 0, 9, 10)
