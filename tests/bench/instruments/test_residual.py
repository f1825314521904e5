"""What a block adds: sizes that are known by hand, mixtures that are recognized, images halved."""

import math

import numpy as np
import pytest

from bench.dataset import Prepared
from bench.instruments import residual
from bench.instruments.residual import Added
from bench.specs import resnet

BLOCKS = ("stage1_block1", "stage2_block1", "stage3_block1")


def maps(shortcut: str) -> dict[str, np.ndarray]:
    """A trace of the 8-layer net of 4, 8 and 16 channels, on 2 images of 8 x 8."""
    draws = np.random.default_rng(0)
    found = {"relu1": draws.standard_normal((2, 8, 8, 4))}
    for name, side, channels in zip(BLOCKS, (8, 4, 2), (4, 8, 16), strict=True):
        shape = (2, side, side, channels)
        found[f"{name}/bn2"] = draws.standard_normal(shape)
        found[f"{name}/relu2"] = draws.standard_normal(shape)
        if shortcut != "none":
            found[f"{name}/shortcut"] = draws.standard_normal(shape)
    return found


@pytest.mark.parametrize("shortcut", ["identity", "none"])
def test_a_branch_of_four_times_the_size_is_two_doublings_larger(shortcut: str) -> None:
    spec = resnet.spec(8, (8, 8, 1), shortcut=shortcut, width=0.25)
    given = maps(shortcut)
    taken = given["stage1_block1/shortcut" if shortcut == "identity" else "relu1"]
    given["stage1_block1/bn2"] = 4 * taken
    first, second, third = residual.added(spec, given)
    assert first.block == 1
    assert first.ratio == pytest.approx(2)
    deviations = given["stage1_block1/bn2"].std(axis=(0, 1, 2))
    assert first.response == pytest.approx(np.log2(deviations.mean()))
    assert math.isnan(second.explained)
    assert math.isfinite(third.ratio) == (shortcut == "identity")


def test_an_input_of_another_block_is_not_taken() -> None:
    """What enters the second block of a stage is what left the first one."""
    spec = resnet.spec(14, (8, 8, 1), shortcut="none", width=0.25)
    given = maps("none")
    for name in BLOCKS:
        given[name.replace("block1", "block2") + "/bn2"] = 2 * given[f"{name}/relu2"]
        given[name.replace("block1", "block2") + "/relu2"] = given[f"{name}/relu2"][..., ::-1]
    rows = residual.added(spec, given)
    assert [row.explained for row in rows[1::2]] == pytest.approx([1, 1, 1])
    assert [row.ratio for row in rows[1::2]] == pytest.approx([1, 1, 1])
    assert rows[0].explained < 0.5


def test_what_is_explained() -> None:
    draws = np.random.default_rng(1)
    x, new = draws.standard_normal((2, 50, 6, 6, 3))
    mixture = x @ draws.standard_normal((3, 3)) + 5
    assert residual.explained(mixture, x) == pytest.approx(1)
    assert residual.explained(new, x) < 0.01
    moved = np.roll(x, 1, axis=1)  # the same numbers at other pixels
    assert residual.explained(moved, x) < 0.01
    equal = x / x.std() + new / new.std()
    assert residual.explained(equal, x) == pytest.approx(0.5, abs=0.05)


def test_a_mean_is_over_the_blocks_that_have_the_quantity() -> None:
    rows = [Added(1, math.nan, 1.0, 0.25), Added(2, 3.0, 2.0, math.nan)]
    assert [residual.mean(rows, q) for q in residual.QUANTITIES] == [3.0, 1.5, 0.25]


def test_small_images_are_means_of_four_pixels_without_the_rim() -> None:
    image = np.arange(28 * 28, dtype=float).reshape(1, 28, 28, 1)
    y = np.zeros(1, int)
    small = residual.small(Prepared(image, y, 2 * image, y, {}))
    assert small.train_x.shape == (1, 12, 12, 1)
    assert small.train_x[0, 0, 0, 0] == image[0, 2:4, 2:4, 0].mean()
    assert small.test_x[0, 11, 11, 0] == 2 * image[0, 24:26, 24:26, 0].mean()
