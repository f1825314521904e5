"""SegNet, its siblings and its fusions: names, shapes, parameters counted again, refusals."""

from typing import Any

import pytest

from bench.conventions import BATCH_NORM
from bench.errors import ContractError, UserError
from bench.specs import fusion_segnet, segnet, single_upsampling


def counted(channels: int, widths: tuple[int, ...], repeats: tuple[int, ...]) -> int:
    """Kernels of 3x3 and batch norms of an encoder and of a decoder that mirrors it."""
    found, before = 0, channels
    for level, (width, repeat) in enumerate(zip(widths, repeats, strict=True)):
        after = widths[level - 1] if level else width
        for number in range(repeat):
            found += 9 * (before if number == 0 else width) * width + 2 * width
            out = after if number == repeat - 1 else width
            found += 9 * width * out + 2 * out
        before = width
    return found


@pytest.mark.parametrize(
    ("inputs", "widths", "repeats", "classes"),
    [
        ((48, 48, 1), (8, 16, 32), (1, 1, 1), 3),
        ((16, 32, 4), (3, 5), (2, 3), 2),
        ((4, 4, 3), (6,), (1,), 7),
    ],
)
def test_parameters_are_those_of_the_drawing(inputs, widths, repeats, classes: int) -> None:
    spec = segnet.spec(inputs, classes, widths, repeats)
    classifier = (widths[0] + 1) * classes
    assert spec.parameter_count == counted(inputs[2], widths, repeats) + classifier
    for upsampling in ("fixed", "nearest", "bilinear"):
        sibling = segnet.spec(inputs, classes, widths, repeats, upsampling)
        assert sibling.shapes() == spec.shapes()
        assert sibling.activations == spec.activations
    transposed = segnet.spec(inputs, classes, widths, repeats, "transposed")
    added = 4 * sum(width**2 for width in widths)
    assert transposed.parameter_count == spec.parameter_count + added
    assert not [name for name in transposed.parameters if name.endswith("/bias")][1:]


def test_the_net_of_the_paper_has_its_29_million_parameters() -> None:
    """29.45 million: with VGG-16's convolutions, mirrored. Its last layers differ a little."""
    widths = (64, 128, 256, 512, 512)
    spec = segnet.spec((224, 224, 3), 11, widths, (2, 2, 3, 3, 3))
    assert spec.parameter_count == pytest.approx(29.45e6, rel=1e-3)


def test_a_pinned_count_that_is_wrong_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(segnet, "DEFAULT_COUNT", 12_372)
    with pytest.raises(ContractError, match="hold 12371 parameters, the spec pins 12372"):
        segnet.spec()
    monkeypatch.setattr(fusion_segnet, "DEFAULT_COUNT", 1)
    with pytest.raises(ContractError, match="hold 24900 parameters, the spec pins 1"):
        fusion_segnet.spec()


def test_layers_stand_in_the_order_of_the_forward_pass() -> None:
    spec = segnet.spec((8, 8, 1), 3, (2, 3), (2, 1), "transposed", dropout="inverted", keep=0.5)
    assert [name.split("/")[0] for name in spec.parameters if name.endswith("/weight")] == [
        *("conv1_1", "conv1_2", "conv2_1", "up2", "decode2_1"),
        *("up1", "decode1_1", "decode1_2", "classifier"),
    ]
    convolved = [n for n in spec.activations if n.startswith(("conv", "pool", "up", "decode"))]
    assert [n for n in convolved if "_bn" not in n and "_relu" not in n] == [
        *("conv1_1", "conv1_2", "pool1", "conv2_1", "pool2", "up2", "decode2_1"),
        *("up1", "decode1_1", "decode1_2"),
    ]
    assert spec.decisions == ("pool1", "pool2")
    assert spec.inputs["y"] == (8, 8)


@pytest.mark.parametrize(
    ("levels", "expected"), [(1, [1]), (2, [2]), (3, [2, 3]), (4, [3, 4]), (5, [3, 4, 5])]
)
def test_central_levels_are_masked(levels: int, expected: list[int]) -> None:
    widths = tuple(range(2, 2 + levels))
    side = 2 ** (levels + 1)
    spec = segnet.spec((side, side, 1), 2, widths, (1,) * levels, dropout="inverted", keep=0.5)
    masks = {n.removeprefix("dropout/"): s for n, s in spec.inputs.items() if "dropout/" in n}
    assert masks.keys() == {f"{part}{n}" for n in expected for part in ("pool", "decode")}
    assert spec.options["keep"] == dict.fromkeys(masks, 0.5)
    for n in expected:
        inner, outer = side >> n, side >> (n - 1)
        assert masks[f"pool{n}"] == (inner, inner, widths[n - 1])
        assert masks[f"decode{n}"] == (outer, outer, widths[max(n - 2, 0)])
    for form, keep in ((None, 0.5), ("inverted", 1.0)):
        bare = segnet.spec((side, side, 1), 2, widths, (1,) * levels, dropout=form, keep=keep)
        assert bare.options["keep"] == {}
        assert bare.inputs.keys() == {"x", "y"}


