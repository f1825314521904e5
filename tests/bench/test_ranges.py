"""A number or a name that is not allowed is told with what is."""

import math

import numpy as np
import pytest

from bench import initializers, ranges
from bench.contract import Update
from bench.conventions import BATCH_NORM
from bench.errors import UserError
from bench.optimizers import Optimizer, adam, deck_adam, momentum, sgd
from bench.specs import convnet, mlp, single_activation, single_batch_norm, vgg


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: adam(0.9, 0.999, -1e-8), r"epsilon of adam must be a number in \[0, inf\)"),
        (lambda: deck_adam(0.9, 1.0, 1e-8), r"beta2 of deck_adam must be a number in \[0, 1\)"),
        (lambda: momentum(math.nan), r"momentum of momentum must be a number in \[0, 1\)"),
        (lambda: Optimizer("adamm"), "unknown optimizer 'adamm'; did you mean adam?"),  # type: ignore[arg-type]
        (lambda: Update("cross_entropy", ("",), sgd(), clip_global_norm=-1.0), "clip_global_norm"),
        (lambda: Update("cross_entropy", ("",), sgd(), weight_decay=0.0), "weight_decay"),
        (lambda: Optimizer("adam", {"beta1": 0.9}), "adam takes"),
        (lambda: mlp.spec(dropout="deck", keep_hidden=1.5), r"keep_hidden .* in \(0, 1\], got 1.5"),
        (lambda: mlp.spec(dropout="deck", keep_input=0.0), r"keep_input .* in \(0, 1\]"),
        (lambda: mlp.spec(keep_hidden=1.5), r"keep_hidden .* in \(0, 1\], got 1.5"),
        (lambda: vgg.spec(keep_hidden=1.5), r"keep_hidden .* in \(0, 1\], got 1.5"),
        (lambda: mlp.spec(dropout="deckk"), "unknown form of dropout"),
        (lambda: mlp.spec(activation="rellu"), "unknown activation 'rellu'; did you mean relu?"),
        (lambda: mlp.spec(widths=(0,)), "widths must be at least 1"),
        (
            lambda: mlp.spec(norm={**BATCH_NORM, "epsilon": 0.0}),
            r"epsilon of batch norm .* \(0, inf",
        ),
        (lambda: single_batch_norm.spec(norm={"decay": 0.9}), "batch norm takes decay, epsilon"),
        (lambda: single_activation.spec(activation="gelu"), "unknown activation"),
        (lambda: convnet.spec(blocks=(convnet.Block(4, 3, pooling="mean"),)), "unknown pooling"),
        (lambda: convnet.spec(blocks=(convnet.Block(4, 29),)), "block 1 of 1 leaves no pixel"),
        (lambda: convnet.Block(0, 3), r"filters of a block .* \[1, inf\), got 0"),
        (lambda: convnet.Block(4, 3, stride=0), r"stride of a block .* \[1, inf\), got 0"),
        (lambda: convnet.Block(4, 3, window=0), r"window of a block .* \[1, inf\), got 0"),
        (lambda: convnet.Block(4, 3, padding=-1), r"padding of a block .* \[0, inf\), got -1"),
        (lambda: initializers.variance("heee_normal", (3, 4), "dense"), "unknown initializer"),
        (lambda: initializers.fans((0, 4), "dense"), "fan in and fan out must be at least 1"),
        (lambda: initializers.fans((3, 4, 5), "dense"), "has no fans"),
    ],
)
def test_refused_with_the_name_and_what_is_allowed(call, message: str) -> None:
    with pytest.raises(UserError, match=message):
        call()


def test_ends_that_are_open_do_not_belong() -> None:
    half = ranges.Range(0, 1, open_low=True)
    assert 0 not in half
    assert 1 in half
    assert str(half) == "(0, 1]"
    assert math.nan not in half
    with pytest.raises(UserError, match="must be a number"):
        ranges.number("keep", True, half)


def test_one_number_of_an_array_is_enough_to_refuse_it() -> None:
    ranges.entries("scale", np.array([0.5, 2.0]), ranges.POSITIVE)
    ranges.entries("scale", np.array([]), ranges.POSITIVE)
    for wrong in (0.0, -1.0, math.nan, math.inf):
        with pytest.raises(UserError, match=rf"scale must be numbers in \(0, inf\), got {wrong:g}"):
            ranges.entries("scale", np.array([1.0, wrong, 2.0]), ranges.POSITIVE)


@pytest.mark.parametrize("size", [1, ranges.FEW, ranges.FEW + 1])
@pytest.mark.parametrize("dtype", ["int64", "uint8", "float32"])
def test_few_numbers_and_many_are_refused_alike(size: int, dtype: str) -> None:
    allowed, labels = ranges.labels(10), np.full((size, 1), 9, dtype)
    ranges.entries("y", labels, allowed)
    labels[-1] = 10
    with pytest.raises(UserError, match=r"y must be numbers in \[0, 9\], got 10"):
        ranges.entries("y", labels, allowed)
    if dtype != "uint8":
        labels[-1] = -1
        with pytest.raises(UserError, match=r"y must be numbers in \[0, 9\], got -1"):
            ranges.entries("y", labels, allowed)


@pytest.mark.parametrize(
    ("shape", "layout", "expected"),
    [
        ((784, 128), "dense", (784, 128)),
        ((3, 3, 16, 32), "convolution", (144, 288)),
        ((64, 4, 128), "recurrent", (64, 128)),
    ],
)
def test_fans(shape: tuple[int, ...], layout, expected: tuple[int, int]) -> None:
    assert initializers.fans(shape, layout) == expected


def test_variances_by_hand() -> None:
    shape = (300, 100)
    found = {name: initializers.variance(f"{name}_normal", shape, "dense") for name in (
        "xavier", "glorot_printed", "glorot", "he", "constant_small", "constant_large"
    )}  # fmt: skip
    assert found == pytest.approx(
        {
            "xavier": 1 / 300,
            "glorot_printed": 1 / 400,
            "glorot": 2 / 400,
            "he": 2 / 300,
            "constant_small": 1e-4,
            "constant_large": 1.0,
        }
    )
