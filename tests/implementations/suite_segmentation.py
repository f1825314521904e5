"""Poolings that remember and their ways back: ties, odd sizes, and choices that are handed in.

pytest tests/implementations/suite_segmentation.py --framework pytorch. Collected by
test_techniques.py, one process a framework.
"""

from collections.abc import Callable
from types import ModuleType

import numpy as np
import pytest

from bench.contract import INFERENCE, Arrays, Config, Gradients, System, Update
from bench.errors import UserError
from bench.optimizers import sgd
from bench.randomness import stream
from bench.specs import segnet, single_upsampling
from tests.implementations.systems import EXACT, built, close, drawn

ASK = {"ask": Update("energy", ("", "input:x"), sgd())}
TRAIN = {"train": Update("cross_entropy", ("",), sgd())}
Image = tuple[int, int, int]


def asked(
    adapter: ModuleType, x: np.ndarray, upsampling: str, decisions: Arrays | None = None
) -> tuple[np.ndarray, Gradients, np.ndarray]:
    """The response, the gradients of a weighted sum of it, and the weights of the sum."""
    spec = single_upsampling.spec(x.shape[1:], upsampling)
    system = built(adapter, spec, ASK)
    cotangent = 1.0 + np.arange(len(x) * np.prod(spec.inputs["cotangent"]))
    cotangent = cotangent.reshape(len(x), *spec.inputs["cotangent"])
    batch = system.stage({"x": x, "cotangent": cotangent})
    response = system.evaluate("response", batch, INFERENCE, decisions).outputs["response"]
    return response, system.differentiate("ask", batch, decisions or {}), cotangent


