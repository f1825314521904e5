"""VGG and ResNet as they were published: layers and parameters counted again, from the papers."""

import tracemalloc
from typing import Any

import pytest

from bench.conventions import BATCH_NORM
from bench.errors import ContractError, UserError
from bench.spec import Spec, count, scaled
from bench.specs import convnet, fusion_segnet, resnet, segnet, vgg

# What is of another type than the specs say.
PAIR: Any = (32, 32)
FLOAT: Any = 20.0
WORD: Any = "20"

# Table 1 of Simonyan and Zisserman (2015) and the numbers of table 2, to the last parameter. A
# convolution with 64 channels is 64, "c64" with a kernel of 1x1; "|" is a pooling.
TABLE = {
    "A": ("64 | 128 | 256 256 | 512 512 | 512 512", 11, 132_863_336),
    "B": ("64 64 | 128 128 | 256 256 | 512 512 | 512 512", 13, 133_047_848),
    "C": ("64 64 | 128 128 | 256 256 c256 | 512 512 c512 | 512 512 c512", 16, 133_638_952),
    "D": ("64 64 | 128 128 | 256 256 256 | 512 512 512 | 512 512 512", 16, 138_357_544),
    "E": (
        "64 64 | 128 128 | 256 256 256 256 | 512 512 512 512 | 512 512 512 512",
        19,
        143_667_240,
    ),
}
CIFAR = {20: 269_722, 32: 464_154, 44: 658_586, 56: 853_018, 110: 1_727_962}
# Table 1 of He, Zhang, Ren and Sun (2016).
IMAGENET = {
    18: ((2, 2, 2, 2), 11_689_512),
    34: ((3, 4, 6, 3), 21_797_672),
    50: ((3, 4, 6, 3), 25_557_032),
    101: ((3, 4, 23, 3), 44_549_160),
    152: ((3, 8, 36, 3), 60_192_808),
}


def weights(spec: Spec) -> list[str]:
    """Layers with weights, as the papers count them: without the shortcuts'."""
    names = [name for name in spec.parameters if name.endswith("/weight")]
    return [name for name in names if "projection" not in name]


@pytest.mark.parametrize("configuration", TABLE)
def test_vgg_is_that_of_the_table(configuration: str) -> None:
    row, layers, published = TABLE[configuration]
    channels, expected = 3, 0
    for word in row.replace("|", "").split():
        filters, kernel = int(word.removeprefix("c")), 1 if word.startswith("c") else 3
        expected += (kernel * kernel * channels + 1) * filters
        channels = filters
    for size, units in ((7 * 7 * 512, 4096), (4096, 4096), (4096, 1000)):
        expected += (size + 1) * units
    spec = vgg.imagenet(configuration)
    assert spec.parameter_count == expected == published
    assert len(weights(spec)) == layers
    assert spec.inputs == {
        "x": (224, 224, 3),
        "y": (),
        "dropout/fc6": (4096,),
        "dropout/fc7": (4096,),
    }
    assert spec.options["keep"] == {"fc6": 0.5, "fc7": 0.5}


def test_counting_allocates_no_weights() -> None:
    tracemalloc.start()
    vgg.imagenet("E")
    resnet.imagenet(152)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 5_000_000  # the weights of VGG-19 alone are 575 MB


def test_a_pinned_count_that_is_wrong_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(vgg.COUNTS, ("D", *vgg.PAPER), 138_357_543)
    with pytest.raises(ContractError, match="the spec pins 138357543"):
        vgg.imagenet("D")
    monkeypatch.setitem(resnet.CIFAR_COUNTS, 20, 272_474)
    with pytest.raises(ContractError, match="hold 269722 parameters, the spec pins 272474"):
        resnet.spec(20)


def test_the_small_vgg_is_a_quarter_as_wide_with_one_dense_layer() -> None:
    spec, full = vgg.spec(), vgg.imagenet("D")
    for name, parameter in spec.parameters.items():
        if name.startswith("conv"):
            assert parameter.shape[3] * 4 == full.parameters[name].shape[3]
    assert [name for name in spec.parameters if name.startswith("fc")] == ["fc6/weight", "fc6/bias"]
    assert spec.parameters["fc6/weight"].shape == (128, 10)
    assert len(spec.buffers) == 2 * 13
    # With batch norm at full size: two numbers a channel more, and the biases less.
    plain = vgg.spec("D", (224, 224, 3), 1000, 1.0, (4096, 4096), None)
    normed = vgg.spec("D", (224, 224, 3), 1000, 1.0, (4096, 4096), BATCH_NORM)
    channels = 2 * 64 + 2 * 128 + 3 * 256 + 6 * 512
    assert normed.parameter_count == plain.parameter_count + channels == 138_361_768


