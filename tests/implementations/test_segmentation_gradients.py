"""What an encoder-decoder adds: the derivatives derived by hand against central differences."""

import numpy as np
import pytest

from bench.contract import INFERENCE, TRAINING, Mode
from bench.randomness import stream
from bench.spec import Spec
from bench.specs import fusion_segnet, segnet, single_upsampling
from implementations.numpy import segmentation
from implementations.numpy.tape import Node, Tape
from tests.implementations.differences import agrees, everything

MONTE_CARLO = Mode(batch_statistics=False, dropout=True)
LABELS = np.array([[[0, 2, 1], [1, 0, 2]], [[2, 2, 1], [0, 0, 0]]])
WEIGHTS = (0.3, 1.0, 2.5)


def apart(shape: tuple[int, ...]) -> np.ndarray:
    """Distinct entries a tenth apart, none of them 0: no window is near a tie."""
    count = np.prod(shape)
    return (stream(0, "apart").permutation(count) - count / 2 + 0.5).reshape(shape) / 10.0


@pytest.mark.parametrize("inputs", [(6, 4, 2), (7, 5, 3), (2, 3, 1)])
@pytest.mark.parametrize("upsampling", segnet.UPSAMPLINGS)
def test_upsampling(inputs: tuple[int, int, int], upsampling: str) -> None:
    spec = single_upsampling.spec(inputs, upsampling)
    cotangent = stream(1, "upsampling").normal(size=(2, *spec.inputs["cotangent"]))
    everything(spec, "energy", {"x": apart((2, *inputs)), "cotangent": cotangent})


def test_a_choice_is_followed_by_value_gradient_and_unpooling() -> None:
    """The upper left is taken in place of the maximum, where it is asked for."""
    x = Node(apart((2, 5, 4, 3)), tape := Tape(), wanted=True)
    choice = np.full((2, 2, 2, 3), -1, np.int8)
    choice[0, 1, 0, 2] = 0
    pooled, index = segmentation.max_pool_indices(x, choice)
    free, expected = segmentation.max_pool_indices(Node(x.value, Tape()))
    expected[0, 1, 0, 2] = 0
    np.testing.assert_array_equal(index, expected)
    assert set(np.argwhere(pooled.value != free.value).ravel()) <= {0, 1, 2}
    assert pooled.value[0, 1, 0, 2] == x.value[0, 2, 0, 2]
    back = segmentation.unpool(pooled, index, 5, 4)
    np.testing.assert_array_equal(back.value != 0, back.value == x.value)
    assert back.value[0, 2, 0, 2] == x.value[0, 2, 0, 2]
    tape.backward([back.dot(np.ones_like(back.value))])
    assert x.gradient is not None
    np.testing.assert_array_equal(x.gradient, back.value != 0)


def test_pixel_cross_entropy() -> None:
    logits = 3 * stream(2, "pixels").normal(size=(*LABELS.shape, 3))

    def loss(array: np.ndarray) -> float:
        return float(segmentation.pixel_cross_entropy(Node(array, Tape()), LABELS, WEIGHTS).value)

    scores = (
        np.log(np.exp(logits).sum(-1)) - np.take_along_axis(logits, LABELS[..., None], -1)[..., 0]
    )
    assert loss(logits) == pytest.approx((np.array(WEIGHTS)[LABELS] * scores).mean(), rel=1e-13)
    node = Node(logits, tape := Tape(), wanted=True)
    tape.backward([segmentation.pixel_cross_entropy(node, LABELS, WEIGHTS)])
    assert node.gradient is not None
    assert agrees(node.gradient, loss, logits)


def test_channels_taken_and_put_together() -> None:
    x, weights = (
        stream(3, "channels").normal(size=(2, 3, 2, 4)),
        np.arange(48.0).reshape(2, 3, 2, 4),
    )

    def turned(node: Node) -> Node:
        first, last = (segmentation.take_channels(node, *part) for part in ((0, 3), (3, 1)))
        return segmentation.concatenate(last, first)

    node = Node(x, tape := Tape(), wanted=True)
    whole = turned(node)
    np.testing.assert_array_equal(whole.value, np.roll(x, 1, axis=-1))
    tape.backward([whole.dot(weights)])
    assert node.gradient is not None
    np.testing.assert_array_equal(node.gradient, np.roll(weights, -1, axis=-1))


NETS = {
    "indices": segnet.spec((8, 4, 2), 3, (6,), (1,), class_weights=WEIGHTS),
    "two levels": segnet.spec((8, 8, 1), 3, (4, 4), (1, 2), "bilinear", None, "inverted", 0.5),
    "transposed": segnet.spec((4, 8, 2), 3, (4,), (1,), "transposed", dropout="deck", keep=0.8),
    "fusion": fusion_segnet.spec((8, 8, 4), 3, (8,), (1,), class_weights=WEIGHTS),
    "fusion by addition": fusion_segnet.spec((4, 8, 4), 3, (4,), (1,), "added", "fixed", None),
}


@pytest.mark.parametrize("mode", [TRAINING, INFERENCE, MONTE_CARLO], ids=["train", "test", "mc"])
@pytest.mark.parametrize("spec", NETS.values(), ids=NETS)
def test_nets(spec: Spec, mode: Mode) -> None:
    draws = stream(4, "segnets")
    batch: dict[str, np.ndarray] = {"x": draws.normal(0, 3, size=(2, *spec.inputs["x"]))}
    for name, shape in spec.inputs.items():
        if name != "x":
            batch[name] = draws.integers(0, 3 if name == "y" else 2, (2, *shape))
    everything(spec, "cross_entropy", batch, mode)
