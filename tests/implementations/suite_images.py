"""What is done to images, against SciPy and the NumPy reference.

pytest tests/implementations/suite_images.py --framework pytorch. Collected by
test_techniques.py, one process a framework.
"""

from collections.abc import Mapping
from types import ModuleType

import numpy as np
import pytest
from scipy import ndimage

from bench.contract import INFERENCE, Config, State
from bench.errors import UserError
from bench.randomness import stream
from bench.specs import mlp, preprocessing
from tests.implementations.systems import EXACT, built, close


def pictures(examples: int = 4, shape: tuple[int, int, int] = (9, 6, 2)) -> dict[str, np.ndarray]:
    """A batch of the preprocessing spec; mean and deviation have no axis for examples."""
    draws, batch = stream(0, "pictures"), (examples, *shape)
    return {
        "x": draws.normal(3, 2, size=batch),
        "mean": draws.normal(3, 1, size=shape[-1:]),
        "deviation": draws.uniform(1, 3, shape[-1:]),
        "angle": draws.uniform(-4, 4, examples),
        "scale": draws.uniform(0.4, 2.5, examples),
        "shift": draws.uniform(-3, 3, (examples, 2)),
        "displacement": draws.normal(0, 3, (examples, *shape[:2], 2)),
        "noise": draws.normal(size=batch),
    }


def changed(adapter: ModuleType, function: str, batch: Mapping[str, np.ndarray]) -> np.ndarray:
    system = adapter.build(preprocessing.spec(batch["x"].shape[1:]), {}, Config(dtype="float64"))
    system.load(State({}))
    return system.evaluate(function, system.stage(batch), INFERENCE).outputs["x"]


@pytest.mark.parametrize("function", ["standardized", "affine", "elastic", "noisy"])
def test_pixels_are_those_of_the_reference(adapter, reference, function: str) -> None:
    batch = pictures()
    found, expected = (changed(module, function, batch) for module in (adapter, reference))
    np.testing.assert_allclose(found, expected, rtol=0, atol=EXACT)


def test_affine_against_scipy(adapter: ModuleType) -> None:
    """grid-constant: pixels outside are zeros, also where a sample is partly outside."""
    batch = pictures()
    found, center = changed(adapter, "affine", batch), (np.array([9, 6]) - 1) / 2
    for b, image in enumerate(batch["x"]):
        cosine, sine = np.cos(batch["angle"][b]), np.sin(batch["angle"][b])
        back = np.array([[cosine, sine], [-sine, cosine]]) / batch["scale"][b]
        offset = center - back @ (center + batch["shift"][b])
        for channel in range(2):
            expected = ndimage.affine_transform(
                image[..., channel], back, offset, order=1, mode="grid-constant", cval=0
            )
            np.testing.assert_allclose(found[b, ..., channel], expected, rtol=0, atol=EXACT)


def test_elastic_against_scipy(adapter: ModuleType) -> None:
    batch = pictures()
    found = changed(adapter, "elastic", batch)
    pixels = np.stack(np.meshgrid(np.arange(9), np.arange(6), indexing="ij"), axis=-1)
    for b, image in enumerate(batch["x"]):
        places = np.moveaxis(pixels + batch["displacement"][b], -1, 0)
        for channel in range(2):
            expected = ndimage.map_coordinates(
                image[..., channel], places, order=1, mode="grid-constant", cval=0
            )
            np.testing.assert_allclose(found[b, ..., channel], expected, rtol=0, atol=EXACT)


def test_directions_of_affine(adapter: ModuleType) -> None:
    """A quarter turn takes down to right; a shift goes down and right; a scale enlarges."""
    still = pictures(1, (7, 7, 1)) | {
        "angle": np.zeros(1),
        "scale": np.ones(1),
        "shift": np.zeros((1, 2)),
    }
    x = still["x"]
    np.testing.assert_array_equal(changed(adapter, "affine", still), x)
    turned = changed(adapter, "affine", still | {"angle": np.array([np.pi / 2])})
    np.testing.assert_allclose(turned[0], np.rot90(x[0]), atol=1e-13)
    moved = changed(adapter, "affine", still | {"shift": np.array([[2.0, 1.0]])})
    np.testing.assert_array_equal(moved[:, 2:, 1:], x[:, :-2, :-1])
    assert (moved[:, :2] == 0).all()
    assert (moved[:, :, :1] == 0).all()
    enlarged = changed(adapter, "affine", still | {"scale": np.array([2.0])})
    np.testing.assert_array_equal(enlarged[:, 1::2, 1::2], x[:, 2:5, 2:5])


@pytest.mark.parametrize(
    ("entry", "allowed", "value"),
    [
        ("scale", r"\(0, inf\)", 0.0),
        ("scale", r"\(0, inf\)", -1.0),
        ("scale", r"\(0, inf\)", np.nan),
        ("deviation", r"\[0, inf\)", -1.0),
    ],
)
def test_what_makes_no_image_is_refused(adapter, entry: str, allowed: str, value: float) -> None:
    """One image among four, with its range: a scale of 0 would answer with nothing but zeros."""
    batch = pictures()
    batch[entry][1] = value
    message = f"{entry} of preprocessing must be numbers in {allowed}, got {value:g}"
    with pytest.raises(UserError, match=message):
        changed(adapter, "affine", batch)


def test_displacements_beyond_the_image_read_zeros(adapter: ModuleType) -> None:
    batch = pictures()
    for far in (-1e9, 1e9):
        batch["displacement"] = np.full_like(batch["displacement"], far)
        assert (changed(adapter, "elastic", batch) == 0).all()


def test_noise_is_added(adapter: ModuleType) -> None:
    batch = pictures()
    np.testing.assert_array_equal(changed(adapter, "noisy", batch), batch["x"] + batch["noise"])


@pytest.mark.parametrize("shape", [(5, 6, 3), (3,)], ids=["image", "dense"])
def test_normalization_by_the_population(adapter: ModuleType, technique, shape) -> None:
    x = stream(0, "normalization").normal(3, 2, size=(7, *shape))
    staged = built(adapter, mlp.spec(shape, (), 2)).stage({"x": x})["x"]
    mean, deviation = technique("normalization").statistics(staged)
    close(np.asarray(mean), x.reshape(-1, 3).mean(axis=0))
    close(np.asarray(deviation), x.reshape(-1, 3).std(axis=0, ddof=0))


@pytest.mark.parametrize("entry", [0.1, 0.7, 130.7])
def test_a_constant_channel_is_told_by_its_entries(adapter, technique, entry: float) -> None:
    """Its mean is rounded, so that the squares of the distances from it need not vanish."""
    normalization, shape = technique("normalization"), (5, 6, 1)
    system = built(adapter, mlp.spec(shape, (), 2))
    x = system.stage({"x": np.full((4, *shape), entry)})["x"]
    mean, deviation = normalization.statistics(x)
    np.testing.assert_array_equal(np.asarray(deviation), 0)
    y = normalization.standardize(x, mean, deviation)
    np.testing.assert_allclose(np.asarray(y), 0, atol=EXACT)


def test_a_constant_channel_is_divided_by_one(adapter: ModuleType) -> None:
    batch = pictures() | {"deviation": np.array([0.0, 2.0])}
    expected = (batch["x"] - batch["mean"]) / np.array([1.0, 2.0])
    close(changed(adapter, "standardized", batch), expected)