@pytest.mark.parametrize("depth", CIFAR)
def test_resnet_for_small_images(depth: int) -> None:
    n = (depth - 2) // 6
    kernels = 3 * 16 + 2 * n * 16 * 16
    kernels += 16 * 32 + (2 * n - 1) * 32 * 32 + 32 * 64 + (2 * n - 1) * 64 * 64
    channels = 16 + 2 * n * (16 + 32 + 64)
    spec = resnet.spec(depth)
    assert spec.parameter_count == 9 * kernels + 2 * channels + 650 == CIFAR[depth]
    assert len(weights(spec)) == depth
    assert len(spec.buffers) == 2 * (depth - 1)
    # The plain twin has the same parameters; projections add two kernels and their batch norms.
    plain, projected = (resnet.spec(depth, shortcut=s) for s in ("none", "projection"))
    assert plain.shapes() == spec.shapes()
    added = 16 * 32 + 2 * 32 + 32 * 64 + 2 * 64
    assert projected.parameter_count == spec.parameter_count + added


@pytest.mark.parametrize("depth", IMAGENET)
def test_resnet_for_large_images(depth: int) -> None:
    repeats, published = IMAGENET[depth]
    expected, channels = 7 * 7 * 3 * 64 + 2 * 64, 64
    for filters, repeat in zip((64, 128, 256, 512), repeats, strict=True):
        for _ in range(repeat):
            out = filters if depth < 50 else 4 * filters
            basic = ((3, channels, filters), (3, filters, filters))
            bottleneck = ((1, channels, filters), (3, filters, filters), (1, filters, out))
            for kernel, before, after in basic if depth < 50 else bottleneck:
                expected += kernel * kernel * before * after + 2 * after
            if channels != out:
                expected += channels * out + 2 * out
            channels = out
    expected += channels * 1000 + 1000
    spec = resnet.imagenet(depth)
    assert spec.parameter_count == expected == published
    assert len(weights(spec)) == depth
    strided = resnet.imagenet(depth, strided="3x3")
    assert strided.shapes() == spec.shapes()
    assert (strided.options == spec.options) == (depth < 50)
    assert resnet.imagenet(depth, shortcut="none").parameter_count < published


def test_strides_stand_where_the_paper_puts_them() -> None:
    for strided, expected in (("1x1", [2, 1, 1]), ("3x3", [1, 2, 1])):
        blocks = resnet.imagenet(50, strided=strided).options["blocks"]
        by_name = {b.name: [c.stride for c in b.branch] for b in blocks}
        assert by_name["stage1_block1"] == by_name["stage2_block2"] == [1, 1, 1]
        assert [by_name[f"stage{s}_block1"] for s in (2, 3, 4)] == [expected] * 3
    blocks = {b.name: b for b in resnet.imagenet(34, shortcut="projection").options["blocks"]}
    assert (blocks["stage1_block1"].shortcut, blocks["stage2_block1"].shortcut) == (
        *("identity", "projection"),
    )
    assert blocks["stage2_block1"].projection == resnet.Convolution(128, 1, 2)


def test_no_bias_stands_before_batch_norm_and_one_where_there_is_none() -> None:
    for spec in (resnet.spec(8), resnet.imagenet(18), vgg.spec("A")):
        assert [n for n in spec.parameters if n.endswith("/bias")] in (["fc/bias"], ["fc6/bias"])
    for spec in (resnet.spec(8, norm=None), vgg.spec("A", norm=None)):
        named = {name.rpartition("/")[0] for name in spec.parameters}
        assert {f"{name}/bias" for name in named} < set(spec.parameters)
        assert not spec.buffers