def test_fusion_is_two_nets_and_a_classifier() -> None:
    streams = [segnet.spec((48, 48, c), 4).parameter_count - (8 + 1) * 4 for c in (3, 1)]
    for fusion, features in (("concatenated", 16), ("added", 8)):
        spec = fusion_segnet.spec(fusion=fusion)
        assert spec.parameter_count == sum(streams) + (features + 1) * 4
        assert spec.decisions == tuple(f"{s}/pool{n}" for s in ("rgb", "height") for n in (1, 2, 3))
    masked = fusion_segnet.spec(dropout="inverted", keep=0.5)
    assert masked.options["keep"].keys() == {
        f"{s}/{part}{n}" for s in ("rgb", "height") for part in ("pool", "decode") for n in (2, 3)
    }


def test_no_bias_stands_before_batch_norm_and_one_where_there_is_none() -> None:
    for module in (segnet, fusion_segnet):
        normed, plain = module.spec(norm=BATCH_NORM), module.spec(norm=None)
        assert [n for n in normed.parameters if n.endswith("/bias")] == ["classifier/bias"]
        named = {name.rpartition("/")[0] for name in plain.parameters}
        assert {f"{name}/bias" for name in named} < set(plain.parameters)
        assert not plain.buffers


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"inputs": (44, 48, 1)}, r"of 3 levels .* multiples of 8, 16 or more, got \(44, 48, 1\)"),
        ({"inputs": (48, 50, 1)}, r"multiples of 8, 16 or more, got \(48, 50, 1\)"),
        ({"inputs": (8, 48, 1)}, r"multiples of 8, 16 or more, got \(8, 48, 1\)"),
        ({"inputs": (48, 48, 0)}, r"got \(48, 48, 0\)"),
        ({"widths": (8, 16)}, r"for each level, 1 or more, got \[8, 16\] and \[1, 1, 1\]"),
        ({"widths": (8, 16, 0)}, r"got \[8, 16, 0\] and \[1, 1, 1\]"),
        ({"convolutions": (1, 0, 1)}, r"got \[8, 16, 32\] and \[1, 0, 1\]"),
        ({"widths": (), "convolutions": ()}, r"got \[\] and \[\]"),
        ({"upsampling": "index"}, "unknown upsampling 'index'; did you mean indices"),
        ({"dropout": "dec", "keep": 0.5}, "unknown form of dropout 'dec'; did you mean deck"),
        ({"dropout": "deck", "keep": 0.0}, r"keep must be a number in \(0, 1\], got 0.0"),
        ({"keep": 1.5}, r"keep must be a number in \(0, 1\], got 1.5"),
        ({"classes": 1}, "a segmentation needs 2 classes or more, got 1"),
        ({"class_weights": (1.0, 2.0)}, r"3 classes need as many weights, got \[1.0, 2.0\]"),
        ({"class_weights": (1.0, 0.0, 1.0)}, "a class weight must be a number in .* got 0.0"),
        ({"norm": {"decay": 0.9}}, "batch norm takes decay, epsilon and unbiased"),
    ],
)
def test_what_is_no_net_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        segnet.spec(**options)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: fusion_segnet.spec((48, 48, 3)), r"4 channels, got \(48, 48, 3\)"),
        (lambda: fusion_segnet.spec(fusion="add"), "unknown fusion 'add'; did you mean added"),
        (lambda: fusion_segnet.spec((48, 44, 4)), r"of 3 levels .*, got \(48, 44, 3\)"),
        (lambda: single_upsampling.spec((1, 4, 1)), r"2x2 or more, got \(1, 4, 1\)"),
        (lambda: single_upsampling.spec(upsampling="linear"), "did you mean bilinear"),
    ],
)
def test_what_is_no_fusion_and_no_pooling_is_refused(call, message: str) -> None:
    with pytest.raises(UserError, match=message):
        call()
