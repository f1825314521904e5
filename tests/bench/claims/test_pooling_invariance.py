"""The nets see the same pixels, and sizes are read from maps, not from the spec."""

import math

import numpy as np
import pytest

from bench.claims import pooling_invariance
from bench.instruments.feature_maps import field_of_view, sizes
from bench.specs.convnet import Block, spec


@pytest.mark.parametrize("arm", pooling_invariance.CLAIM.arms)
def test_every_arm_sees_the_same_pixels(arm: str) -> None:
    assert field_of_view(pooling_invariance.net(arm)) == 10


def test_the_field_of_view_is_where_an_input_can_be_felt() -> None:
    """Counted: a pixel is seen if some weight joins it to the unit, convolution by convolution."""
    net = spec((28, 28, 1), (Block(2, 5, stride=2), Block(2, 3, pooling="none")), ())
    seen = {0}
    for block in reversed(net.options["blocks"]):
        if block.pooling != "none":
            seen = {unit * block.window + tap for unit in seen for tap in range(block.window)}
        seen = {unit * block.stride + tap for unit in seen for tap in range(block.kernel)}
    assert field_of_view(net) == max(seen) + 1


def test_sizes_of_maps() -> None:
    net = pooling_invariance.net("max")
    maps = {
        "relu1": np.zeros((2, 28, 28, 8)),
        "pool1": np.zeros((2, 14, 14, 8)),
        "relu2": np.zeros((2, 14, 14, 8)),
        "pool2": np.zeros((2, 7, 5, 4)),  # planted: neither halves the width nor keeps the depth
    }
    found = sizes(net, maps)
    assert found["halving_error"] == pytest.approx(0.5 - 5 / 14)
    assert found["depth_ratio"] == 0.75
    assert found["depth_change"] == 0.5


def test_what_does_not_pool_reduces_nothing() -> None:
    found = sizes(pooling_invariance.net("none"), {})
    assert found == {"halving_error": 0.5, "depth_ratio": 1.0, "depth_change": 0.0}
    assert all(math.isfinite(value) for value in found.values())