def test_branch_and_shortcut_of_every_block_are_traced() -> None:
    spec = resnet.spec(20, shortcut="projection")
    for block in spec.options["blocks"]:
        own = [n for n in spec.activations if n.startswith(f"{block.name}/")]
        projected = ["projection", "projection_bn"] if block.shortcut == "projection" else []
        parts = ["conv1", "bn1", "relu1", "conv2", "bn2", "branch", *projected]
        assert own == [f"{block.name}/{part}" for part in (*parts, "shortcut", "sum", "relu2")]
    assert not [n for n in resnet.spec(20, shortcut="none").activations if "sum" in n]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: vgg.spec("F"), r"unknown configuration of VGG 'F' \(known: A, B, C, D, E\)"),
        (lambda: vgg.spec("A", (30, 32, 3)), r"multiples of 32, got \(30, 32, 3\)"),
        (lambda: vgg.spec("A", (32, 0, 3)), r"multiples of 32, got \(32, 0, 3\)"),
        (lambda: vgg.spec(width=0.1), "a width of 0.1 leaves 6.4 of 64 channels"),
        (lambda: vgg.spec(width=-1.0), r"width must be a number in \(0, inf\)"),
        (lambda: vgg.spec(width=1 / 128), "a width of 0.0078125 leaves 0.5 of 64 channels"),
        (lambda: vgg.spec(dense=(0,)), "widths must be at least 1"),
        (lambda: vgg.spec(dense=(8,), dropout="dec"), "unknown form of dropout"),
        (lambda: vgg.spec(dense=(8,), dropout="deck", keep_hidden=0.0), "keep_hidden .* got 0.0"),
        (lambda: resnet.spec(21), r"6n \+ 2 layers \(8, 14, 20\), got 21"),
        (lambda: resnet.spec(2), "got 2"),
        (lambda: resnet.spec(shortcut="identical"), "did you mean identity"),
        (lambda: resnet.spec(inputs=(32, 30, 3)), r"multiples of 4, 8 or more, got \(32, 30, 3\)"),
        (lambda: resnet.spec(inputs=(4, 4, 3)), r"multiples of 4, 8 or more, got \(4, 4, 3\)"),
        (lambda: resnet.spec(width=0.3), "leaves 4.8 of 16 channels"),
        (lambda: resnet.imagenet(20), r"\[18, 34, 50, 101, 152\] layers, got 20"),
        (lambda: resnet.imagenet(inputs=(32, 64, 3)), r"multiples of 32, 64 or more, got \(32, 64"),
        (lambda: resnet.imagenet(strided="2x2"), "unknown convolution with the stride '2x2'"),
        (lambda: resnet.spec(inputs=(32, 32, 0)), r"1: conv1/weight would be \(3, 3, 0, 16\)"),
        (lambda: resnet.spec(classes=0), r"classes of at least 1: fc/weight would be \(64, 0\)"),
        (lambda: vgg.spec(inputs=(32, 32, 0)), r"vgg needs channels, .* \(3, 3, 0, 16\)"),
        (lambda: resnet.spec(FLOAT), r"6n \+ 2 layers \(8, 14, 20\), got 20.0"),
        (lambda: resnet.spec(WORD), "got 20"),
        (lambda: resnet.imagenet(FLOAT), "layers, got 20.0"),
        (lambda: resnet.spec(inputs=PAIR), r"three whole numbers .* got \(32, 32\)"),
        (lambda: resnet.spec(inputs=(FLOAT, 32, 3)), "three whole numbers"),
        (lambda: vgg.spec(inputs=PAIR), r"three whole numbers .* got \(32, 32\)"),
        (lambda: vgg.net((), ()), r"VGG needs stages, .* got \[\] and \[\]"),
        (lambda: vgg.net(((3,), ()), (4, 4)), r"got \[\[3\], \[\]\]"),
        (lambda: vgg.net(((3,),), (4, 4)), r"got \[\[3\]\] and \[4, 4\]"),
        (lambda: convnet.spec(PAIR), r"three whole numbers .* got \(32, 32\)"),
        (lambda: segnet.spec(PAIR), r"three whole numbers .* got \(32, 32\)"),
        (lambda: fusion_segnet.spec(PAIR), r"three whole numbers .* got \(32, 32\)"),
        (lambda: resnet.spec(norm={"decay": 0.9}), "batch norm takes decay, epsilon and unbiased"),
    ],
)
def test_what_is_no_net_is_refused_with_what_is_allowed(call, message: str) -> None:
    with pytest.raises(UserError, match=message):
        call()


def test_channels_are_whole_even_where_rounding_hides_it() -> None:
    assert [scaled(60, 0.1), scaled(64, 0.25), scaled(3, 1 / 3)] == [6, 16, 1]
    assert count(resnet.spec(8, width=1 / 16).parameters) < 2000