def windows(x: np.ndarray) -> np.ndarray:
    """(B, H, W, C) -> (B, H', W', C, 4): a copy, in row-major order."""
    rows, columns = (side // 2 * 2 for side in x.shape[1:3])
    return np.stack([x[:, a:rows:2, b:columns:2] for a in (0, 1) for b in (0, 1)], axis=-1)


def put(values: np.ndarray, positions: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """An image of zeros with every value at its position in its window."""
    whole = np.zeros(shape)
    for b, i, j, c in np.ndindex(*values.shape):
        down, right = divmod(int(positions[b, i, j, c]), 2)
        whole[b, 2 * i + down, 2 * j + right, c] = values[b, i, j, c]
    return whole


@pytest.mark.parametrize("inputs", [(6, 4, 3), (7, 5, 3), (2, 3, 1), (5, 2, 2)])
def test_unpooling_by_indices(adapter: ModuleType, inputs: Image) -> None:
    """All channels have maxima of their own; an odd row or column at the end stays empty."""
    x = stream(0, "unpooling").normal(size=(4, *inputs))
    response, found, cotangent = asked(adapter, x, "indices")
    entries = windows(x)
    first = entries.argmax(-1)
    np.testing.assert_array_equal(found.evaluation.decisions["pool"], first)
    expected = put(entries.max(-1), first, x.shape)
    np.testing.assert_array_equal(response, expected)
    assert len(np.unique(first)) > 1
    np.testing.assert_array_equal(
        found.gradients["input:x"], np.where(expected != 0, cotangent, 0.0)
    )


def test_the_first_of_equal_maxima_is_remembered(adapter: ModuleType) -> None:
    """Every pattern of two values in a window: 1 to 16, and 16 times the same value."""
    patterns = np.array([[(n >> k) & 1 for k in range(4)] for n in range(16)], float)
    x = 1.0 + patterns.reshape(16, 2, 2, 1)
    response, found, cotangent = asked(adapter, x, "indices")
    first = patterns.argmax(axis=1)
    np.testing.assert_array_equal(found.evaluation.decisions["pool"].ravel(), first)
    expected = np.zeros((16, 4))
    expected[np.arange(16), first] = 1.0 + patterns.max(axis=1)
    np.testing.assert_array_equal(response.reshape(16, 4), expected)
    moved = np.where(expected > 0, cotangent.reshape(16, 4), 0.0)
    np.testing.assert_array_equal(found.gradients["input:x"].reshape(16, 4), moved)


def test_unpooling_follows_a_decision_that_is_handed_in(adapter: ModuleType) -> None:
    """A value goes back to where it was taken, and its gradient with it, maximum or not."""
    x = stream(1, "unpooling").normal(size=(2, 5, 6, 3))
    entries = windows(x)
    choice = stream(2, "unpooling").integers(-1, 4, entries.shape[:-1]).astype(np.int8)
    response, found, cotangent = asked(adapter, x, "indices", {"pool": choice})
    taken = np.where(choice < 0, entries.argmax(-1), choice)
    np.testing.assert_array_equal(found.evaluation.decisions["pool"], taken)
    values = np.take_along_axis(entries, taken[..., None].astype(np.int64), -1)[..., 0]
    assert (values != entries.max(-1)).any()
    expected = put(values, taken, x.shape)
    np.testing.assert_array_equal(response, expected)
    np.testing.assert_array_equal(
        found.gradients["input:x"], np.where(expected != 0, cotangent, 0.0)
    )


def test_the_decisions_of_a_net_are_followed_on_the_way_back(adapter: ModuleType) -> None:
    """Of both levels of a SegNet: what is unpooled lies where the decision says."""
    spec = segnet.spec((8, 8, 1), 3, (2, 3), (1, 1))
    system: System = built(adapter, spec, TRAIN)
    batch = system.stage(drawn(spec))
    free = system.differentiate("train", batch, {})
    other = {
        name: ((decision + 1) % 4).astype(np.int8)
        for name, decision in free.evaluation.decisions.items()
    }
    handed = system.differentiate("train", batch, other)
    for name, decision in other.items():
        np.testing.assert_array_equal(handed.evaluation.decisions[name], decision)
    assert handed.terms["cross_entropy"] != free.terms["cross_entropy"]
    same = system.differentiate("train", batch, free.evaluation.decisions)
    assert same.terms == pytest.approx(free.terms, rel=EXACT)
    for name, gradient in free.gradients.items():
        close(same.gradients[name], gradient, 1e-10)


@pytest.mark.parametrize("inputs", [(6, 4, 3), (7, 5, 2)])
def test_the_siblings_by_their_definitions(adapter: ModuleType, inputs: Image) -> None:
    x = stream(3, "unpooling").normal(size=(2, *inputs))
    pooled = windows(x).max(-1)
    corner = np.zeros(pooled.shape, int)
    fixed, nearest, bilinear = (asked(adapter, x, k)[0] for k in ("fixed", "nearest", "bilinear"))
    np.testing.assert_array_equal(fixed, put(pooled, corner, x.shape))
    np.testing.assert_array_equal(nearest, pooled.repeat(2, axis=1).repeat(2, axis=2))
    batch, rows, columns, channels = pooled.shape
    expected = np.zeros((batch, 2 * rows, 2 * columns, channels))
    for i, j in np.ndindex(2 * rows, 2 * columns):
        # Output pixel centers lie at (i + 1/2) / 2 - 1/2 in units of input pixels.
        r, c = (
            np.clip((i + 0.5) / 2 - 0.5, 0, rows - 1),
            np.clip((j + 0.5) / 2 - 0.5, 0, columns - 1),
        )
        top, left = int(r), int(c)
        below, right = min(top + 1, rows - 1), min(left + 1, columns - 1)
        upper = (1 - c + left) * pooled[:, top, left] + (c - left) * pooled[:, top, right]
        lower = (1 - c + left) * pooled[:, below, left] + (c - left) * pooled[:, below, right]
        expected[:, i, j] = (1 - r + top) * upper + (r - top) * lower
    np.testing.assert_allclose(bilinear, expected, rtol=0, atol=EXACT)


def test_transposed_convolution_by_its_definition(adapter: ModuleType) -> None:
    spec = single_upsampling.spec((7, 6, 3), "transposed")
    system = built(adapter, spec)
    weight = system.export().parameters["up/weight"]
    batch = drawn(spec)
    pooled = windows(batch["x"]).max(-1)
    expected = np.zeros((4, 6, 6, 3))
    for a, b in np.ndindex(2, 2):
        expected[:, a::2, b::2] = np.einsum("nijc,ck->nijk", pooled, weight[a, b])
    answer = system.evaluate("response", system.stage(batch), INFERENCE)
    np.testing.assert_allclose(answer.outputs["response"], expected, rtol=EXACT, atol=EXACT)


@pytest.mark.parametrize("weights", [None, (0.3, 1.0, 2.5)])
def test_the_loss_is_the_mean_of_weighted_losses(adapter: ModuleType, weights) -> None:
    """Divided by the number of pixels; a class that no pixel has changes nothing."""
    spec = segnet.spec((4, 8, 1), 3, (2,), (1,), "nearest", class_weights=weights)
    system = built(adapter, spec, TRAIN)
    batch = drawn(spec)
    batch["y"] = np.where(batch["y"] == 2, 0, batch["y"])
    traced = {name: (x, g) for name, x, g in system.trace("train", system.stage(batch))}
    logits, gradient = traced["logits"]
    soft = np.exp(logits - logits.max(-1, keepdims=True))
    soft /= soft.sum(-1, keepdims=True)
    own = np.array(weights or (1, 1, 1))[batch["y"]]
    target = np.eye(3)[batch["y"]]
    loss = -(own * np.log((soft * target).sum(-1))).mean()
    found = system.differentiate("train", system.stage(batch)).terms["cross_entropy"]
    assert found == pytest.approx(loss, rel=EXACT)
    expected = own[..., None] * (soft - target) / own.size
    np.testing.assert_allclose(gradient, expected, rtol=0, atol=1e-15)


def test_parts_of_a_batch_are_the_batch_whatever_classes_they_hold(adapter: ModuleType) -> None:
    spec = segnet.spec((4, 4, 1), 3, (3,), (1,), norm=None, class_weights=(0.1, 1.0, 5.0))
    system = built(adapter, spec, TRAIN)
    batch = drawn(spec)
    batch["y"][:2], batch["y"][2:] = 0, 2
    parts = [
        system.differentiate("train", system.stage({n: a[part] for n, a in batch.items()}))
        for part in (slice(0, 2), slice(2, 4))
    ]
    whole, mean = (
        system.differentiate("train", system.stage(batch)),
        system.average(parts, [2, 2]),
    )
    assert mean.terms == pytest.approx(whole.terms, rel=EXACT)
    for name, gradient in whole.gradients.items():
        close(mean.gradients[name], gradient)


@pytest.mark.parametrize(
    ("entry", "change", "message"),
    [
        ("y", lambda y: y[:, :8], r"y of segnet is \(4, 8, 16\), must be \(examples, 16, 16\)"),
        ("y", lambda y: y[0], r"y of segnet is \(16, 16\), must be \(examples, 16, 16\)"),
        ("y", lambda y: y[..., None], r"y of segnet is \(4, 16, 16, 1\), must be"),
        (
            "x",
            lambda x: x[:, 1:],
            r"x of segnet is \(4, 15, 16, 2\), must be \(examples, 16, 16, 2\)",
        ),
        ("x", lambda x: x[..., :1], r"x of segnet is \(4, 16, 16, 1\), must be"),
        ("y", lambda y: y[:3], "segnet needs as many examples of every entry, got 4 of x, 3 of y"),
        ("y", lambda y: 3 + 0 * y, r"y of segnet must be numbers in \[0, 2\], got 3"),
        ("y", lambda y: y - 100, r"y of segnet must be numbers in \[0, 2\], got -"),
        ("y", lambda y: y + 0.5, "labels of segnet must be whole, y is float64"),
        ("dropout/pool2", lambda mask: mask[..., :1], r"dropout/pool2 of segnet is \(4, 4, 4, 1\)"),
    ],
)
def test_a_mask_that_does_not_fit_its_image_is_refused(
    adapter: ModuleType, entry: str, change: Callable[[np.ndarray], np.ndarray], message: str
) -> None:
    """With both sizes: what a framework might broadcast, ignore, or not see before it steps."""
    spec = segnet.spec((16, 16, 2), 3, (2, 3), (1, 1), dropout="inverted", keep=0.5)
    batch, system = drawn(spec), adapter.build(spec, {}, Config())
    system.stage(batch)
    with pytest.raises(UserError, match=message):
        system.stage({**batch, entry: change(batch[entry])})
