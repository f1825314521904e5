"""The fit on functions that are Gabor's, and on filters that are not."""

import numpy as np
import pytest

from bench.instruments import gabor

SIDE = 11


def planted(count: int, draws: np.random.Generator) -> np.ndarray:
    """Gabor functions well inside of the window, of all orientations and phases."""
    made = [
        gabor.function(
            SIDE,
            np.array(
                [
                    *draws.uniform(4, 6, 2),
                    draws.uniform(0, np.pi),
                    *draws.uniform(1.5, 2.5, 2),
                    draws.uniform(0.15, 0.35),
                    *draws.normal(size=2),
                ]
            ),
        )
        for _ in range(count)
    ]
    return np.stack(made, axis=-1)


def test_gabor_functions_are_recognized_and_noise_is_not() -> None:
    draws = np.random.default_rng(1)
    assert np.median(gabor.quality(planted(12, draws))) > 0.97
    assert np.median(gabor.quality(draws.normal(size=(SIDE, SIDE, 12)))) < 0.3


def test_scale_offset_and_sign_do_not_matter() -> None:
    filters = planted(4, np.random.default_rng(2)) + 0.3 * np.random.default_rng(3).normal(
        size=(SIDE, SIDE, 4)
    )
    expected = gabor.quality(filters)
    np.testing.assert_allclose(gabor.quality(-7 * filters + 5), expected, atol=0.02)


def test_a_constant_filter_has_no_quality() -> None:
    assert np.isnan(gabor.quality(np.ones((SIDE, SIDE, 1)))).all()


def test_surrogates_keep_the_spectrum_and_lose_the_shape() -> None:
    draws = np.random.default_rng(4)
    filters = planted(12, draws)
    drawn = gabor.surrogates(filters, draws)
    np.testing.assert_allclose(
        np.abs(np.fft.fft2(drawn, axes=(0, 1))),
        np.abs(np.fft.fft2(filters, axes=(0, 1))),
        atol=1e-9,
    )
    assert np.median(gabor.quality(filters) - gabor.quality(drawn)) > 0.2


def test_the_surrogates_of_noise_are_no_worse_than_noise() -> None:
    draws = np.random.default_rng(5)
    noise = draws.normal(size=(SIDE, SIDE, 16))
    gain = gabor.quality(noise) - gabor.quality(gabor.surrogates(noise, draws))
    assert abs(np.median(gain)) < 0.05


@pytest.mark.parametrize("number", range(8))
def test_the_derivatives_are_those_of_the_function(number: int) -> None:
    values = np.array([4.0, 6.0, 0.7, 2.0, 3.0, 0.2, 0.5, 0.3])
    x, y = np.meshgrid(np.arange(5.0), np.arange(5.0))
    x, y = x.ravel(), y.ravel()
    step = np.zeros(8)
    step[number] = 1e-6
    above, below = (gabor._model(values + sign * step, x, y)[0] for sign in (1, -1))
    slopes = gabor._model(values, x, y)[1][:, number]
    np.testing.assert_allclose((above - below) / 2e-6, slopes, atol=1e-6)
